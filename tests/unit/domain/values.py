"""Domain values with defaults."""

from datetime import UTC, datetime

from harness.domain.environment import Environment
from harness.domain.ids import Digest, RunId
from harness.domain.run import Run, RunRequest, RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import SuiteVersion

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def a_run(state: RunState = RunState.PASSED, release: str | None = None) -> Run:
    """A run of the suite `shop` against the environment `stable`."""
    request = RunRequest(
        suite=SuiteVersion(Digest("d" * 64), "shop"),
        argv=("pytest",),
        environment=Environment("stable"),
        release=release,
    )
    return Run(RunId("run1"), DEFAULT_SCOPE, request, NOON, state)
