"""Who follows a run goes on following it, whatever of the platform is lost on the way."""

import re
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from tests.e2e.test_kill import VICTIMS, after_finished
from tests.support.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
SLOW = """\
import threading
import pytest

@pytest.mark.parametrize("n", range(60))
def test_short(n):
    threading.Event().wait(0.1)

def test_bad():
    assert False, "in the end"
"""


@pytest.fixture
def slow_suite(suite: Path) -> Path:
    (suite / "test_it.py").write_text(SLOW)
    return suite


def test_detached_run_is_watched_with_its_exit_code(
    platform: LivePlatform, slow_suite: Path
) -> None:
    left = platform.ath("run", "--detach", "--", "pytest", "-q", cwd=slow_suite)
    assert left.returncode == ExitCode.PASSED
    found = re.search(r"Submitted (\w+)\. Watch it", left.stdout)
    assert found, left.stdout
    watched = platform.ath("watch", found.group(1))
    assert watched.returncode == ExitCode.FAILED, watched.stderr
    assert "in the end" in watched.stdout


@pytest.mark.parametrize("victim", ["haproxy", pytest.param("replica", marks=pytest.mark.long)])
def test_command_that_loses_its_connection_comes_back_by_itself(
    platform: LivePlatform, client: Client, slow_suite: Path, victim: str
) -> None:
    before = {run.id for run in client.runs.list(limit=50)}
    command = platform.begin("run", "-n", "2", "--", "pytest", "-q", cwd=slow_suite, env={})
    run_id = _new_run(client, before)
    after_finished(client, run_id, 5)
    platform.kill(VICTIMS[victim])
    said, _ = command.communicate(timeout=200)
    assert command.returncode == ExitCode.FAILED, said
    assert f"run {run_id}" in said
    assert "60 passed" in said


def _new_run(client: Client, before: set[RunId]) -> RunId:
    for _ in range(2000):
        new = [run.id for run in client.runs.list(limit=5) if run.id not in before]
        if new:
            return new[0]
    raise AssertionError("the command submitted no run")
