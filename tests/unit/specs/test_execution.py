"""Steps follow each other, are tried again, and are cleaned up after."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from actors.specs.budget import Budget
from actors.specs.context import StepContext, TestContext
from actors.specs.execution import TestExecution, WrittenStep
from actors.specs.failure import StepFailed
from actors.specs.step import KINDS, Step
from tests.fakes.clock import FakeClock
from tests.unit.specs.world import a_test

Do = Mapping[str, Any]


class Script:
    """Stands for a program: what each try of a step does, by the step's first word."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.done: list[str] = []
        self.fails: dict[str, int] = {}
        self.takes: dict[str, float] = {}

    def run(self, step: Any, context: StepContext) -> None:  # Any: a CommandStep
        word = step.run[0]
        self.done.append(" ".join(step.run))
        self.clock.advance(self.takes.get(word, 0))
        context.left()
        if word == "interrupt":
            raise KeyboardInterrupt
        if self.fails.get(word, 0) > 0:
            self.fails[word] -= 1
            raise StepFailed(f"{word} is not ready", word=word)
        for name in step.save:
            context.save(name, word)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def script(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script(clock)
    monkeypatch.setitem(KINDS, "command", made.run)
    return made


def written(*steps: Do, is_cleanup: bool = False) -> Sequence[WrittenStep]:
    return [
        WrittenStep(Step.model_validate(step), step, number, number, is_cleanup)
        for number, step in enumerate(steps, 1)
    ]


def do(word: str, *, save: str | None = None, **parts: Any) -> Do:
    saved = {"save": {save: {"regex": "x"}}} if save else {}
    return {"command": {"run": word.split(), **saved}, **parts}


def messages(
    test: TestContext, clock: FakeClock, steps: Sequence[Do], always: Sequence[Do] = ()
) -> list[str]:
    execution = TestExecution(test, clock.advance)
    failed = execution.run(written(*steps), written(*always, is_cleanup=True))
    return [each.message for each in failed]


def outcomes(test: TestContext) -> list[tuple[str, str]]:
    return [(step.name, step.outcome) for step in test.recorder.steps]


def test_steps_after_a_failure_are_left_out_and_cleanup_is_not(
    script: Script, clock: FakeClock, tmp_path: Path
) -> None:
    test = a_test(tmp_path, clock=clock)
    script.fails = {"b": 1, "x": 1}
    steps = [do("a"), do("b", name="Second"), do("c")]
    assert messages(test, clock, steps, [do("x"), do("y")]) == [
        "step 2 (Second): b is not ready",
        "cleanup step 1 (x): x is not ready",
    ]
    assert script.done == ["a", "b", "x", "y"]
    assert outcomes(test) == [
        ("a", "passed"),
        ("Second", "failed"),
        ("c", "skipped"),
        ("x", "failed"),
        ("y", "passed"),
    ]


def test_interrupted_test_is_cleaned_up(script: Script, clock: FakeClock, tmp_path: Path) -> None:
    test = a_test(tmp_path, clock=clock)
    with pytest.raises(KeyboardInterrupt):
        messages(test, clock, [do("interrupt"), do("b")], [do("x")])
    assert script.done == ["interrupt", "x"]


def test_retry_polls_until_it_passes(script: Script, clock: FakeClock, tmp_path: Path) -> None:
    test = a_test(tmp_path, clock=clock)
    script.fails = {"a": 3}
    assert messages(test, clock, [do("a", retry={"seconds": 10, "every": 2})]) == []
    assert clock.monotonic() == 6
    assert test.recorder.steps[0].notes == ["passed at try 4, after 6.0 s"]


def test_retry_ends_with_its_deadline(script: Script, clock: FakeClock, tmp_path: Path) -> None:
    test = a_test(tmp_path, clock=clock)
    script.fails = {"a": 99}
    assert messages(test, clock, [do("a", retry={"seconds": 5, "every": 2})]) == [
        "step 1 (a): not within 4.0 s and 3 tries: a is not ready"
    ]


def test_try_that_hangs_does_not_outlast_the_retry(
    script: Script, clock: FakeClock, tmp_path: Path
) -> None:
    test = a_test(tmp_path, clock=clock)
    script.takes = {"a": 7}
    (message,) = messages(test, clock, [do("a", retry={"seconds": 5})])
    assert message.endswith("it did not end within its time")
    assert script.done == ["a"]


def test_repeat_ends_at_the_first_failure(script: Script, clock: FakeClock, tmp_path: Path) -> None:
    test = a_test(tmp_path, clock=clock)
    assert messages(test, clock, [do("a", repeat={"times": 3, "every": 1})]) == []
    assert (script.done, clock.monotonic()) == (["a"] * 3, 2)
    script.fails = {"b": 1}
    assert messages(test, clock, [do("b", repeat={"times": 3})]) == [
        "step 1 (b): time 1 of 3: b is not ready"
    ]


def test_budget_of_seconds_ends_a_test_and_not_its_cleanup(
    script: Script, clock: FakeClock, tmp_path: Path
) -> None:
    test = a_test(tmp_path, clock=clock, budget=Budget(seconds=5))
    script.takes = {"a": 5, "x": 30}
    assert messages(test, clock, [do("a"), do("b")], [do("x")]) == [
        "step 1 (a): it did not end within its time"
    ]
    assert script.done == ["a", "x"]


def test_saved_values_are_seen_by_later_steps(
    script: Script, clock: FakeClock, tmp_path: Path
) -> None:
    test = a_test(tmp_path, clock=clock)
    steps = [do("make", save="order", id="first"), do("use ${order} ${steps.first.order}")]
    assert messages(test, clock, steps) == []
    assert script.done == ["make", "use make make"]


def test_cleanup_of_what_was_never_made_is_left_out(
    script: Script, clock: FakeClock, tmp_path: Path
) -> None:
    test = a_test(tmp_path, clock=clock)
    script.fails = {"make": 1}
    (message,) = messages(test, clock, [do("make", save="order")], [do("remove ${order}")])
    assert message == "step 1 (make): make is not ready"
    assert script.done == ["make"]
    assert outcomes(test)[1] == ("remove '${order}'", "skipped")


def test_secret_is_in_no_message(script: Script, clock: FakeClock, tmp_path: Path) -> None:
    test = a_test(tmp_path, clock=clock)
    test.recorder.redactor.register("KEY", "hush-hush")
    script.fails = {"hush-hush": 1}
    (message,) = messages(test, clock, [do("hush-hush")])
    assert "hush-hush" not in message + str(test.recorder.plain())
    assert "[secret KEY]" in message
