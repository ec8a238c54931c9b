"""What the pages show, worked out from domain values."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.assessment import Assessment
from harness.domain.attempt import ArtifactRef, Verdict
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import Run

PAGE = 200
_ORDER = (
    Verdict.FAILED,
    Verdict.TIMED_OUT,
    Verdict.ERRORED,
    Verdict.FLAKY,
    Verdict.CANCELLED,
    Verdict.SKIPPED,
    Verdict.PASSED,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One verdict's part of the bar, in percent of its width."""

    name: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Group:
    """A failure cluster as this run saw it."""

    cluster: FailureCluster
    assignments: tuple[Assignment, ...]
    tests: tuple[TestOutcome, ...]

    @property
    def is_new(self) -> bool:
        """Whether this run opened it."""
        return any(assignment.is_new for assignment in self.assignments)


@dataclass(frozen=True, slots=True)
class RunView:
    """One run's page."""

    run: Run
    segments: tuple[Segment, ...]
    tests: tuple[TestOutcome, ...]
    next_index: int | None
    groups: tuple[Group, ...]
    assessment: Assessment | None
    artifacts: Sequence[ArtifactRef]

    @property
    def seconds(self) -> float | None:
        """From start to end, once both are known."""
        return run_seconds(self.run)


def run_seconds(run: Run) -> float | None:
    """How long the run took, once it has ended."""
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.finished_at - run.started_at).total_seconds()


def run_view(
    results: RunResults,
    failures: Sequence[tuple[Assignment, FailureCluster]],
    assessment: Assessment | None,
    artifacts: Sequence[ArtifactRef],
    verdict: Verdict | None,
    after: int,
) -> RunView:
    """The page of a run, its tests filtered and cut to one page."""
    wanted = [
        test
        for test in results.tests
        if test.case.index > after and verdict in {None, test.verdict}
    ]
    page = wanted[:PAGE]
    return RunView(
        run=results.run,
        segments=_segments(results),
        tests=tuple(page),
        next_index=page[-1].case.index if len(wanted) > PAGE else None,
        groups=_groups(results, failures),
        assessment=assessment,
        artifacts=artifacts,
    )


def is_trace(ref: ArtifactRef) -> bool:
    """Whether the trace viewer can open it."""
    name = ref.name.rpartition("/")[2]
    return name.endswith(".zip") and "trace" in name


def is_picture(ref: ArtifactRef) -> bool:
    """Whether a page can show it as it is."""
    return ref.media_type in {"image/png", "image/jpeg", "image/webp"}


def artifact_url(project: str, ref: ArtifactRef) -> str:
    """Where its bytes are."""
    return f"/v1/projects/{project}/artifacts/{ref.digest}"


def trace_url(project: str, ref: ArtifactRef) -> str:
    """Where the trace viewer opens it."""
    return f"/ui/{project}/traces/{ref.digest}"


def _segments(results: RunResults) -> tuple[Segment, ...]:
    counts = results.counts()
    waiting = len(results.tests) - sum(counts.values())
    parts = [(verdict.value, counts[verdict]) for verdict in _ORDER] + [("waiting", waiting)]
    total = max(1, len(results.tests))
    made, start = [], 0.0
    for name, count in parts:
        if count:
            made.append(Segment(name, count, start, 100 * count / total))
            start += 100 * count / total
    return tuple(made)


def _groups(
    results: RunResults, failures: Sequence[tuple[Assignment, FailureCluster]]
) -> tuple[Group, ...]:
    of_attempt = {attempt.id: test for test in results.tests for attempt in test.attempts}
    clusters = {cluster.id: cluster for _, cluster in failures}
    groups = []
    for cluster in clusters.values():
        mine = tuple(a for a, _ in failures if a.cluster_id == cluster.id)
        tests = {of_attempt[a.attempt_id].case.index: of_attempt[a.attempt_id] for a in mine}
        groups.append(Group(cluster, mine, tuple(tests.values())))
    return tuple(sorted(groups, key=lambda group: -len(group.tests)))
