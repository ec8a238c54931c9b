"""Keeps secrets out of bytes on their way to somebody who may be looking for them."""

from dataclasses import dataclass

from harness.domain.redaction import Redactor


@dataclass(slots=True)
class RedactedFlow:
    """Bytes in, the same without values out; holds back a bounded part of the last line.

    How much is held back depends on line ends and lengths alone: whoever makes a host send what he
    guesses must not learn from the pace that he is getting warm. For the same reason only whole
    values are hidden, not their beginnings.
    """

    redactor: Redactor
    _held: bytes = b""

    def take(self, data: bytes) -> bytes:
        """What can go on now that this has come: whole lines at once."""
        if self.redactor.hides_nothing:
            return data
        clean = self.redactor.whole(self._held + data)
        cut = max(clean.rfind(b"\n") + 1, len(clean) - self.redactor.reach)
        self._held = clean[cut:]
        return clean[:cut]

    def rest(self) -> bytes:
        """What is left when nothing more comes."""
        left, self._held = self._held, b""
        return left
