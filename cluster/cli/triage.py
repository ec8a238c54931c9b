"""`ath agent triage`: explains a failure cluster from what the platform knows of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from cluster.cli.command import add_command
from cluster.cli.console import out
from cluster.cli.look import find_run
from cluster.cli.session import connect
from harness.client import Client
from harness.domain.attempt import Failure, Verdict
from harness.domain.exit_code import ExitCode
from harness.domain.failure_cluster import FailureCluster
from harness.domain.run import Run
from harness.domain.stack import frame_keys
from harness.domain.visible_text import one_line
from harness.errors import InvalidInput
from harness.settings import Settings

BAD = (Verdict.FAILED, Verdict.FLAKY, Verdict.ERRORED, Verdict.TIMED_OUT)
LISTED = 10
FRAMES = 5
COMMON = 0.6
"""A frame is told if so many of the failures have it."""
WIDTH, TITLE = 300, 100


@dataclass(frozen=True, slots=True)
class Sighting:
    """A cluster in one run."""

    run: str
    when: datetime
    tests: frozenset[str] = frozenset()
    """Those that failed in this way; empty where none did."""


def register(agent: typer.Typer) -> None:
    """Add the command."""
    add_command(agent, triage)


def triage(
    cluster: Annotated[str, typer.Argument(help="Its id, or words of its title.")],
    run: Annotated[str, typer.Option(help="A run that it is in: an id, or `last`.")] = "last",
    back: Annotated[int, typer.Option(min=1, max=200, help="Look at so many runs.")] = 20,
) -> int:
    """Explain a failure cluster: since when, where, which tests, and what they have in common."""
    with connect(Settings.load()) as client:
        run_id = find_run(client, run)
        found = chosen(cluster, [each for _, each in client.runs.failures(run_id)])
        looked = [client.runs.get(run_id), *client.runs.list(limit=back)]
        runs = {each.id: each for each in looked}.values()
        sightings = [_sighting(client, each, found) for each in runs]
        failures = list(_failures(client, client.runs.get(run_id), found))
    for line in explanation(found, sightings, failures):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    return ExitCode.PASSED


def chosen(name: str, clusters: Sequence[FailureCluster]) -> FailureCluster:
    """The one cluster of this id, or with these words in its title.

    Raises:
        InvalidInput: none is, or several are.
    """
    known = {each.id: each for each in clusters}
    wanted = name.casefold().split()
    found = [known[each] for each in known if each == name] or [
        each for each in known.values() if all(word in each.title.casefold() for word in wanted)
    ]
    if len(found) == 1:
        return found[0]
    if not known:
        raise InvalidInput("Nothing failed in that run. Name another one with --run.")
    how = "Several clusters are like" if found else "No cluster is like"
    candidates = found or list(known.values())
    lines = [f"  {each.id}  {one_line(each.title)[:TITLE]}" for each in candidates[:LISTED]]
    if len(candidates) > LISTED:
        lines.append(f"  and {len(candidates) - LISTED} more")
    told = f"{how} {name!r}; name one by its id or more of its words:"
    raise InvalidInput("\n".join([told, *lines]))


def explanation(
    cluster: FailureCluster, sightings: Sequence[Sighting], failures: Sequence[Failure]
) -> Iterator[str]:
    """What is known, line by line; nothing is guessed."""
    yield f"{cluster.id}: {one_line(cluster.title)[:WIDTH]}"
    yield (
        f"{cluster.size} failures since {cluster.first_seen:%Y-%m-%d %H:%M}, "
        f"the last {cluster.last_seen:%Y-%m-%d %H:%M}"
    )
    yield from _history(sorted(sightings, key=lambda each: each.when))
    tests = sorted({test for each in sightings for test in each.tests})
    if tests:
        more = f" and {len(tests) - LISTED} more" if len(tests) > LISTED else ""
        yield f"tests: {', '.join(map(one_line, tests[:LISTED]))}{more}"
    for exception, count in Counter(each.exception for each in failures).most_common(3):
        yield f"{count} times {one_line(exception)[:WIDTH]}"
    yield from _common_frames(failures)
    if failures:
        yield f"for example: {one_line(failures[0].message)[:WIDTH]}"


def _history(sightings: Sequence[Sighting]) -> Iterator[str]:
    seen = [each for each in sightings if each.tests]
    if not seen:
        return
    yield f"in {len(seen)} of the last {len(sightings)} runs, first in {seen[0].run}"
    begun = sightings.index(seen[0])
    if begun:
        yield f"not in {sightings[begun - 1].run}, the run before that"
    missing = sum(1 for each in sightings[begun:] if not each.tests)
    if missing:
        plural = "" if missing == 1 else "s"
        yield f"since then {missing} run{plural} without it: it comes and goes"


def _common_frames(failures: Sequence[Failure]) -> Iterator[str]:
    """Places of the suite's own that most of the failures went through, the innermost first."""
    counts: Counter[str] = Counter()
    for failure in failures:
        own = (key.short for key in frame_keys(failure.frames) if not key.is_library)
        counts.update(dict.fromkeys(own, 1))
    common = [place for place, count in counts.items() if count >= COMMON * len(failures)]
    if len(failures) > 1 and common:
        yield f"in common: {'; '.join(map(one_line, common[:FRAMES]))}"


def _sighting(client: Client, run: Run, cluster: FailureCluster) -> Sighting:
    found = client.runs.failures(run.id)
    tests = frozenset(str(each.test_id) for each, of in found if of.id == cluster.id)
    return Sighting(str(run.id), run.created_at, tests)


def _failures(client: Client, run: Run, cluster: FailureCluster) -> Iterator[Failure]:
    """What failed in this way in one run."""
    found = client.runs.failures(run.id)
    attempts = {each.attempt_id for each, of in found if of.id == cluster.id}
    for test in client.runs.results(run.id, BAD).tests:
        for attempt in test.attempts:
            if attempt.id in attempts and attempt.result and attempt.result.failure:
                yield attempt.result.failure
