"""`ath freeze`: brings the action lists of a run's reached goals beside their specs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import err, out
from cluster.cli.look import Named, find_run
from cluster.cli.session import connect
from harness.client import Client
from harness.domain.attempt import ArtifactRef, Verdict
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from harness.domain.results import RunResults
from harness.errors import InvalidInput
from harness.settings import Settings

if TYPE_CHECKING:
    from actors.specs.agents.frozen import FrozenFile

MOST_BYTES = 1 << 20
Into = Annotated[
    Path, typer.Option("--into", help="The suite's root, where the specs are.", file_okay=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(app, freeze)


def freeze(run: Named = "last", into: Into = Path()) -> int:
    """Write the goals that a run reached, or healed, beside their specs; read them, then commit."""
    with connect(Settings.load()) as client:
        found = list(_lists(client, find_run(client, run)))
    if not found:
        err.print("No goal was planned or healed in that run.")
        return ExitCode.FAILED
    for file in write_lists(into, found):
        out.print(f"Wrote {file}", markup=False, highlight=False)
    return ExitCode.PASSED


def write_lists(root: Path, found: "list[FrozenFile]") -> "list[Path]":
    """Merge lists into the files beside their specs; gives the files.

    Raises:
        InvalidInput: a spec is not below the root.
    """
    from actors.specs.agents.frozen import frozen_path, read_frozen

    written: dict[Path, None] = {}
    for each in found:
        spec = (root / each.spec).resolve()
        if not spec.is_relative_to(root.resolve()) or not spec.is_file():
            raise InvalidInput(f"There is no {each.spec} below {root}: name the root with --into.")
        file = frozen_path(spec)
        merged = (read_frozen(file) or each).with_goals(each.goals)
        file.write_text(merged.text(), encoding="utf-8")
        written[file] = None
    return list(written)


def passed_lists(results: RunResults) -> Iterator[ArtifactRef]:
    """Frozen lists of attempts that passed: a failed one is no way to a goal."""
    from actors.specs.agents.frozen import SUFFIX

    for test in results.tests:
        for attempt in test.attempts:
            if attempt.result and attempt.result.verdict is Verdict.PASSED:
                yield from (r for r in attempt.result.artifacts if r.name.endswith(SUFFIX))


def _lists(client: Client, run_id: RunId) -> "Iterator[FrozenFile]":
    from actors.specs.agents.frozen import parse_frozen

    with tempfile.TemporaryDirectory() as folder:
        for ref in passed_lists(client.runs.results(run_id)):
            if ref.size > MOST_BYTES:
                raise InvalidInput(f"{ref.name} has {ref.size} bytes, which no frozen list has.")
            path = Path(folder) / "list.yaml"
            client.artifacts.save(ref, path)
            try:
                yield parse_frozen(ref.name, path.read_bytes())
            except ValueError as wrong:
                raise InvalidInput(f"{ref.name} is no frozen list: {wrong}") from None
