"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Junit = Annotated[Path | None, typer.Option(help="Write a JUnit XML file.")]
Ctrf = Annotated[Path | None, typer.Option(help="Write a CTRF JSON file.")]
Gate = Annotated[bool, typer.Option(help="Exit with 8 unless the run is ready.")]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait",
        " /--detach",
        help="Follow the run to its end, or print its id and leave it; see `ath watch`.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
