"""Runs on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.rest.wire.model import Line, Sha256, WireModel
from harness.domain.environment import Environment
from harness.domain.ids import Digest
from harness.domain.priority import Priority
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


class SuiteWire(WireModel):
    """One exact state of a suite's source."""

    digest: Sha256
    folder: _Folder
    """Name of the folder the archive was made of."""
    cwd: Line = "."
    """Where the command runs, relative to the folder."""


class EnvironmentWire(WireModel):
    """The system under test."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    base_url: Line | None = None
    up: Annotated[tuple[_Word, ...], Field(max_length=1024)] = ()
    """Command that serves the system under test in the foreground."""
    health: Line | None = None
    ready_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    variables: _Variables = Field(default_factory=dict)


class RequestWire(WireModel):
    """What somebody asks for."""

    suite: SuiteWire
    argv: Annotated[tuple[_Word, ...], Field(min_length=1, max_length=65_536)]
    interpreter: Line | None = None
    environment: EnvironmentWire | None = None
    variables: _Variables = Field(default_factory=dict)
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
        suite=SuiteVersion(Digest(wire.suite.digest), wire.suite.folder, wire.suite.cwd),
        argv=wire.argv,
        interpreter=wire.interpreter,
        environment=_environment(wire.environment) if wire.environment else None,
        variables=wire.variables,
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


def _environment(wire: EnvironmentWire) -> Environment:
    return Environment(
        name=wire.name,
        base_url=wire.base_url,
        up=wire.up,
        health=wire.health,
        ready_seconds=wire.ready_seconds,
        variables=wire.variables,
    )


def _request_wire(request: RunRequest) -> RequestWire:
    suite = request.suite
    return RequestWire.model_construct(
        suite=SuiteWire.model_construct(digest=suite.digest, folder=suite.folder, cwd=suite.cwd),
        argv=request.argv,
        interpreter=request.interpreter,
        environment=_environment_wire(request.environment) if request.environment else None,
        variables=dict(request.variables),
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
    )
