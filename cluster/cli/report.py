"""The report at the end of a run, for people and for machines."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.markup import escape

from cluster.cli.console import out
from harness.client import Client
from harness.client.runs import Highlights
from harness.domain.assessment import Assessment, Readiness
from harness.domain.attempt import Verdict
from harness.domain.exit_code import exit_code
from harness.domain.failure_cluster import Assignment
from harness.domain.results import TestOutcome
from harness.domain.run import Run
from harness.domain.visible_text import one_line

COLOURS = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "red",
    Verdict.FLAKY: "yellow",
    Verdict.ERRORED: "magenta",
    Verdict.SKIPPED: "cyan",
    Verdict.TIMED_OUT: "red",
    Verdict.CANCELLED: "dim",
}
READINESS = {
    Readiness.READY: "bold green",
    Readiness.NOT_READY: "bold red",
    Readiness.INCONCLUSIVE: "bold yellow",
}
LISTED = 20
NAME_CHARACTERS = 500


Counts = Mapping[Verdict, int]


def print_report(client: Client, run: Run, counts: Counts | None = None) -> None:
    """Verdicts, failure clusters, readiness, and where the rest is; `counts` spare a request."""
    found = _highlights(client, run, counts)
    environment = run.request.environment.name if run.request.environment else "no environment"
    out.print(f"\n[bold]{run.state}[/] {escape(run.message)}  run {run.id}, {environment}")
    out.print(_counts(found))
    _print_tests(found)
    if found.tests:
        _print_clusters(client, run)
    _print_assessment(client.runs.assessment(run.id))


def summary(client: Client, run: Run, counts: Counts | None = None) -> dict[str, object]:
    """The same as one JSON object."""
    found = _highlights(client, run, counts)
    assessment = client.runs.assessment(run.id)
    return {
        "run": run.id,
        "state": run.state,
        "reason": run.reason,
        "message": run.message,
        "exit_code": int(exit_code(run.state, run.reason)),
        "counts": {verdict.value: n for verdict, n in found.counts.items() if n},
        "failed": [t.case.id for t in found.tests if _counts_as_failed(t)],
        "quarantined": [t.case.id for t in found.tests if t.case.quarantined is not None],
        "flaky": [t.case.id for t in found.tests if t.verdict is Verdict.FLAKY],
        "clusters": [
            {"title": title, "failures": n} for title, n in _clusters(client, run).items()
        ],
        "readiness": assessment.readiness if assessment else None,
        "reasons": list(assessment.reasons) if assessment else [],
    }


def _highlights(client: Client, run: Run, counts: Counts | None) -> Highlights:
    known = Highlights.of(counts) if counts is not None else None
    return known or client.runs.highlights(run.id)


def _counts(found: Highlights) -> str:
    told = (f"[{COLOURS[verdict]}]{n} {verdict}[/]" for verdict, n in found.counts.items() if n)
    return "  ".join(told) or "no tests"


def _print_tests(found: Highlights) -> None:
    harmless = [t for t in found.tests if t.case.quarantined is not None]
    bad = [t for t in found.tests if _counts_as_failed(t)]
    others = [t for t in found.tests if t.case.quarantined is None]
    errored = [t for t in others if t.verdict is Verdict.ERRORED]
    flaky = [t for t in others if t.verdict is Verdict.FLAKY]
    for title, tests in (
        ("Failed", bad),
        ("Flaky", flaky),
        ("Errored", errored),
        ("Quarantined, so none of these counts", harmless),
    ):
        if not tests:
            continue
        out.print(f"\n[bold]{title}[/]")
        for test in tests[:LISTED]:
            name = escape(one_line(test.case.id[:NAME_CHARACTERS]))
            out.print(f"  {name}  [dim]{escape(_why(test))}[/]")
        if len(tests) > LISTED:
            out.print(f"  and {len(tests) - LISTED} more")


def _counts_as_failed(test: TestOutcome) -> bool:
    return bool(test.verdict and test.verdict.is_bad) and test.case.quarantined is None


def _why(test: TestOutcome) -> str:
    if test.failure is None:
        return ""
    line = test.failure.message.strip().partition("\n")[0]
    return one_line(f"{test.failure.exception.rpartition('.')[2]}: {line}"[:160])


def _print_clusters(client: Client, run: Run) -> None:
    groups: dict[str, list[Assignment]] = {}
    titles: dict[str, str] = {}
    for assignment, cluster in client.runs.failures(run.id):
        groups.setdefault(cluster.id, []).append(assignment)
        titles[cluster.id] = cluster.title
    if not groups:
        return
    out.print("\n[bold]Failure clusters[/]")
    for cluster_id, members in sorted(groups.items(), key=lambda item: -len(item[1])):
        tests = len({member.test_id for member in members})
        plural = "s" if tests > 1 else ""
        out.print(f"  {tests} test{plural}  {escape(titles[cluster_id][:140])}")
        out.print(f"           [dim]{escape(_why_together(members))}[/]")


def _why_together(members: Sequence[Assignment]) -> str:
    """The reason that tells most: what unlike failures share, else that all are the same."""
    alike = [member for member in members if member.score < 1]
    if alike:
        return min(alike, key=lambda member: member.score).reason
    if len(members) > 1:
        return f"The same failure in {len(members)} attempts."
    return members[0].reason


def _clusters(client: Client, run: Run) -> dict[str, int]:
    counts = Counter(cluster.title for _, cluster in client.runs.failures(run.id))
    return dict(counts.most_common())


def _print_assessment(assessment: Assessment | None) -> None:
    if assessment is None:
        return
    style = READINESS[assessment.readiness]
    out.print(f"\n[bold]Readiness[/] [{style}]{assessment.readiness}[/]")
    for reason in assessment.reasons[:6]:
        out.print(f"  {escape(reason)}")
