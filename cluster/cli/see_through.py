"""From a submitted run to its reports and the exit code of a command."""

import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cluster.cli.console import err, out, say_json
from cluster.cli.coverage import bring_home
from cluster.cli.follow import follow
from cluster.cli.github import Step
from cluster.cli.report import print_report, summary
from harness.client import Client
from harness.domain.assessment import Readiness
from harness.domain.exit_code import ExitCode, exit_code
from harness.domain.run import Run
from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where reports are to be written."""

    junit: Path | None = None
    ctrf: Path | None = None

    def fetch(self, client: Client, run: Run) -> Iterator[tuple[str, Path, bytes]]:
        """Each that was asked for: its name, its place, its bytes."""
        if self.junit:
            yield "JUnit", self.junit, client.runs.junit(run.id)
        if self.ctrf:
            yield "CTRF", self.ctrf, client.runs.ctrf(run.id)

    def write(self, client: Client, run: Run) -> None:
        """Write each that was asked for.

        Raises:
            InvalidInput: one cannot be written.
        """
        for name, path, content in self.fetch(client, run):
            _write(name, path, content)

    def lines(self) -> Iterator[str]:
        """What was written, for people."""
        named = (("JUnit", self.junit), ("CTRF", self.ctrf))
        yield from (f"{name:5}  {path}" for name, path in named if path)


def see_through(
    client: Client,
    submitted: Run,
    files: ReportFiles,
    environ: Mapping[str, str],
    *,
    gate: bool,
    as_json: bool,
    after: int = 0,
) -> int:
    """Follow a run to its end, report it in every form that was asked for; gives the exit code.

    Raises:
        InvalidInput: a report cannot be written.
    """
    with ThreadPoolExecutor(1) as pool:
        writing: list[Future[None]] = []

        def write() -> None:
            writing.append(pool.submit(files.write, client, submitted))

        try:
            counts = follow(client, submitted.id, quiet=as_json, after=after, finished=write)
        except KeyboardInterrupt:
            return _interrupted(client, submitted, environ)
        ended = client.runs.get(submitted.id)
        if as_json:
            say_json(summary(client, ended, counts))
        else:
            print_report(client, ended, counts)
            bring_home(client, ended, Path.cwd())
            _print_places(client, ended, files)
        for written in writing:
            written.result()
    step = Step.of(environ, Path.cwd())
    if step:
        step.tell(client, ended)
    return _code(client, ended, gate=gate)


def _code(client: Client, ended: Run, *, gate: bool) -> int:
    code = exit_code(ended.state, ended.reason)
    if gate and not meets_gate(client, ended) and code in {ExitCode.PASSED, ExitCode.FAILED}:
        return ExitCode.GATE
    return code


def meets_gate(client: Client, ended: Run) -> bool:
    """Whether the run was found ready."""
    assessment = client.runs.assessment(ended.id)
    return assessment is not None and assessment.readiness is Readiness.READY


def _interrupted(client: Client, run: Run, environ: Mapping[str, str]) -> int:
    """In CI an interrupt cancels; on a terminal it only stops watching."""
    if environ.get("CI") or not sys.stderr.isatty():
        client.runs.cancel(run.id, "interrupted")
        err.print(f"\nCancelled run {run.id}.")
    else:
        err.print(
            f"\nThe run goes on. Watch it with `ath watch {run.id}`, "
            f"or stop it with `ath cancel {run.id}`."
        )
    return ExitCode.CANCELLED


def _write(name: str, path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as failed:
        raise InvalidInput(
            f"--{name.lower()} {path} cannot be written: {os.strerror(failed.errno or 0)}."
        ) from failed


def say_submitted(client: Client, run: Run, *, as_json: bool) -> None:
    """Say that a run goes on by itself."""
    if as_json:
        say_json({"run": run.id, "page": client.page(run.id)})
    else:
        out.print(f"Submitted {run.id}. Watch it with `ath watch {run.id}`.")


def _print_places(client: Client, run: Run, files: ReportFiles) -> None:
    out.print(f"\nPage   {client.sign_in(run.id)}")
    for line in files.lines():
        out.print(line, markup=False)
