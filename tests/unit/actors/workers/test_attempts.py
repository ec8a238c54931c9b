"""What a worker tells of a test becomes the result of its attempt."""

from pathlib import Path
from typing import Any

import pytest

from actors.workers.attempts import AttemptFold
from actors.workers.suite_worker import WorkerLost
from harness.domain.attempt import AttemptResult, Step, Verdict
from harness.domain.scope import DEFAULT_SCOPE
from harness.stores.file_artifacts import FileArtifacts

BAD = {"exception": "AssertionError", "message": "1 != 2", "frames": [], "text": "E"}


def a_step(name: str, outcome: str = "passed", *steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "step",
        "name": name,
        "outcome": outcome,
        "seconds": 1.0,
        "started": 0.0,
        "detail": "",
        "steps": list(steps),
    }


@pytest.fixture
def fold(tmp_path: Path) -> AttemptFold:
    return AttemptFold(DEFAULT_SCOPE, FileArtifacts(tmp_path / "artifacts"), "w1", max_bytes=100)


def finished(fold: AttemptFold, *steps: dict[str, Any]) -> AttemptResult:
    phase = {"name": "call", "outcome": "failed", "seconds": 1.0, "failure": BAD}
    told = {"phases": [phase], "sections": [], "properties": [], "files": [], "steps": steps}
    return fold.finished(told, "t")


def test_steps_are_part_of_the_result(fold: AttemptFold) -> None:
    result = finished(fold, a_step("log in"), a_step("pay", "failed", a_step("by card", "failed")))
    inner = Step("step", "by card", "failed", 1.0)
    assert result.steps == (
        Step("step", "log in", "passed", 1.0),
        Step("step", "pay", "failed", 1.0, steps=(inner,)),
    )


def test_failing_step_is_named_in_the_message(fold: AttemptFold) -> None:
    result = finished(fold, a_step("log in"), a_step("pay", "failed", a_step("by card", "failed")))
    assert result.failure is not None
    assert result.failure.message == "in 'pay > by card': 1 != 2"


def test_message_stays_where_no_step_failed(fold: AttemptFold) -> None:
    result = finished(fold, a_step("log in"))
    assert result.failure is not None
    assert result.failure.message == "1 != 2"


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


def test_lost_test_names_the_step_in_which_it_was(fold: AttemptFold) -> None:
    steps = (Step("step", "buy", "failed", steps=(Step("step", "pay", "failed"),)),)
    result = fold.lost(WorkerLost(-11, ""), 1.0, steps)
    assert result.steps == steps
    assert result.failure
    assert result.failure.message == "in 'buy > pay': The test ended its own process (signal 11)."
