"""What specs can do, for tests in Python, recorded in the same way."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from actors.specs.allow_list import AllowList
from actors.specs.answer_check import check_answer
from actors.specs.api_expectation import ApiExpectation
from actors.specs.budget import Allowance, Budget
from actors.specs.context import StepContext, TestContext
from actors.specs.http import Answer, HttpSession
from actors.specs.item_run import base_url_of, begin_recording, secret_of
from actors.specs.recorder import Recorder
from actors.specs.redaction import Redactor
from actors.specs.steps.api import ApiStep, send
from actors.specs.twin_browser import Browser
from actors.specs.twin_data import Datasets
from actors.specs.twin_record import checked, recorded
from harness.ports.clock import SystemClock
from harness.settings import caller_environ

SECONDS = 30.0


@dataclass(frozen=True, slots=True, repr=False)
class ApiAnswer:
    """An answer, for plain asserts or for `expect`."""

    answer: Answer
    _test: TestContext

    @property
    def status(self) -> int:
        """The status code."""
        return self.answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case."""
        return self.answer.headers

    @property
    def text(self) -> str:
        """The body as text."""
        return self.answer.text

    @property
    def seconds(self) -> float:
        """From sending the request to the last byte."""
        return self.answer.seconds

    def json(self) -> Any:  # Any: whatever the server sent
        """The body as JSON."""
        return self.answer.json()

    def expect(self, **wanted: Any) -> "ApiAnswer":  # Any: as a spec's `expect` holds it
        """Fail unless the answer is as `expect:` of an api step would say; gives it back.

        Raises:
            StepFailed: it is not.
        """
        __tracebackhide__ = True

        def check(context: StepContext) -> None:
            check_answer(checked(ApiExpectation, wanted), self.answer, context)

        recorded(self._test, "expect", ", ".join(wanted) or "status", SECONDS, check)
        return self


@dataclass(frozen=True, slots=True, repr=False)
class Api:
    """Requests below the base URL; connections and cookies last as long as the test."""

    _test: TestContext

    def send(self, request: str, *, seconds: float = SECONDS, **parts: Any) -> ApiAnswer:
        """Send `GET /path` or the like; `parts` are those of an api step.

        Raises:
            StepFailed: it was not answered within so many seconds.
        """  # Any: checked by the model of the step
        __tracebackhide__ = True

        def ask(context: StepContext) -> Answer:
            return send(checked(ApiStep, {"request": request, **parts}), context)

        return ApiAnswer(recorded(self._test, "api", request, seconds, ask), self._test)

    def get(self, path: str, **parts: Any) -> ApiAnswer:  # Any: as above
        """GET."""
        __tracebackhide__ = True
        return self.send(f"GET {path}", **parts)

    def post(self, path: str, **parts: Any) -> ApiAnswer:  # Any: as above
        """POST."""
        __tracebackhide__ = True
        return self.send(f"POST {path}", **parts)

    def put(self, path: str, **parts: Any) -> ApiAnswer:  # Any: as above
        """PUT."""
        __tracebackhide__ = True
        return self.send(f"PUT {path}", **parts)

    def patch(self, path: str, **parts: Any) -> ApiAnswer:  # Any: as above
        """PATCH."""
        __tracebackhide__ = True
        return self.send(f"PATCH {path}", **parts)

    def delete(self, path: str, **parts: Any) -> ApiAnswer:  # Any: as above
        """DELETE."""
        __tracebackhide__ = True
        return self.send(f"DELETE {path}", **parts)


@dataclass(frozen=True, slots=True, repr=False)
class Ath:
    """The fixture `ath`."""

    _test: TestContext

    @property
    def base_url(self) -> str:
        """Where the system under test is; empty when nobody said so."""
        return self._test.base_url

    @property
    def api(self) -> Api:
        """HTTP requests."""
        return Api(self._test)

    @property
    def browser(self) -> Browser:
        """Actions in pytest-playwright's page."""
        return Browser(self._test)

    @property
    def data(self) -> Datasets:
        """Rules about rows."""
        return Datasets(self._test)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Group what happens in the block under a name, which a failure tells."""
        with self._test.recorder.step("step", name):
            yield

    def secret(self, name: str) -> str:
        """The value of an environment variable, which is kept out of everything recorded.

        Raises:
            StepFailed: it is not set.
        """
        return secret_of(self._test.environ, name, self._test.recorder.redactor)


@contextmanager
def open_ath(request: pytest.FixtureRequest) -> Iterator[Ath]:
    """The fixture's value, for one test."""
    clock, environ = SystemClock(), caller_environ()
    item: Any = request.node  # Any: takes attributes of ours
    recorder = Recorder(clock, Redactor(), getattr(item, "_ath_tell", None))
    http = HttpSession()
    begin_recording(item, recorder)
    try:
        yield Ath(
            TestContext(
                folder=request.path.parent,
                root=request.config.rootpath,
                base_url=base_url_of(request.config, environ, None),
                clock=clock,
                recorder=recorder,
                allow=AllowList.of(None, "", environ),
                allowance=Allowance(Budget(), clock.monotonic()),
                fixture=lambda name: _fixture(request, name),
                http=http,
                environ=environ,
            )
        )
    finally:
        http.close()
        item._ath_steps = recorder.plain()


def _fixture(request: pytest.FixtureRequest, name: str) -> Any:  # Any: a fixture may be anything
    if name == "page" and request.config.pluginmanager.hasplugin("playwright"):
        # The runner looks here for traces; pytest itself forgets what was asked for this late.
        request.node.funcargs["output_path"] = request.getfixturevalue("output_path")
    return request.getfixturevalue(name)
