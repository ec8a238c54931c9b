"""Whatever process is killed at whatever moment, an accepted run ends once and is complete."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.attempt import Verdict
from harness.domain.ids import RunId
from harness.domain.run import RunState
from harness.events.envelope import Event
from harness.events.facts import AttemptFinished, LeaseEnded, ResultRefused
from tests.support.live_platform import LivePlatform, assert_consistent

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TESTS = 500
CASE_SECONDS = 180.0
SUITE = f"""\
import threading
import pytest

@pytest.mark.parametrize("n", range({TESTS}))
def test_short(n):
    threading.Event().wait(0.02)
"""


def _named(word: str) -> Callable[[str], bool]:
    return lambda line: line.startswith(word)


VICTIMS = {
    "worker-host": _named("ray::WorkerHostActor"),
    "scheduler": _named("ray::SchedulerActor"),
    "replica": _named("ray::ServeReplica"),
    "controller": _named("ray::ServeController"),
    "proxy-owner": _named("ray::HAProxyManager"),
    "haproxy": lambda line: "bin/haproxy" in line.partition(" ")[0],
    "raylet": lambda line: line.partition(" ")[0].endswith("/raylet"),
    "gcs": lambda line: line.partition(" ")[0].endswith("/gcs_server"),
    "suite-process": lambda line: "_ath_pytest/boot.py" in line,
    "warden": lambda line: "sandbox/warden.py" in line,
}
QUICK = ("worker-host", "scheduler")


def _cases() -> Iterator[object]:
    for name in VICTIMS:
        yield pytest.param(name, id=name, marks=() if name in QUICK else pytest.mark.long)


@pytest.fixture
def slow_suite(tmp_path: Path) -> Path:
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_short.py").write_text(SUITE)
    return folder


@pytest.mark.parametrize("victim", list(_cases()))
def test_a_killed_process_loses_nothing(
    platform: LivePlatform,
    client: Client,
    slow_suite: Path,
    victim: str,
    record_property: Callable[[str, object], None],
) -> None:
    run = platform.submit(client, slow_suite, "pytest", "-q")
    after_finished(client, run.id, 5)
    killed = time.monotonic()
    platform.kill(VICTIMS[victim])
    ended = client.runs.wait(run.id, until="assessed", seconds=CASE_SECONDS)
    record_property("seconds_from_kill_to_end", round(time.monotonic() - killed, 1))
    assert ended.state is RunState.PASSED, ended.message
    assert_consistent(client, ended)
    results = client.runs.results(run.id)
    assert len(results.tests) == TESTS
    assert [test.case.id for test in results.tests if test.verdict is None] == []
    assert platform.ath("watch", run.id).returncode == 0


@pytest.mark.long
def test_a_host_that_was_stopped_past_its_lease_cannot_write_late_results(
    platform: LivePlatform, client: Client, slow_suite: Path
) -> None:
    run = platform.submit(client, slow_suite, "pytest", "-q")
    after_finished(client, run.id, 5)
    (host,) = platform.running(VICTIMS["worker-host"])
    host.suspend()
    try:
        _after(client, run.id, lambda e: e.type == LeaseEnded.type and e.data["why"] == "expired")
    finally:
        host.resume()
    ended = client.runs.wait(run.id, until="assessed", seconds=CASE_SECONDS)
    assert ended.state is RunState.PASSED, ended.message
    assert_consistent(client, ended)
    results = client.runs.results(run.id)
    assert len(results.tests) == TESTS
    assert {test.verdict for test in results.tests} == {Verdict.PASSED}
    events = list(client.runs.events(run.id, until="finished", seconds=60))
    late = {i for e in events if e.type == ResultRefused.type for i in _ids(e)}
    attempts = [attempt for test in results.tests for attempt in test.attempts]
    assert late
    assert {a.result.verdict for a in attempts if a.id in late and a.result} == {Verdict.ERRORED}


def _ids(event: Event) -> Sequence[str]:
    found = event.data["attempt_ids"]
    return [str(each) for each in found] if isinstance(found, list) else []


def after_finished(client: Client, run_id: RunId, count: int) -> None:
    """Return when so many attempts of the run are over."""
    left = iter(range(count - 1, -1, -1))
    _after(client, run_id, lambda e: e.type == AttemptFinished.type and next(left) == 0)


def _after(client: Client, run_id: RunId, happened: Callable[[Event], bool]) -> None:
    """Return when something has happened to the run."""
    for event in client.runs.events(run_id, until="finished", seconds=60):
        if happened(event):
            return
    raise AssertionError("the run ended before it could be disturbed")
