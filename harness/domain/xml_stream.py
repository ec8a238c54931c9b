"""XML from anybody, read in bounded memory: no document type, no entity, no endless anything."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Protocol
from xml.parsers import expat

from harness.domain.foreign import ReadLimits
from harness.errors import InvalidInput, TooLarge

_CHUNK = 64 * 1024
_TOKEN = 8 << 20
"""Of one tag; a parser must hold all of it."""
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.-]{1,40})["']""")
# Of Python's codecs only those of whole texts: some others take quadratic time.
_KNOWN = re.compile(
    r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?1|windows-?\d{4}|cp\d{3,4}|koi8-[ru]"
    r"|shift[_-]?jis|euc-(?:jp|kr)|gb(?:k|2312|18030)|big5",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(
    "[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    "|&#(?:[0-9]{1,9}|x[0-9A-Fa-f]{1,8});"
)
_UNFINISHED = re.compile("&#?x?[0-9A-Fa-f]{0,9}$")


class Listener(Protocol):
    """Who is told what the document holds."""

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        ...

    def said(self, text: str) -> None:
        """A piece of text inside the element that was opened last."""
        ...

    def closed(self, tag: str) -> None:
        """An element ends."""
        ...


class Damaged(Exception):
    """The document cannot be read beyond a place."""

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.column = column


def parse_xml(content: BinaryIO, listener: Listener, name: str, limits: ReadLimits) -> None:
    """Tell the listener of every element, in order.

    Characters that the encoding or XML forbids are replaced, as so many tools write them.

    Raises:
        Damaged: it is no well-formed XML.
        InvalidInput: it declares a document type.
        TooLarge: it exceeds a limit.
    """
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    _Watch(listener, name, limits).attach(parser)
    fed = 0
    try:
        for piece in _clean(_bounded(content, name, limits.bytes)):
            fed += len(piece)
            parser.Parse(piece, False)
            if fed - max(0, parser.CurrentByteIndex) > _TOKEN + _CHUNK:
                raise TooLarge(f"{name} has a tag of more than {_TOKEN >> 20} MiB.")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        why = expat.errors.messages[error.code]
        raise Damaged(error.lineno, error.offset + 1, why) from error


class _Watch:
    """Counts and refuses on the way to the listener."""

    def __init__(self, listener: Listener, name: str, limits: ReadLimits) -> None:
        self._listener = listener
        self._name = name
        self._limits = limits
        self._depth = 0
        self._elements = 0

    def attach(self, parser: expat.XMLParserType) -> None:
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._listener.said
        parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > self._limits.depth:
            raise TooLarge(f"{self._name} nests more than {self._limits.depth} elements.")
        if self._elements > self._limits.elements:
            raise TooLarge(f"{self._name} has more than {self._limits.elements} elements.")
        self._listener.opened(tag.rpartition(":")[2], attributes)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._listener.closed(tag.rpartition(":")[2])

    def _refuse(self, *_: object) -> None:
        raise InvalidInput(
            f"{self._name} declares a document type or entities, which no test report needs and "
            "which can be used for attacks. Remove the <!DOCTYPE …>."
        )


def _bounded(content: BinaryIO, name: str, limit: int) -> Iterator[bytes]:
    size = 0
    while chunk := content.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"{name} has more than {limit >> 20} MiB. Split it, or log less.")
        yield chunk


def _clean(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The document in UTF-8, without what XML forbids."""
    first = next(chunks, b"")
    decoder = codecs.getincrementaldecoder(_encoding(first))(errors="replace")
    held = ""
    for chunk in _and(first, chunks):
        text = held + decoder.decode(chunk)
        unfinished = _UNFINISHED.search(text, max(0, len(text) - 12))
        held = unfinished.group() if unfinished else ""
        yield _allowed(text[: len(text) - len(held)])
    yield _allowed(held + decoder.decode(b"", True))


def _and(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _encoding(start: bytes) -> str:
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    found = _DECLARED.match(start)
    declared = found.group(1).decode() if found else "utf-8"
    if not _KNOWN.fullmatch(declared):
        return "utf-8"
    try:
        return codecs.lookup(declared).name
    except LookupError:
        return "utf-8"


def _allowed(text: str) -> bytes:
    return _FORBIDDEN.sub(_visible, text).encode("utf-8", "replace")


def _visible(match: re.Match[str]) -> str:
    found = match.group()
    if not found.startswith("&"):
        return f"#x{ord(found):02X}"
    digits = found[2:-1]
    code = int(digits[1:], 16) if digits.startswith("x") else int(digits)
    if code > 0x10FFFF:
        return "\ufffd"
    return found if not _FORBIDDEN.match(chr(code)) else f"#x{code:02X}"
