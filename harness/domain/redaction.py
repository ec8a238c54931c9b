"""Keeps the values of secrets out of everything that is recorded.

It hides a value in the forms that programs give it by accident. A suite that means to give its
secret away can always do so.
"""

import base64
import html
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast
from urllib.parse import quote, quote_plus

NOTE = "\u2039secret {}\u203a"
_LINE = 8
"""Lines of a value that are as long as this are hidden where they stand alone, too."""
_REST = 6
"""Pieces of a value that are as long as this are hidden beside a place where text was cut."""
_CUT = re.compile(r"\n?… \d+ (?:characters|bytes) left out …\n?|\.\.\.|…")
_LONG = 990
"""Text of this length may have been cut at its ends without a note."""
_CHUNK = 1 << 18
_TRIES = 64
_PERCENT = re.compile(r"%[0-9A-F]{2}")
_DIGITS = "[A-Za-z0-9+/_-]"


@dataclass(frozen=True, slots=True)
class _Form:
    """One way to write one value."""

    core: str
    """What occurs wherever the form does."""
    pattern: re.Pattern[str]
    note: str

    def latin(self) -> "_Form":
        """The same for bytes that were decoded as Latin-1."""
        core, note = (text.encode().decode("latin-1") for text in (self.core, self.note))
        if core == self.core:
            return _Form(core, self.pattern, note)
        return _Form(core, re.compile(re.escape(core)), note)


