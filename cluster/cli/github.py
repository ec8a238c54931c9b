"""What GitHub Actions shows of a run: annotations beside the code, and a summary of the step."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.cli.console import err
from harness.client import Client
from harness.client.runs import Highlights
from harness.domain.assessment import Assessment
from harness.domain.attempt import Failure, Verdict
from harness.domain.results import TestOutcome
from harness.domain.run import Run
from harness.errors import InvalidInput

SHOWN = 10
"""GitHub shows so many annotations of one kind for a step and drops the rest."""
MESSAGE_CHARACTERS = 4000
ROWS = 200
SUMMARY_BYTES = 1024 * 1024
"""GitHub refuses a larger summary as a whole."""
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PLAIN = str.maketrans({sign: f"&#{ord(sign)};" for sign in string.punctuation})
"""As an entity no sign means anything to Markdown, HTML or GitHub's mentions."""
_PROPERTY = _DATA | str.maketrans({":": "%3A", ",": "%2C"})


@dataclass(frozen=True, slots=True)
class Step:
    """The step of a workflow that the command runs in."""

    workspace: Path
    """The checkout, to which paths of annotations are relative."""
    folder: Path
    """Where the command runs."""
    summary: Path | None = None
    """File that takes the summary."""

    @classmethod
    def of(cls, environ: Mapping[str, str], folder: Path) -> "Step | None":
        """The step that these variables tell of; None outside GitHub Actions."""
        if environ.get("GITHUB_ACTIONS") != "true":
            return None
        named = environ.get("GITHUB_STEP_SUMMARY")
        workspace = Path(environ.get("GITHUB_WORKSPACE") or folder)
        return cls(workspace.resolve(), folder.resolve(), Path(named) if named else None)

    def tell(self, client: Client, run: Run) -> None:
        """Write annotations and summary of a run that ended.

        Raises:
            InvalidInput: the summary's file cannot be written.
        """
        found = client.runs.highlights(run.id)
        for line in self.annotations(found):
            err.print(line, markup=False, highlight=False, soft_wrap=True)
        if self.summary is None:
            return
        text = summary_of(run, found, client.runs.assessment(run.id))
        try:
            with self.summary.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        except OSError as failed:
            raise InvalidInput(f"GITHUB_STEP_SUMMARY cannot be written: {failed}.") from failed

    def annotations(self, found: Highlights) -> Iterator[str]:
        """Workflow commands: errors for what failed, warnings for what is flaky or quarantined.

        Where there are more than GitHub shows, the last one says how many.
        """
        bad = [test for test in found.tests if not _is_harmless(test)]
        harmless = [test for test in found.tests if _is_harmless(test)]
        for level, tests in (("error", bad), ("warning", harmless)):
            fits = len(tests) <= SHOWN
            for test in tests if fits else tests[: SHOWN - 1]:
                yield self._annotation(level, test)
            if not fits:
                more = len(tests) - SHOWN + 1
                yield f"::{level} title=ath::{more} more; see the summary of this step."

    def _annotation(self, level: str, test: TestOutcome) -> str:
        failure = test.failure
        title = f"{test.case.id} {test.verdict}"
        named = {"title": title}
        file = self._in_checkout(test.case.file)
        if file:
            line = _line(test, failure)
            named = {"file": file, **({"line": str(line)} if line else {}), **named}
        properties = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in named.items())
        text = f"{failure.exception}: {failure.message}" if failure else title
        return f"::{level} {properties}::{text[:MESSAGE_CHARACTERS].translate(_DATA)}"

    def _in_checkout(self, file: str) -> str | None:
        """The path of a suite's file below the checkout; pytest's root may be above the folder."""
        for base in (self.folder, *self.folder.parents):
            if not base.is_relative_to(self.workspace):
                return None
            if (base / file).is_file():
                return (base / file).relative_to(self.workspace).as_posix()
        return None


def summary_of(run: Run, found: Highlights, assessment: Assessment | None) -> str:
    """A run in GitHub's Markdown; text of tests is escaped, rows are bounded."""
    counts = ", ".join(f"{n} {verdict}" for verdict, n in found.counts.items() if n) or "no tests"
    lines = [f"### Run {run.state}: {counts}", ""]
    if run.message:
        lines += [run.message.translate(_PLAIN), ""]
    if found.tests:
        lines += ["| test | verdict | why |", "|---|---|---|"]
        lines += [_row(test) for test in found.tests[:ROWS]]
        if len(found.tests) > ROWS:
            lines.append(f"| and {len(found.tests) - ROWS} more | | |")
        lines.append("")
    if assessment:
        lines += [f"**Readiness: {assessment.readiness}**", ""]
        lines += [f"- {reason.translate(_PLAIN)}" for reason in assessment.reasons]
    text = "\n".join(lines) + f"\n\n<sub>run {run.id}</sub>\n"
    return text.encode()[: SUMMARY_BYTES - 1].decode(errors="ignore")


def _row(test: TestOutcome) -> str:
    failure = test.failure
    why = f"{failure.exception.rpartition('.')[2]}: {failure.message}" if failure else ""
    return f"| {_cell(test.case.id)} | {test.verdict} | {_cell(why)} |"


def _is_harmless(test: TestOutcome) -> bool:
    return test.verdict is Verdict.FLAKY or test.case.quarantined is not None


def _cell(text: str) -> str:
    line = " ".join(text.split())[:300]
    return f"<code>{line.translate(_PLAIN)}</code>"


def _line(test: TestOutcome, failure: Failure | None) -> int | None:
    """Where in the test's own file it failed, innermost; else where the test begins."""
    frames = failure.frames if failure else ()
    own = (frame.line for frame in frames if Path(frame.file).name == Path(test.case.file).name)
    return next(own, test.case.line)
