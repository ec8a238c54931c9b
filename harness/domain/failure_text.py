"""What a failure's message says once everything accidental is taken out of it."""

import re
from collections.abc import Callable

MESSAGE_CHARACTERS = 1500
WORDS = 60

_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/'\"<>]{1,200}", re.IGNORECASE)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_TIME = re.compile(
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d\d?:\d\d:\d\d(?:[.,]\d{1,9})?"
)
_FOLDERS = re.compile(r"(?<![\w.])(?:[a-z]:)?(?:[\\/][\w.~@+-]+)+(?=[\\/])", re.IGNORECASE)
_ADDRESS = re.compile(r"\b0x[0-9a-f]+|\b(?=[a-f]{0,40}\d)[0-9a-f]{12,}\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![a-z])\d+(?:[.,]\d+)*|(?<=[a-z])\d{3,}", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]+|<[a-z]+>")
_JOINT = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")

_ACCIDENTAL: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_URL, "<url>"),
    (_UUID, "<uuid>"),
    (_TIME, "<time>"),
    (_FOLDERS, ""),
    (_ADDRESS, "<hex>"),
    (_NUMBER, "#"),
    (_SPACE, " "),
)


def normalised(message: str) -> str:
    """The message without hosts, ids, times, folders and numbers, on one line.

    Only the first 1,500 characters count.
    """
    text = message[:MESSAGE_CHARACTERS]
    for pattern, instead in _ACCIDENTAL:
        text = pattern.sub(instead, text)
    return text.strip()


def words(text: str) -> list[str]:
    """The first 60 different words of a text, in lower case and in order."""
    found = dict.fromkeys(match.group().lower() for match in _WORD.finditer(text))
    return list(found)[:WORDS]


def name_parts(name: str) -> list[str]:
    """The words inside an identifier: `test_readOnly` gives test, read, only."""
    return [part.lower() for part in _JOINT.split(name) if len(part) > 1]
