"""What pytest reports of a test, without its secrets."""

from collections.abc import Callable
from typing import Any

import pytest


def redact_report(report: pytest.TestReport, redact: Callable[[str], str]) -> None:
    """Replace secret values in everything that the report would show."""
    report.longrepr = _redacted(report.longrepr, redact)
    report.sections = _redacted(report.sections, redact)
    report.user_properties = _redacted(report.user_properties, redact)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:  # Any: what pytest shows
    """The same with every text replaced; the parts of a traceback are changed in place."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [_redacted(each, redact) for each in value]
    if isinstance(value, tuple):
        return tuple(_redacted(each, redact) for each in value)
    if type(value).__module__.startswith("_pytest.") and hasattr(value, "__dict__"):
        for name, each in vars(value).items():
            setattr(value, name, _redacted(each, redact))
    return value
