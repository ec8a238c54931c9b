"""An API's error response as an error of the tree."""

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
    fallback = _BY_STATUS.get(response.status_code, HarnessError)
    if not response.content:
        return fallback(f"{where} gave {response.status_code}.")
    fields = response.json()
    kind = _BY_CODE.get(fields.get("code"), fallback)
    return kind(str(fields.get("detail", where)))
