"""An API's error response as an error of the tree."""

from collections.abc import Mapping
from typing import Any

import httpx

from harness.errors import (
    Conflict,
    Corrupt,
    Fenced,
    Forbidden,
    HarnessError,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    StorageFull,
    TierUnavailable,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

_KINDS: tuple[type[HarnessError], ...] = (
    InvalidInput,
    NotFound,
    Unauthenticated,
    Forbidden,
    Conflict,
    Fenced,
    QuotaExceeded,
    TooLarge,
    Unavailable,
    StorageFull,
    Corrupt,
)
_BY_CODE = {kind.code: kind for kind in _KINDS}
_BY_STATUS = {kind.status: kind for kind in reversed(_KINDS)}
_MEDIA_TYPE = "application/problem+json"


def error_of(response: httpx.Response) -> HarnessError:
    """What a response of 400 or more says; its body must have been read.

    Whatever is not a problem was said by a proxy in front of an API that is not up (yet).
    """
    where = f"{response.request.method} {response.request.url.path}"
    if not response.headers.get("content-type", "").startswith(_MEDIA_TYPE):
        return Unavailable(f"The API does not answer yet ({where} gave {response.status_code}).")
    if not response.content:
        fallback = _BY_STATUS.get(response.status_code, HarnessError)
        return fallback(f"{where} gave {response.status_code}.")
    return error_in({"status": response.status_code, **response.json()}, where)


def error_in(fields: Mapping[str, Any], where: str) -> HarnessError:
    """What a problem's members say."""
    detail = str(fields.get("detail", where))
    if fields.get("code") == TierUnavailable.code and "missing" in fields:
        told = [str(fields.get(name, "")) for name in ("tier", "reason", "fix")]
        return TierUnavailable(told[0], [str(one) for one in fields["missing"]], *told[1:])
    fallback = _BY_STATUS.get(int(fields.get("status", 0)), HarnessError)
    return _BY_CODE.get(str(fields.get("code")), fallback)(detail)
