"""The effects of one sandbox as lines of JSON, written before and after each."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from harness.domain.decision import Decision
from harness.domain.redaction import Redactor
from harness.errors import QuotaExceeded
from harness.events.canonical import Json
from harness.events.effect import Effect
from harness.ports.clock import Clock

MOST_BYTES = 64 << 20
ROOM_TO_END_BYTES = 8 << 20
"""Left for the results of what has begun."""
MOST_ARGS_BYTES, MOST_RESULT_BYTES = 2 << 20, 1 << 20
"""Of larger ones their size is written, and of arguments their hash."""


@dataclass(slots=True)
class Journal:
    """An `EffectJournal` in a file of its own; what does not fit is not allowed to happen."""

    path: Path
    clock: Clock
    redactor: Redactor = field(default_factory=Redactor, repr=False)
    most_bytes: int = MOST_BYTES
    _handle: int = -1
    _last: int = 0
    _size: int = 0
    _begun: dict[int, float] = field(default_factory=dict)
    _trouble: str = ""

    def __post_init__(self) -> None:
        """The file is made anew."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._handle = os.open(self.path, flags, 0o600)

    def begin(self, effect: Effect) -> int:
        """See `EffectJournal.begin`."""
        line = self._asked("asked", effect)
        if self._trouble or self._size + len(line) > self.most_bytes - ROOM_TO_END_BYTES:
            told = self._trouble or f"it has {self._size >> 20} MiB"
            raise QuotaExceeded(f"The journal takes no further effect ({told}), so none may be.")
        self._begun[self._last] = self.clock.monotonic()
        self._append(line)
        return self._last

    def end(self, number: int, result: Mapping[str, Json], error: str = "") -> None:
        """See `EffectJournal.end`."""
        begun = self._begun.pop(number, None)
        if begun is None:
            return
        entry: dict[str, Any] = {
            "n": number,
            "what": "answered",
            "seconds": round(self.clock.monotonic() - begun, 6),
            **({"error": error} if error else {}),
            "result": self.redactor.value(dict(result)),
        }
        self._append(_bounded(entry, "result", MOST_RESULT_BYTES))

    def refuse(self, effect: Effect, decision: Decision) -> None:
        """See `EffectJournal.refuse`."""
        told = {"denial": decision.denial.value, "reason": self.redactor.text(decision.reason)}
        line = self._asked("refused", effect, **told)
        if self._size + len(line) <= self.most_bytes - ROOM_TO_END_BYTES:
            self._append(line)

    def read(self, offset: int, most_bytes: int) -> bytes:
        """What stands there from an offset in bytes; empty at the end."""
        if self._handle < 0:
            return b""
        return os.pread(self._handle, most_bytes, offset)

    def close(self) -> None:
        """Remove it."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
            self.path.unlink(missing_ok=True)

    def _asked(self, what: str, effect: Effect, **more: str) -> bytes:
        self._last += 1
        # Hashed without secrets, too: whoever guesses one must not see that he is right.
        args = cast("dict[str, Json]", self.redactor.value(dict(effect.args)))
        clean = Effect(effect.kind, self.redactor.text(effect.name), args)
        entry = {
            "n": self._last,
            "what": what,
            "at": self.clock.now().isoformat(),
            "kind": clean.kind.value,
            "name": clean.name,
            "args_hash": clean.args_hash,
            **more,
            "args": args,
        }
        return _bounded(entry, "args", MOST_ARGS_BYTES)

    def _append(self, line: bytes) -> None:
        if self._handle < 0:
            return
        try:
            self._size += os.write(self._handle, line)
        except OSError as failed:
            # What cannot be written down must not go on happening.
            self._trouble = f"it cannot be written: {failed.strerror}"


def _bounded(entry: Mapping[str, Any], name: str, most_bytes: int) -> bytes:
    """The entry's line; if that is large, its size stands for one value."""
    line = _line(entry)
    return line if len(line) <= most_bytes else _line({**entry, name: {"bytes": len(line)}})


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