@dataclass(frozen=True, slots=True)
class _Forms:
    """Every way to write every value."""

    forms: Sequence[_Form] = ()
    """Longest first."""
    joined: str = ""
    """All of them in one text, to see at once that none has some piece."""

    @classmethod
    def of(cls, forms: Sequence[_Form]) -> "_Forms":
        return cls(tuple(forms), "\0".join(form.core for form in forms))

    @property
    def longest(self) -> int:
        return max((len(form.core) for form in self.forms), default=0)

    def hide(self, text: str) -> str:
        text = self.hide_whole(text)
        return self._without_rests(text) if self.forms else text

    def hide_whole(self, text: str) -> str:
        for form in self.forms:
            if form.core in text:
                text = form.pattern.sub(form.note, text)
        return text

    def _without_rests(self, text: str) -> str:
        """Hide beginnings and ends of values beside the places where text was cut."""
        pieces = _CUT.split(text)
        is_whole = len(text) < _LONG
        if len(pieces) == 1 and is_whole:
            return text
        marks = [*_CUT.findall(text), ""]
        last = len(pieces) - 1
        for number, piece in enumerate(pieces):
            clean = piece if is_whole and number == 0 else self._headless(piece)
            clean = clean if is_whole and number == last else self._tailless(clean)
            pieces[number] = clean + marks[number]
        return "".join(pieces)

    def _headless(self, text: str) -> str:
        for form in self._having(text[:_REST]):
            for length in range(min(len(form.core), len(text)), _REST - 1, -1):
                if text.startswith(form.core[-length:]):
                    return form.note + text[length:]
        return text

    def _tailless(self, text: str) -> str:
        for form in self._having(text[-_REST:]):
            for length in range(min(len(form.core), len(text)), _REST - 1, -1):
                if text.endswith(form.core[:length]):
                    return text[:-length] + form.note
        return text

    def _having(self, piece: str) -> Sequence[_Form]:
        if len(piece) < _REST or piece not in self.joined:
            return ()
        return [form for form in self.forms if piece in form.core]


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces values of secrets by notes of their names."""

    _text: _Forms = field(default_factory=_Forms)
    _bytes: _Forms = field(default_factory=_Forms)
    """The same, for bytes that were decoded as Latin-1."""

    @classmethod
    def of(cls, secrets: Mapping[str, str]) -> "Redactor":
        """Hides these values by name."""
        found: dict[str, _Form] = {}
        for name, value in secrets.items():
            for form in _forms_of(value, NOTE.format(name)):
                found.setdefault(form.core, form)
        forms = sorted(found.values(), key=lambda form: len(form.core), reverse=True)
        return cls(_Forms.of(forms), _Forms.of([form.latin() for form in forms]))

    @property
    def hides_nothing(self) -> bool:
        """Whether there is no secret."""
        return not self._text.forms

    def text(self, text: str) -> str:
        """The text without values."""
        return self._text.hide(text)

    def data(self, data: bytes) -> bytes:
        """The bytes without values, where they are text of any encoding that keeps ASCII."""
        return self._bytes.hide(data.decode("latin-1")).encode("latin-1")

    def whole(self, data: bytes) -> bytes:
        """The bytes without whole values; for somebody who could learn from a hidden beginning."""
        return self._bytes.hide_whole(data.decode("latin-1")).encode("latin-1")

    @property
    def reach(self) -> int:
        """How many bytes must be seen together, so that no value passes in two parts."""
        return self._bytes.longest + 4

    def value(self, value: object) -> object:
        """A JSON value without values of secrets in its texts; names of fields stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {name: self.value(item) for name, item in value.items()}
        return value

    def stream(self, content: BinaryIO) -> BinaryIO:
        """The same bytes without values, in bounded memory; binary content stays as it is."""
        if self.hides_nothing:
            return content
        head = content.read(_CHUNK)
        if not _is_text(head):
            return _file(_chained(head, content))
        return _file(self._cleaned(_chained(head, content)))

    def _cleaned(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        held = ""
        for chunk in chunks:
            held += chunk.decode("latin-1")
            cut = self._harmless_cut(held)
            if cut > 0:
                yield self._bytes.hide(held[:cut]).encode("latin-1")
                held = held[cut:]
        yield self._bytes.hide(held).encode("latin-1")

    def _harmless_cut(self, text: str) -> int:
        """A place near the end where no form is cut in two."""
        reach = self.reach
        cut = len(text) - reach
        for _ in range(_TRIES):
            if cut <= 0:
                return 0
            begin = max(0, cut - reach)
            window = text[begin : cut + reach]
            spans = [
                match.span()
                for form in self._bytes.forms
                if form.core in window
                for match in form.pattern.finditer(window)
            ]
            starts = [begin + start for start, end in spans if begin + start < cut < begin + end]
            if not starts:
                return cut
            cut = min(starts)
        return cut


class _Pieces(io.RawIOBase):
    """A file made of pieces, read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken


def _file(pieces: Iterator[bytes]) -> BinaryIO:
    return cast("BinaryIO", _Pieces(pieces))  # whoever stores it only ever reads


def _chained(head: bytes, content: BinaryIO) -> Iterator[bytes]:
    while head:
        yield head
        head = content.read(_CHUNK)


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as wrong:
        return wrong.start >= len(head) - 3  # a character that the chunk's end cut in two
    return True


def _forms_of(value: str, note: str) -> Iterator[_Form]:
    for text in _texts(value):
        yield _Form(text, re.compile(re.escape(text)), note)
    data = value.encode()
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            yield _base64_form(alphabet(b"\0" * before + data).decode(), before, len(data), note)


def _texts(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines() if len(line.strip()) >= _LINE}
    plain = {value, *lines}
    escaped = {word for text in plain for word in _escaped(text)}
    data = value.encode()
    return {*plain, *escaped, data.hex(), data.hex().upper()} - {""}


def _escaped(text: str) -> Iterator[str]:
    for url in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield url
        yield _PERCENT.sub(lambda match: match.group().lower(), url)
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
    yield repr(text)[1:-1]
    yield repr(text.encode())[2:-1]
    yield html.escape(text)
    yield html.escape(text, quote=False)


def _base64_form(encoded: str, before: int, size: int, note: str) -> _Form:
    """The digits that the value alone decides, whatever stands before and after it."""
    core = encoded[(0, 2, 3)[before] : (before + size) * 8 // 6]
    head = f"{_DIGITS}?" if before else ""
    tail = f"{_DIGITS}?={{0,2}}" if (before + size) % 3 else ""
    return _Form(core, re.compile(head + re.escape(core) + tail), note)
