"""Where `ath` writes: what was asked for to standard output, everything else to standard error."""

import json
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def complain(message: str) -> None:
    """One error, for people."""
    err.print("error: ", style="bold red", end="")
    err.print(message, markup=False)


def say_json(value: Mapping[str, object] | Sequence[object]) -> None:
    """One JSON document, for machines."""
    sys.stdout.write(json.dumps(value, default=str) + "\n")
