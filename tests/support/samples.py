"""Small domain values with defaults."""

from datetime import UTC, datetime

from harness.domain.attempt import (
    ArtifactRef,
    Attempt,
    AttemptResult,
    Failure,
    Frame,
    Phase,
    Step,
    Verdict,
)
from harness.domain.environment import Environment
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.git_reference import Origin
from harness.domain.ids import (
    AttemptId,
    ClusterId,
    Digest,
    EventId,
    ProjectId,
    RunId,
    TenantId,
    TestId,
)
from harness.domain.python_environment import PythonEnvironment
from harness.domain.run import Run, RunRequest
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.suite import SuiteVersion, TestCase
from harness.events.envelope import Event
from harness.events.facts import RunSubmitted

OTHER_TENANT = Scope(TenantId("other"), DEFAULT_SCOPE.project)
OTHER_PROJECT = Scope(DEFAULT_SCOPE.tenant, ProjectId("other"))
NOON = datetime(2030, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
SUBMITTED = RunSubmitted(suite="d", command=["pytest"], environment=None, submitted_by="ann")


def a_request(release: str | None = None) -> RunRequest:
    """A request that uses every field a store could lose."""
    return RunRequest(
        suite=SuiteVersion(
            Digest("d" * 64), "süite", "sub", Origin("https://git.example/x", "c" * 40, "main")
        ),
        argv=("pytest", "-k", "a or 'b'"),
        interpreter="/usr/bin/python3",
        environment=Environment(
            "stable", base_url="http://127.0.0.1:1", up=("serve", "${port}"), allow=("*.example",)
        ),
        variables={"LANG": "C.UTF-8"},
        python=PythonEnvironment("uv.lock", "3.12", ("test",), ("all",)),
        secrets=("TOKEN",),
        workers=2,
        retries=1,
        test_seconds=1.5,
        release=release,
        labels={"branch": "main"},
    )


def a_run(number: int = 1, scope: Scope = DEFAULT_SCOPE, release: str | None = None) -> Run:
    """Runs of a higher number are newer."""
    return Run(RunId(f"run{number:05d}"), scope, a_request(release), NOON)


def a_case(index: int) -> TestCase:
    """The test of this index."""
    return TestCase(TestId(f"test_{index}.py::test"), index, f"test_{index}.py", index + 1, "db")


def an_attempt(index: int = 0, number: int = 1) -> Attempt:
    """A queued attempt of the test of this index."""
    run_id = a_run().id
    attempt_id = AttemptId(f"{run_id}-{index:05d}-{number}")
    return Attempt(attempt_id, run_id, a_case(index).id, index, number)


def a_result(verdict: Verdict = Verdict.FAILED) -> AttemptResult:
    """A result that uses every field a store could lose."""
    failure = Failure("AssertionError", "1 != 2\x00", (Frame("test", "test_0.py", 3),), "E  1 != 2")
    return AttemptResult(
        verdict=verdict,
        seconds=0.1,
        phases=(Phase("setup", "passed", 0.05), Phase("call", "failed", 0.05, failure)),
        sections=(("stdout", "\u2028 \x1b[31mred\n"),),
        properties={"owner": "ann"},
        artifacts=(ArtifactRef("trace.zip", Digest("e" * 64), 3, "application/zip"),),
        worker="w1",
        steps=(
            Step("api", "GET /", "passed", 0.01, 0.0, "200"),
            Step("step", "pay", "failed", 0.02, 0.01, "", (Step("case", "x", "failed"),)),
        ),
    )


def a_cluster(name: str = "c1", size: int = 1, last_seen: datetime = NOON) -> FailureCluster:
    """A cluster of one key."""
    return FailureCluster(
        id=ClusterId(name),
        title="AssertionError: 1 != N",
        centroid={"token:1": 0.6, "frame:test": 0.8},
        keys=("k1",),
        size=size,
        first_seen=NOON,
        last_seen=last_seen,
        algorithm="v1",
    )


def an_assignment(index: int = 0, cluster: str = "c1", algorithm: str = "v1") -> Assignment:
    """Of the first attempt of the test of this index."""
    attempt = an_attempt(index)
    return Assignment(
        run_id=attempt.run_id,
        attempt_id=attempt.id,
        test_id=attempt.test_id,
        cluster_id=ClusterId(cluster),
        score=0.9,
        is_new=True,
        reason="same key",
        algorithm=algorithm,
    )


def an_event(number: int, text: str = "") -> Event:
    """An event that no run chained."""
    return Event(
        id=EventId(f"event{number:09d}"),
        type="ath.run.submitted.v1",
        scope=DEFAULT_SCOPE,
        run_id=RunId("run00001"),
        seq=number,
        time=NOON,
        data={"number": number, "text": text},
        prevhash=Digest(""),
        hash=Digest("f" * 64),
    )
