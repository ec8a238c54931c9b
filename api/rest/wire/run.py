"""Runs on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.rest.wire.model import Line, Sha256, WireModel
from harness.domain.environment import Environment
from harness.domain.git_reference import Origin
from harness.domain.ids import Digest
from harness.domain.priority import Priority
from harness.domain.python_environment import PythonEnvironment
from harness.domain.retry_rule import RetryRule
from harness.domain.run import Reason, Run, RunRequest, RunState
from harness.domain.suite import SuiteVersion

_Folder = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00]+$", max_length=255)]
_Variable = Annotated[str, StringConstraints(pattern=r"^[^=\x00]+$", max_length=255)]
_Value = Annotated[str, StringConstraints(max_length=131_072, pattern=r"^[^\x00]*$")]
_Label = Annotated[str, StringConstraints(max_length=255)]
_Word = Annotated[str, StringConstraints(max_length=65_536, pattern=r"^[^\x00]*$")]
_TestName = Annotated[str, StringConstraints(max_length=4096)]
_Count = Annotated[int, Field(ge=0, le=100_000)]
_Variables = Annotated[Mapping[_Variable, _Value], Field(max_length=1024)]


class OriginWire(WireModel):
    """The repository that a suite was fetched from."""

    url: Annotated[str, StringConstraints(max_length=2048)]
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    ref: Annotated[str, StringConstraints(max_length=255)]


class SuiteWire(WireModel):
    """One exact state of a suite's source."""

    digest: Sha256
    folder: _Folder
    """Name of the folder the archive was made of."""
    cwd: Line = "."
    """Where the command runs, relative to the folder."""
    origin: OriginWire | None = None


class EnvironmentWire(WireModel):
    """The system under test."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    base_url: Line | None = None
    up: Annotated[tuple[_Word, ...], Field(max_length=1024)] = ()
    """Command that serves the system under test in the foreground."""
    health: Line | None = None
    ready_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    variables: _Variables = Field(default_factory=dict)
    allow: Annotated[tuple[_Label, ...], Field(max_length=256)] | None = None
    """Hosts that browsers may reach besides the one of `base_url`; null does not limit them."""


class PythonWire(WireModel):
    """Packages that the platform installs for the suite."""

    requirements: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """A lock or requirements file, relative to the suite's folder."""
    version: Annotated[str, StringConstraints(max_length=16)] | None = None
    """Of Python, such as 3.12."""
    groups: Annotated[tuple[_Label, ...], Field(max_length=64)] = ()
    extras: Annotated[tuple[_Label, ...], Field(max_length=64)] = ()


class RequestWire(WireModel):
    """What somebody asks for."""

    suite: SuiteWire
    argv: Annotated[tuple[_Word, ...], Field(min_length=1, max_length=65_536)]
    interpreter: Line | None = None
    python: PythonWire | None = None
    environment: EnvironmentWire | None = None
    variables: _Variables = Field(default_factory=dict)
    secrets: Annotated[tuple[_Label, ...], Field(max_length=64)] = ()
    """Names of secrets whose values the tests see as environment variables."""
    workers: _Count | None = None
    retries: _Count = 0
    retry: RetryRule = RetryRule.FAILURES
    test_seconds: float | None = None
    run_seconds: float | None = None
    release: _Label | None = None
    labels: Annotated[Mapping[_Label, _Label], Field(max_length=64)] = Field(default_factory=dict)
    priority: Priority = Priority.NORMAL


class RunWire(WireModel):
    """A run as it stands."""

    id: str
    tenant: str
    project: str
    request: RequestWire
    created_at: datetime
    state: RunState
    reason: Reason
    message: str
    version: int
    seq: int
    chain_head: str
    next_token: int
    collected: int | None
    log: str | None
    round: int
    """How often the run was reopened."""
    started_at: datetime | None
    finished_at: datetime | None
    ahead: int | None = None
    """About how many runs are served before this one; null when it does not wait."""


