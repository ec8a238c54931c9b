"""What a worker tells becomes the result of an attempt."""

from pathlib import Path

import pytest

from actors.workers.attempts import AttemptFold
from actors.workers.suite_worker import WorkerLost
from harness.domain.attempt import Verdict
from harness.domain.scope import DEFAULT_SCOPE
from harness.stores.file_artifacts import FileArtifacts


@pytest.fixture
def fold(tmp_path: Path) -> AttemptFold:
    return AttemptFold(DEFAULT_SCOPE, FileArtifacts(tmp_path / "artifacts"), "w1", max_bytes=100)


def test_file_that_is_too_large_is_told_of(fold: AttemptFold, tmp_path: Path) -> None:
    (tmp_path / "small.png").write_bytes(bytes(100))
    (tmp_path / "large.png").write_bytes(bytes(101))
    files = [str(tmp_path / name) for name in ("large.png", "small.png")]
    phases = [{"name": "call", "outcome": "passed", "seconds": 1.0}]
    result = fold.finished(
        {"phases": phases, "sections": [], "properties": [], "files": files}, "tests/0"
    )
    assert [ref.name for ref in result.artifacts] == ["tests/0/small.png"]
    ((title, text),) = result.sections
    assert title == "Files that were not kept"
    assert text.startswith("large.png: ")
    assert result.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("why", "verdict", "exception"),
    [
        ("browser_crashed", Verdict.ERRORED, "BrowserLost"),
        ("browser_expired", Verdict.ERRORED, "BrowserLost"),
        ("browser_unknown", Verdict.ERRORED, "BrowserLost"),
        ("browser_queue", Verdict.ERRORED, "BrowserLost"),
        ("browser_memory", Verdict.FAILED, "BrowserOutOfMemory"),
        ("browser_disk", Verdict.FAILED, "BrowserDiskFull"),
        ("", Verdict.ERRORED, "WorkerLost"),
    ],
)
def test_verdict_says_whose_fault_it_was(
    fold: AttemptFold, why: str, verdict: Verdict, exception: str
) -> None:
    result = fold.lost(WorkerLost(-9, why), 1.0)
    assert result.verdict is verdict
    (phase,) = result.phases
    assert phase.failure
    assert phase.failure.exception == exception
