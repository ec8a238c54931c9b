"""Everything before the first test: unpack, bring the environment up, collect."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from actors.environments.cache import EnvironmentCache, HeldEnvironment
from actors.sandbox.probe import describe_process_tier
from actors.sandbox.process import ProcessSandbox, ProcessSpec
from actors.workers.collection import Collection
from actors.workers.door import WorkerDoor
from actors.workers.given_secrets import GivenSecrets
from actors.workers.limits import HostLimits
from actors.workers.reporter import persistently
from actors.workers.run_egress import RunEgress
from actors.workers.suite_places import Circle, SuitePlaces
from actors.workers.suite_process import Launch
from actors.workers.suite_session import SuiteSession, SuiteSpec
from actors.workers.system_under_test import (
    SystemUnderTest,
    free_port,
    resolved,
    wait_until_healthy,
)
from actors.workers.tree import unpack
from actors.workers.warm_processes import Kind, WarmProcesses
from harness.domain.browser import BrowserChoice
from harness.domain.environment import Environment
from harness.domain.run import RunRequest
from harness.domain.work import Collected, Grant
from harness.events.facts import EnvironmentReady, Fact, SandboxStarted
from harness.ports.artifacts import ArtifactStore
from harness.ports.dispatch import Dispatch

BASE_VARIABLES = {"PATH": os.defpath, "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that can begin."""

    session: SuiteSession
    collection: Collection
    collected: Collected
    logs: Mapping[str, Path]
    door: WorkerDoor
    opened: AsyncExitStack
    """Everything that has to be closed, last opened first."""

    async def close(self) -> None:
        """End every process."""
        await self.opened.aclose()


async def prepare(
    grant: Grant,
    dispatch: Dispatch,
    artifacts: ArtifactStore,
    places: SuitePlaces,
    warm: WarmProcesses,
    folder: Path,
    browser: BrowserChoice | None,
    environments: EnvironmentCache,
    secrets: GivenSecrets,
    limits: HostLimits,
) -> Prepared:
    """Bring a granted run to the point where tests can be executed; cancelling leaves nothing.

    Raises:
        InvalidInput: the suite or its command is wrong.
        Unavailable: the environment did not come up.
        NotFound: the suite's archive is gone.
    """
    run = grant.run
    archive = await asyncio.to_thread(artifacts.path, run.scope, run.request.suite.digest)
    cwd = await asyncio.to_thread(unpack, archive, run.request.suite, folder)
    await asyncio.to_thread(places.furnish, folder, Circle.of(grant))
    facts = SandboxStarted(grant.lease.host, "process", dict(describe_process_tier()))
    await dispatch.observed(grant.lease.id, [facts])
    async with AsyncExitStack() as opened:
        python = await _packages(grant, dispatch, environments, folder)
        if python:
            opened.callback(python.release)
        own = _Own.of(run.request, python, secrets)
        system = await _bring_up(grant, dispatch, own, cwd, folder, limits)
        if system:
            opened.push_async_callback(system.close)
        door, proxy = await _browsers(opened, grant, dispatch, system, folder)
        session = SuiteSession(
            SuiteSpec(
                kind=Kind(run.scope.tenant, own.launch(system, limits)),
                argv=run.request.argv,
                cwd=cwd,
                browser=browser,
                door=door.path,
                folder=folder / ".session",
                temporary=folder.parent,
                proxy=proxy,
                last_failed=grant.last_failed,
                redactor=secrets.redactor,
            ),
            warm,
        )
        opened.callback(session.clear)
        opened.push_async_callback(session.close)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        collection = await session.collect(limits.collect_seconds)
        logs = {"runner.log": session.log} if session.log else {}
        if system and system.sandbox:
            logs["environment.log"] = folder / "environment.log"
        collected = collection.collected(loop.time() - begun)
        return Prepared(session, collection, collected, logs, door, opened.pop_all())


@dataclass(frozen=True, slots=True)
class _Own:
    """The run's own interpreter and variables."""

    interpreter: str
    variables: Mapping[str, str]
    secrets: Mapping[str, str]

    @classmethod
    def of(
        cls, request: RunRequest, python: HeldEnvironment | None, secrets: GivenSecrets
    ) -> "_Own":
        variables = {**BASE_VARIABLES, **request.variables}
        if python:
            return cls(python.python, python.activate(variables), secrets.variables)
        return cls(request.interpreter or sys.executable, variables, secrets.variables)

    def launch(self, system: SystemUnderTest | None, limits: HostLimits) -> Launch:
        """How the suite's interpreter is started."""
        variables = self.within(system.environment if system else None)
        return Launch(self.interpreter, variables, limits.memory_bytes, limits.write_roots)

    def within(self, environment: Environment | None) -> dict[str, str]:
        """Variables of a process that runs against an environment."""
        return {**self.variables, **(environment.variables if environment else {}), **self.secrets}


async def _packages(
    grant: Grant, dispatch: Dispatch, environments: EnvironmentCache, folder: Path
) -> HeldEnvironment | None:
    request = grant.run.request
    if request.python is None:
        return None

    tenant = grant.run.scope.tenant
    root = folder / request.suite.folder
    return await environments.hold(tenant, root, request.python, _observer(grant, dispatch))


def _observer(grant: Grant, dispatch: Dispatch) -> Callable[[Fact], Awaitable[None]]:
    """Tells a fact of the granted run, however long the scheduler is away."""

    async def told(fact: Fact) -> None:
        await persistently(lambda: dispatch.observed(grant.lease.id, [fact]))

    return told


async def _browsers(
    opened: AsyncExitStack,
    grant: Grant,
    dispatch: Dispatch,
    system: SystemUnderTest | None,
    folder: Path,
) -> tuple[WorkerDoor, str]:
    """Where the suite asks for browsers, and the proxy through which they go out, if any."""
    door = WorkerDoor(folder / ".door")
    await door.open()
    opened.push_async_callback(door.close)
    network = system.environment.network() if system else None
    if network is None:
        return door, ""
    egress = RunEgress(network, _observer(grant, dispatch))
    opened.push_async_callback(egress.close)
    return door, await egress.open()


async def _bring_up(
    grant: Grant, dispatch: Dispatch, own: _Own, cwd: Path, folder: Path, limits: HostLimits
) -> SystemUnderTest | None:
    request = grant.run.request
    if request.environment is None:
        return None
    loop = asyncio.get_running_loop()
    begun = loop.time()
    environment = resolved(request.environment, free_port())
    sandbox, log = None, folder / "environment.log"
    if environment.up:
        sandbox = await ProcessSandbox.start(
            ProcessSpec(
                argv=_command(environment.up, own.interpreter),
                cwd=str(cwd),
                env=own.within(environment),
                log=str(log),
                memory_bytes=limits.memory_bytes,
                write_roots=limits.write_roots,
            )
        )
    system = SystemUnderTest(environment, sandbox)
    try:
        await wait_until_healthy(environment, sandbox, log)
    except BaseException:
        await system.close()
        raise
    ready = EnvironmentReady(environment.name, environment.base_url, loop.time() - begun)
    await dispatch.observed(grant.lease.id, [ready])
    return system


def _command(up: Sequence[str], interpreter: str) -> Sequence[str]:
    """`python` means the run's interpreter; other programs are found by the shell inside."""
    if up[0] in {"python", "python3"}:
        return [interpreter, *up[1:]]
    return ["/usr/bin/env", *up]
