"""How a test in Python records what it does through the fixture `ath`."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from actors.specs.context import StepContext, TestContext
from actors.specs.failure import StepFailed

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def recorded(
    test: TestContext, kind: str, name: str, seconds: float, call: Callable[[StepContext], T]
) -> T:
    """What a call gives, recorded as a step with a deadline; a failure shows the caller's line."""
    __tracebackhide__ = True
    try:
        with test.recorder.step(kind, name) as record:
            return call(StepContext(test, record, test.clock.monotonic() + seconds))
    except StepFailed as failed:
        error = StepFailed(test.recorder.redactor.text(str(failed)), **failed.details)
    for fact, value in error.details.items():
        error.add_note(test.recorder.redactor.text(f"{fact}: {value}"))
    raise error


def checked(model: type[M], values: Mapping[str, object]) -> M:
    """The values as a model of specs, by the names that specs use.

    Raises:
        StepFailed: they do not fit.
    """
    try:
        return model.model_validate(values)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise StepFailed(f"{where}: {first['msg']}") from None
