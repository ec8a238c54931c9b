"""What an error says outside, whichever protocol carries it."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from harness.errors import HarnessError, TierUnavailable

_log = logging.getLogger(__name__)


def refusal(error: HarnessError, trace_id: str) -> Mapping[str, object]:
    """The error's members; what went wrong inside is logged, not told."""
    return {
        "status": error.status,
        "code": error.code,
        "detail": detail_of(error, trace_id),
        "retryable": error.retryable,
        "trace_id": trace_id,
        **facts_of(error),
    }


def detail_of(error: HarnessError, trace_id: str) -> str:
    """The sentence for who asked."""
    if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
        return str(error)
    _log.error("request failed", extra={"trace_id": trace_id}, exc_info=error)
    return masked(trace_id)


def facts_of(error: HarnessError) -> Mapping[str, object]:
    """Members of its own kind."""
    if not isinstance(error, TierUnavailable):
        return {}
    return {
        "tier": error.tier,
        "missing": list(error.missing),
        "reason": error.reason,
        "fix": error.fix,
    }


def masked(trace_id: str) -> str:
    """What is told of trouble inside."""
    return f"The platform failed at this. The operator finds the cause in the log: {trace_id}."
