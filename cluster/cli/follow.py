"""Following a run on a terminal or in a CI log."""

import time
from collections.abc import Callable, Mapping

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bar

from cluster.cli.console import err
from cluster.cli.progress import Progress
from harness.client import Client
from harness.domain.attempt import Verdict
from harness.domain.ids import RunId
from harness.domain.visible_text import one_line

TROUBLES_SHOWN = 40
LINE_CHARACTERS = 1000
DRAWN_EVERY_SECONDS = 0.1
"""Thousands of events come in a second, and drawing would take the time of tests."""


def follow(
    client: Client,
    run_id: RunId,
    *,
    quiet: bool = False,
    after: int = 0,
    finished: Callable[[], object] | None = None,
) -> Mapping[Verdict, int] | None:
    """Show the run live, from the event `after`, until it was assessed; lines go to standard error.

    `finished` is called once, when the results are complete and the assessment is still to come.
    Gives how many tests came to which verdict; None when the run's end was not among the events.

    Raises:
        KeyboardInterrupt: somebody pressed Ctrl-C; the run goes on.
        Unavailable: the API was away for too long.
    """
    state = Progress()
    ahead = client.runs.ahead(run_id)
    if ahead:
        state.step = f"waiting, {ahead} {'run' if ahead == 1 else 'runs'} ahead"
    with Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[verdicts]}"),
        console=err,
        transient=True,
        disable=quiet,
    ) as bar:
        task = bar.add_task(state.step, total=None, verdicts="")
        shown, drawn = 0, 0.0
        for event in client.runs.events(run_id, after=after):
            line = one_line((state.see(event) or "")[:LINE_CHARACTERS])
            if line and shown < TROUBLES_SHOWN:
                shown += 1
                bar.console.print(
                    f"  {line}" if not quiet else "", markup=False, end="\n" if not quiet else ""
                )
            if state.is_over and finished:
                finished()
                finished = None
            if quiet or time.monotonic() - drawn < DRAWN_EVERY_SECONDS:
                continue
            drawn = time.monotonic()
            verdicts = ", ".join(f"{count} {name}" for name, count in state.verdicts.items())
            bar.update(
                task,
                description=state.step,
                total=state.total,
                completed=len(state.done),
                verdicts=verdicts,
            )
    return state.ended
