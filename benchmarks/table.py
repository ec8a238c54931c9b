"""What a benchmark found: a table for people, and one line of JSON for machines."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure beside what it is compared with."""

    key: str
    value: float
    goal: float
    measured: str
    """What the platform took, with its unit."""
    baseline: str = ""
    """The same of what it is compared with, measured in the same run."""
    at_least: bool = False
    """Whether the goal is a lower bound; most are upper bounds."""

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def show(name: str, figures: Sequence[Figure], *, as_json: bool) -> None:
    """Print the table; with `as_json` the last line of output is one JSON object."""
    table = Table(title=f"benchmark {name}")
    table.add_column("figure")
    for column in ("platform", "baseline", "value", "goal"):
        table.add_column(column, justify="right")
    table.add_column("met")
    for figure in figures:
        bound = "≥" if figure.at_least else "≤"
        table.add_row(
            figure.key,
            figure.measured,
            figure.baseline,
            f"{figure.value:.3g}",
            f"{bound} {figure.goal:g}",
            "yes" if figure.is_met else "no",
        )
    Console().print(table)
    if as_json:
        print(json_line(name, figures))


def json_line(name: str, figures: Sequence[Figure]) -> str:
    """The figures and their goals as one line."""
    return json.dumps(
        {
            "name": name,
            "figures": {figure.key: round(figure.value, 4) for figure in figures},
            "goals": {figure.key: figure.goal for figure in figures},
        }
    )
