"""What a suite does to hurt is told in its results and stops nothing."""

from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from tests.e2e.hostile_suite import SUITE
from tests.support.live_platform import LivePlatform, assert_consistent

pytestmark = pytest.mark.e2e


def test_hostile_results_are_told_and_stop_nothing(
    platform: LivePlatform, client: Client, suite: Path
) -> None:
    (suite / "test_it.py").write_text(SUITE)
    ran = platform.ath("run", "-n", "2", "--", "pytest", "-q", cwd=suite)
    assert ran.returncode == ExitCode.FAILED, ran.stderr
    assert "3 passed  3 failed" in ran.stdout
    for steering in ("\x1b", "\x07", "\u202e", "\n::error"):
        assert steering not in ran.stdout + ran.stderr
    (run,) = client.runs.list(limit=1)
    assert_consistent(client, run)
    results = {test.case.id.partition("::")[2][:10]: test.attempts[0].result
               for test in client.runs.results(run.id).tests}  # fmt: skip
    loud, files = results["test_loud"], results["test_files"]
    assert loud is not None
    assert files is not None
    assert sum(len(text) for _, text in loud.sections) < 100_000
    assert [ref.name.rpartition("/")[2] for ref in files.artifacts] == ["good.txt"]
    told = dict(files.sections)["files"]
    assert "shot.png was not kept: it has 200 MiB, 100 are allowed." in told
    assert len(told.splitlines()) == 4
