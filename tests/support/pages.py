"""What pages of the documentation show."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from tests.architecture.source import ROOT

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    kind: str
    text: str

    @property
    def commands(self) -> Sequence[Sequence[str]]:
        """The words of each command."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def blocks(page: str, kind: str | None = None) -> Sequence[Block]:
    """Everything that a page of the repository shows, or what it shows of a kind."""
    found = _BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [Block(k, text) for k, text in found if kind in {None, k}]
