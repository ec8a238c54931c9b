"""One test of a spec, from its first step to its cleanup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from actors.specs.context import StepContext, TestContext
from actors.specs.failure import StepFailed
from actors.specs.lookup import UnknownLookup, filled
from actors.specs.recorder import Record
from actors.specs.step import Step


class Wait(Protocol):
    """Lets time pass."""

    def __call__(self, seconds: float, /) -> None:
        """Return after so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenStep:
    """A step as its author wrote it, with look-ups."""

    step: Step
    written: Mapping[str, Any]  # Any: what YAML holds
    line: int
    number: int
    """Counts from 1 within its list."""
    is_cleanup: bool = False

    def title(self, names: Mapping[str, object]) -> str:
        """Its name, else what it does, with look-ups replaced as far as they are known."""
        words = self.step.name or self.step.summary
        try:
            return str(filled(words, names))
        except UnknownLookup:
            return words

    @property
    def place(self) -> str:
        """Which step it is, for messages."""
        return f"{'cleanup ' if self.is_cleanup else ''}step {self.number}"


@dataclass(slots=True)
class FailedStep:
    """The first thing that went wrong."""

    line: int
    message: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class TestExecution:
    """Carries out the steps of one test."""

    __test__ = False

    context: TestContext
    wait: Wait
    names: Mapping[str, object] = field(default_factory=dict)
    """Look-ups that no step changes: env, secrets, matrix, base_url."""

    def run(self, steps: Sequence[WrittenStep], always: Sequence[WrittenStep]) -> list[FailedStep]:
        """Every step until one fails, then every cleanup step; gives what failed, in order."""
        failed: list[FailedStep] = []
        try:
            for step in steps:
                if failed:
                    self._leave_out(step, "a step before it failed")
                    continue
                failed += self._carried_out(step, self.context.allowance.ends())
        finally:
            # Also when the runner stops the test: what was made must be removed.
            for step in always:
                failed += self._cleaned_up(step)
        return failed

    def _cleaned_up(self, step: WrittenStep) -> list[FailedStep]:
        """A cleanup step whose look-ups nothing saved has nothing to clean up."""
        try:
            filled(step.written, self._names())
        except UnknownLookup as unknown:
            self._leave_out(step, str(unknown))
            return []
        return self._carried_out(step, float("inf"))

    def _leave_out(self, step: WrittenStep, why: str) -> None:
        title = step.title(self._names())
        self.context.recorder.add(step.step.kind, title, "skipped", why)

    def _carried_out(self, step: WrittenStep, until: float) -> list[FailedStep]:
        recorder, title = self.context.recorder, step.title(self._names())
        try:
            with recorder.step(step.step.kind, title) as record:
                self._repeated(step, record, until)
        except StepFailed as failed:
            return [self._failed(step, title, str(failed), failed.details)]
        except Exception as error:  # whatever a page or a fixture raises must not end the cleanup
            return [self._failed(step, title, f"{type(error).__name__}: {error}", {})]
        return []

    def _failed(
        self, step: WrittenStep, title: str, told: str, details: Mapping[str, object]
    ) -> FailedStep:
        message = self.context.recorder.redactor.text(f"{step.place} ({title}): {told}")
        return FailedStep(step.line, message, details)

    def _repeated(self, step: WrittenStep, record: Record, until: float) -> None:
        repeat = step.step.repeat
        for number in range(1, (repeat.times if repeat else 1) + 1):
            if repeat and number > 1:
                self.wait(repeat.every)
            try:
                self._retried(step, record, until)
            except StepFailed as failed:
                if repeat is None:
                    raise
                told = f"time {number} of {repeat.times}: {failed}"
                raise StepFailed(told, **failed.details) from None

    def _retried(self, step: WrittenStep, record: Record, until: float) -> None:
        retry = step.step.retry
        now = self.context.clock.monotonic
        begun, tries = now(), 0
        give_up = begun + retry.seconds if retry else begun
        while True:
            tries += 1
            latest = min(until, now() + step.step.seconds)
            kept = len(record.notes), len(record.steps)
            try:
                self._once(step, record, min(latest, give_up) if retry else latest)
            except StepFailed as failed:
                if retry is None:
                    raise
                if now() + retry.every >= min(give_up, until):
                    told = f"not within {now() - begun:.1f} s and {tries} tries: {failed}"
                    raise StepFailed(told, **failed.details) from None
            else:
                if tries > 1:
                    record.notes.append(f"passed at try {tries}, after {now() - begun:.1f} s")
                return
            del record.notes[kept[0] :], record.steps[kept[1] :]
            self.wait(retry.every)

    def _once(self, step: WrittenStep, record: Record, until: float) -> None:
        context = StepContext(self.context, record, until, step.step.id)
        if until <= self.context.clock.monotonic():
            seconds = self.context.allowance.budget.seconds
            raise StepFailed(f"the test's budget of {seconds} s is spent")
        _ready(step, self._names()).run(context)

    def _names(self) -> Mapping[str, object]:
        return {**self.context.values, **self.names, "steps": self.context.saved}


def _ready(step: WrittenStep, names: Mapping[str, object]) -> Step:
    """The step with its look-ups replaced."""
    try:
        return Step.model_validate(filled(step.written, names))
    except UnknownLookup as unknown:
        raise StepFailed(str(unknown)) from None
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise StepFailed(f"with its look-ups replaced, {where} is wrong: {first['msg']}") from None
