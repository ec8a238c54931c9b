"""JSON from anybody, read piece by piece: what nobody asks for is never built."""

import json
import re
from collections.abc import Collection, Iterator
from typing import BinaryIO

from harness.domain.capped_text import TextBudget
from harness.domain.foreign import ReadLimits
from harness.errors import InvalidInput, TooLarge

ITEMS = 1_000
"""Of one array or object that is built."""
_TOKEN = re.compile(
    rb'[ \t\r\n]*+(?:([{}\[\]:,])|("[^"\\]*+(?:\\.[^"\\]*+)*+")|(-?[0-9][0-9.eE+-]{0,40})'
    rb"|(true|false|null))",
    re.DOTALL,
)
_LONG = 2 << 20
"""Bytes of a string that is never held as a whole."""
_NAMES = {b"true": True, b"false": False, b"null": None}

Json = dict[str, "Json"] | list["Json"] | str | float | bool | None


class JsonReader:
    """Goes through one document once; after each key or item the caller takes what follows."""

    def __init__(self, content: BinaryIO, name: str, limits: ReadLimits) -> None:
        """Reads the bytes.

        Raises:
            TooLarge: there are more than the limit.
        """
        self._bytes = content.read(limits.bytes + 1)
        if len(self._bytes) > limits.bytes:
            raise TooLarge(f"{name} has more than {limits.bytes >> 20} MiB. Split it.")
        self.name = name
        self.limits = limits
        self.budget = TextBudget(name, limits.all_characters)
        self._place = 3 if self._bytes.startswith(b"\xef\xbb\xbf") else 0
        self._tokens = 0
        self._next = self._token()

    def object(self) -> Iterator[str]:
        """The keys of an object, each with its value still to be taken; none if it is no object."""
        if self._next != b"{":
            self.skip()
            return
        self._advance()
        while self._next != b"}":
            key = self._take_string()
            self._expect(b":")
            yield key
            self._separated(b"}")
        self._advance()

    def array(self) -> Iterator[int]:
        """The indexes of an array, each with its item still to be taken; none if it is no array."""
        if self._next != b"[":
            self.skip()
            return
        self._advance()
        index = 0
        while self._next != b"]":
            yield index
            index += 1
            self._separated(b"]")
        self._advance()

    def value(self, wanted: Collection[str], depth: int = 0) -> Json:
        """What follows, of objects only these keys, of arrays and objects the first items."""
        if depth > self.limits.depth:
            raise TooLarge(f"{self.name} nests more than {self.limits.depth} values.")
        if self._next == b"{":
            return self._object(wanted, depth)
        if self._next == b"[":
            return self._array(wanted, depth)
        return self._scalar()

    def skip(self) -> None:
        """Pass over what follows."""
        depth = 0
        while True:
            if self._next in (b"{", b"["):
                depth += 1
            elif self._next in (b"}", b"]"):
                depth -= 1
            elif self._next in (b":", b",") and depth == 0:
                raise self._wrong()
            self._advance()
            if depth <= 0:
                return

    def end(self) -> None:
        """Nothing may follow.

        Raises:
            InvalidInput: something does.
        """
        if self._next or self._bytes[self._place :].strip():
            raise self._wrong()

    def _object(self, wanted: Collection[str], depth: int) -> Json:
        found: dict[str, Json] = {}
        for key in self.object():
            if (not wanted or key in wanted) and len(found) < ITEMS:
                found[key] = self.value(wanted, depth + 1)
            else:
                self.skip()
        return found

    def _array(self, wanted: Collection[str], depth: int) -> Json:
        found: list[Json] = []
        for index in self.array():
            if index < ITEMS:
                found.append(self.value(wanted, depth + 1))
            else:
                self.skip()
        return found

    def _scalar(self) -> Json:
        token = self._next
        if token.startswith(b'"'):
            return self._take_string()
        self._advance()
        if token in _NAMES:
            return _NAMES[token]
        try:
            return float(token)
        except ValueError:
            raise self._wrong() from None

    def _take_string(self) -> str:
        token = self._next
        if not token.startswith(b'"'):
            raise self._wrong()
        text = token[1:-1].decode("utf-8", "replace")
        if "\\" in text:
            text = self._unescaped(token)
        self._advance()
        return self.budget.cut(text.replace("\0", "\ufffd"), self.limits.text_characters)

    def _unescaped(self, token: bytes) -> str:
        try:
            text = str(json.loads(token.decode("utf-8", "replace"), strict=False))
        except ValueError:
            raise self._wrong() from None
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _separated(self, end: bytes) -> None:
        if self._next == b",":
            self._advance()
            if self._next == end:
                raise self._wrong()
        elif self._next != end:
            raise self._wrong()

    def _expect(self, token: bytes) -> None:
        if self._next != token:
            raise self._wrong()
        self._advance()

    def _advance(self) -> None:
        if not self._next:
            raise self._wrong()
        self._next = self._token()

    def _token(self) -> bytes:
        """The next token; empty at the end or where none can be read."""
        match = _TOKEN.match(self._bytes, self._place)
        if match is None:
            return b""
        self._tokens += 1
        if self._tokens > self.limits.elements:
            raise TooLarge(f"{self.name} has more than {self.limits.elements} values. Split it.")
        self._place = match.end()
        start, end = match.span(match.lastindex or 0)
        if end - start > _LONG:
            return self._ends_of_string(start, end)
        return self._bytes[start:end]

    def _ends_of_string(self, start: int, end: int) -> bytes:
        """A string so long that it will be cut, without its middle."""
        head = self._bytes[start : start + _LONG // 2]
        tail = self._bytes[end - _LONG // 2 : end - 1]
        # No escape may be left of which only a part is here.
        broken = head.rfind(b"\\", len(head) - 6)
        head = head[:broken].rstrip(b"\\") if broken > 0 else head
        left_out = f"\\n\u2026 {end - start - _LONG} bytes left out \u2026\\n".encode()
        return head + left_out + tail.lstrip(b'\\"') + b'"'

    def _wrong(self) -> InvalidInput:
        line = self._bytes.count(b"\n", 0, self._place) + 1
        what = "ends in the middle" if not self._bytes[self._place :].strip() else "is no JSON"
        return InvalidInput(
            f"{self.name} {what} at line {line} (byte {self._place}). "
            "Let the tool that writes it come to its end, then try again."
        )