class RunPage(WireModel):
    """Runs, newest first."""

    runs: list[RunWire]
    next: str | None
    """Pass it as `before` for the page after this one; null on the last."""


class RerunWire(WireModel):
    """Which tests to attempt again."""

    tests: tuple[_TestName, ...] = Field(default=(), max_length=100_000)
    """Their ids; none means all that failed, errored or did not come to an end."""


class CancelWire(WireModel):
    """Why a run should stop."""

    why: Annotated[str, StringConstraints(max_length=1000)] = ""


def request_from(wire: RequestWire) -> RunRequest:
    """The domain's request."""
    return RunRequest(
        suite=_suite(wire.suite),
        argv=wire.argv,
        interpreter=wire.interpreter,
        python=_python(wire.python) if wire.python else None,
        environment=_environment(wire.environment) if wire.environment else None,
        variables=wire.variables,
        secrets=wire.secrets,
        workers=wire.workers,
        retries=wire.retries,
        retry=wire.retry,
        test_seconds=wire.test_seconds,
        run_seconds=wire.run_seconds,
        release=wire.release,
        labels=wire.labels,
        priority=wire.priority,
    )


def run_wire(run: Run, ahead: int | None = None) -> RunWire:
    """The run for the wire."""
    return RunWire.model_construct(
        id=run.id,
        tenant=run.scope.tenant,
        project=run.scope.project,
        request=_request_wire(run.request),
        created_at=run.created_at,
        state=run.state,
        reason=run.reason,
        message=run.message,
        version=run.version,
        seq=run.seq,
        chain_head=run.chain_head,
        next_token=run.next_token,
        collected=run.collected,
        log=run.log,
        round=run.round,
        started_at=run.started_at,
        finished_at=run.finished_at,
        ahead=ahead,
    )


def suite_wire(suite: SuiteVersion) -> SuiteWire:
    """The suite for the wire."""
    origin = suite.origin
    return SuiteWire.model_construct(
        digest=suite.digest,
        folder=suite.folder,
        cwd=suite.cwd,
        origin=OriginWire.model_construct(url=origin.url, commit=origin.commit, ref=origin.ref)
        if origin
        else None,
    )


def _suite(wire: SuiteWire) -> SuiteVersion:
    origin = Origin(wire.origin.url, wire.origin.commit, wire.origin.ref) if wire.origin else None
    return SuiteVersion(Digest(wire.digest), wire.folder, wire.cwd, origin)


def _python(wire: PythonWire) -> PythonEnvironment:
    return PythonEnvironment(wire.requirements, wire.version, wire.groups, wire.extras)


def _python_wire(python: PythonEnvironment) -> PythonWire:
    return PythonWire.model_construct(
        requirements=python.requirements,
        version=python.version,
        groups=python.groups,
        extras=python.extras,
    )


def _environment(wire: EnvironmentWire) -> Environment:
    return Environment(
        name=wire.name,
        base_url=wire.base_url,
        up=wire.up,
        health=wire.health,
        ready_seconds=wire.ready_seconds,
        variables=wire.variables,
        allow=wire.allow,
    )


def _request_wire(request: RunRequest) -> RequestWire:
    return RequestWire.model_construct(
        suite=suite_wire(request.suite),
        argv=request.argv,
        interpreter=request.interpreter,
        python=_python_wire(request.python) if request.python else None,
        environment=_environment_wire(request.environment) if request.environment else None,
        variables=dict(request.variables),
        secrets=request.secrets,
        workers=request.workers,
        retries=request.retries,
        retry=request.retry,
        test_seconds=request.test_seconds,
        run_seconds=request.run_seconds,
        release=request.release,
        labels=dict(request.labels),
        priority=request.priority,
    )


def _environment_wire(environment: Environment) -> EnvironmentWire:
    return EnvironmentWire.model_construct(
        name=environment.name,
        base_url=environment.base_url,
        up=environment.up,
        health=environment.health,
        ready_seconds=environment.ready_seconds,
        variables=dict(environment.variables),
        allow=environment.allow,
    )
