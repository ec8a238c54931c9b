"""A run made of results from elsewhere: begun, executed and ended before it came here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from harness.domain.attempt import AttemptResult, Phase, Verdict
from harness.domain.environment import Environment
from harness.domain.foreign import ForeignAttempt, ForeignTest
from harness.domain.ids import Digest
from harness.domain.report_format import ReportFormat
from harness.domain.reports import Reports
from harness.domain.results import RunResults, conclude
from harness.domain.run import IMPORTED, Run, RunRequest, RunState
from harness.domain.suite import SuiteVersion, TestCase

MESSAGE_CHARACTERS = 1_000
NOT_RUN = AttemptResult(
    Verdict.CANCELLED,
    phases=(Phase("call", "skipped", reason="The report says that the test was not run."),),
)


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What somebody wants to import."""

    upload: Digest
    """A tar file of reports and attachments, or one report; stored as an artifact."""
    name: str = "report"
    """Of the upload, for people."""
    format: ReportFormat | None = None
    """None: each file as what it is."""
    suite: str = "imported"
    """Whose results these are."""
    environment: str | None = None
    release: str | None = None

    def request(self, labels: Mapping[str, str] | None = None) -> RunRequest:
        """What the run says of itself."""
        return RunRequest(
            suite=SuiteVersion(self.upload, self.suite),
            argv=("ath", "import", self.name),
            environment=Environment(self.environment) if self.environment else None,
            release=self.release,
            labels=labels or {},
        )

    def is_of(self, run: Run) -> bool:
        """Whether the run was made by this very order."""
        return replace(run.request, labels={}) == self.request()


def labels_of(reports: Reports) -> Mapping[str, str]:
    """What marks the run as imported."""
    tool = reports.results.tool
    return {IMPORTED: " ".join(reports.formats), **({"ath.tool": tool} if tool else {})}


def test_case(test: ForeignTest, index: int) -> TestCase:
    """The test as a run holds it."""
    return TestCase(test.id, index, test.file, test.line)


test_case.__test__ = False  # type: ignore[attr-defined]  # pytest would collect it by its name


def attempts_of(test: ForeignTest) -> Sequence[ForeignAttempt]:
    """What was told of it; a test that was not run has one attempt that says so."""
    return test.attempts or (ForeignAttempt(NOT_RUN),)


def ended(draft: RunResults, reports: Reports, missing: int) -> Run:
    """The draft's run in its terminal state, with what has to be said of it."""
    run = draft.run
    gating = [test for test in draft.tests if test.case.quarantined is None]
    verdicts = [test.verdict for test in gating if test.verdict]
    state, reason = conclude(verdicts)
    started = reports.results.started_at or run.created_at
    spent = timedelta(seconds=min(1e8, sum(test.seconds for test in draft.tests)))
    running = run.moved(RunState.COLLECTING).moved(RunState.RUNNING)
    return replace(
        running.moved(state, reason, message(reports, missing)),
        collected=len(draft.tests),
        started_at=started,
        finished_at=_within(started, spent),
    )


def message(reports: Reports, missing: int) -> str:
    """Where the results come from and what is doubtful about them."""
    told = [f"Imported from {' and '.join(reports.formats)}.", *_notes(reports, missing)]
    whole = " ".join(told)
    return whole if len(whole) <= MESSAGE_CHARACTERS else f"{whole[: MESSAGE_CHARACTERS - 1]}…"


def _notes(reports: Reports, missing: int) -> Iterator[str]:
    yield from reports.results.notes
    if missing:
        yield f"Attachments that the upload does not hold were left out ({missing})."


def _within(started: datetime, spent: timedelta) -> datetime:
    try:
        return started + spent
    except OverflowError:
        return started
