"""Arguments and answers in the form that a journal can keep: plain, without secrets, bounded."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.tool import Part, Picture, ToolAnswer, Words
from harness.domain.capped_text import cut
from harness.domain.redaction import Redactor
from harness.errors import InvalidInput, TooLarge
from harness.events.canonical import Json

_MOST_INTEGER = 2**53 - 1
_NOTE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Recording:
    """Makes what one lease's journal keeps."""

    redactor: Redactor
    bounds: ToolBounds

    def arguments(self, given: Mapping[str, object]) -> dict[str, Json]:
        """What a journal keeps of them.

        Raises:
            InvalidInput: nobody could keep them: too deep, too many, or no JSON.
        """
        _check(given, self.bounds)
        return {self._text(name): self._kept(value) for name, value in given.items()}

    def answer(self, answer: ToolAnswer, room: int) -> ToolAnswer:
        """The answer without secrets, its texts cut to `room` bytes together.

        Raises:
            TooLarge: a picture does not fit.
        """
        parts: list[Part] = []
        for part in answer.parts:
            if isinstance(part, Picture):
                if len(part.png) > min(room, self.bounds.picture_bytes):
                    raise TooLarge(f"The picture has {len(part.png)} bytes; ask for a smaller one.")
                room -= len(part.png)
                parts.append(part)
                continue
            text = self.words(part.text, room)
            room -= len(text.encode())
            parts.append(Words(text, part.is_untrusted))
        return ToolAnswer(tuple(parts), answer.is_error)

    def words(self, text: str, most: int | None = None) -> str:
        """A text without secrets, within the bounds of an answer and of `most` bytes."""
        limit = self.bounds.answer_bytes
        return bounded(
            storable(self.redactor.text(text)), limit if most is None else min(limit, most)
        )

    def _kept(self, value: object) -> Json:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Sequence):
            return [self._kept(each) for each in value]
        if isinstance(value, Mapping):
            return {self._text(str(name)): self._kept(each) for name, each in value.items()}
        return value if isinstance(value, bool | int | float) else None

    def _text(self, text: str) -> str:
        clean = storable(self.redactor.text(text))
        if len(clean) <= self.bounds.kept_characters:
            return clean
        digest = hashlib.sha256(clean.encode()).hexdigest()
        return f"{cut(clean, self.bounds.kept_characters)}\n… sha256 {digest} …"


def result_of(answer: ToolAnswer) -> dict[str, Json]:
    """The answer for a journal; a picture is there as its digest."""
    return {"content": [_plain(part) for part in answer.parts], "is_error": answer.is_error}


def size_of(answer: ToolAnswer) -> int:
    """Its bytes."""
    return sum(
        len(part.png) if isinstance(part, Picture) else len(part.text.encode())
        for part in answer.parts
    )


def storable(text: str) -> str:
    """The text without what stores cannot keep: NUL, and halves of characters."""
    return text.replace("\0", "\\x00").encode("utf-8", "replace").decode()


def bounded(text: str, most: int) -> str:
    """At most `most` bytes of the text, head and tail, with a note between."""
    data = text.encode()
    if len(data) <= most:
        return text
    half = max(0, most - _NOTE_BYTES) // 2
    head, tail = data[:half].decode(errors="ignore"), data[len(data) - half :]
    note = f"\n… {len(data) - 2 * half} bytes left out …\n"
    return head + note + tail.decode(errors="ignore") if most >= _NOTE_BYTES else ""


def _plain(part: Part) -> Json:
    if isinstance(part, Picture):
        digest = hashlib.sha256(part.png).hexdigest()
        return {"type": "image/png", "bytes": len(part.png), "sha256": digest}
    return {"type": "text", "text": part.text, "is_untrusted": part.is_untrusted}


def _check(given: Mapping[str, object], bounds: ToolBounds) -> None:
    """Without recursion, so that depth cannot hurt."""
    waiting: list[tuple[object, int]] = [(given, 1)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > bounds.depth:
            raise InvalidInput(f"The arguments are deeper than {bounds.depth} levels.")
        if count + len(waiting) > bounds.values:
            raise InvalidInput(f"The arguments have more than {bounds.values} values.")
        if isinstance(value, Mapping):
            waiting += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, float) and not math.isfinite(value):
            raise InvalidInput("The arguments hold a number that is not finite.")
        elif type(value) is int and abs(value) > _MOST_INTEGER:
            raise InvalidInput("The arguments hold a whole number of more than 53 bits.")
