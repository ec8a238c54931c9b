"""Text of tests as people may see it: nothing in it steers a terminal or turns a line around."""

import re

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""The text with what steers written out, such as `\x1b`; newlines and tabs stay."""
    return _STEERING.sub(_written, text)


def one_line(text: str) -> str:
    r"""The same on one line; a newline is written out as `\n`."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")


def _written(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
