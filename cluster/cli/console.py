"""Where `ath` writes: what was asked for to standard output, everything else to standard error."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from harness.domain.visible_text import visible


class PlainConsole(Console):
    """Shows text of tests, agents and servers without obeying what is in it.

    Rich itself lets escape sequences through.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """The segments, with what would steer the terminal written out."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


out = PlainConsole(highlight=False, soft_wrap=True)
err = PlainConsole(stderr=True, highlight=False, soft_wrap=True)


def complain(message: str) -> None:
    """One error, for people."""
    err.print("error: ", style="bold red", end="")
    err.print(message, markup=False)


def say_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """One JSON document, for machines."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")
