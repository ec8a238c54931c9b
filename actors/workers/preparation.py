"""Everything before the first test: unpack, bring the environment up, collect."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.sandbox.probe import describe_process_tier
from actors.sandbox.process import ProcessSandbox, ProcessSpec
from actors.workers.collection import Collection
from actors.workers.door import BrowserDoor
from actors.workers.limits import HostLimits
from actors.workers.suite_session import SuiteSession, SuiteSpec
from actors.workers.system_under_test import (
    SystemUnderTest,
    free_port,
    resolved,
    wait_until_healthy,
)
from actors.workers.tree import unpack
from harness.domain.browser import BrowserChoice
from harness.domain.work import Collected, Grant
from harness.events.facts import EnvironmentReady, SandboxStarted
from harness.ports.artifacts import ArtifactStore
from harness.ports.dispatch import Dispatch

BASE_VARIABLES = {"PATH": os.defpath, "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that can begin."""

    session: SuiteSession
    system: SystemUnderTest | None
    collection: Collection
    collected: Collected
    logs: Mapping[str, Path]
    door: BrowserDoor

    async def close(self) -> None:
        """End every process."""
        await self.session.close()
        await self.door.close()
        if self.system:
            await self.system.close()


async def prepare(
    grant: Grant,
    dispatch: Dispatch,
    artifacts: ArtifactStore,
    folder: Path,
    browser: BrowserChoice | None,
    limits: HostLimits,
) -> Prepared:
    """Bring a granted run to the point where tests can be executed.

    Raises:
        InvalidInput: the suite or its command is wrong.
        Unavailable: the environment did not come up.
        NotFound: the suite's archive is gone.
    """
    run = grant.run
    archive = await asyncio.to_thread(artifacts.path, run.scope, run.request.suite.digest)
    cwd = await asyncio.to_thread(unpack, archive, run.request.suite, folder)
    facts = SandboxStarted(grant.lease.host, "process", dict(describe_process_tier()))
    await dispatch.observed(grant.lease.id, [facts])
    system = await _bring_up(grant, dispatch, cwd, folder, limits)
    variables = system.environment.variables if system else {}
    door = BrowserDoor(folder / ".door")
    await door.open()
    session = SuiteSession(
        SuiteSpec(
            interpreter=run.request.interpreter or sys.executable,
            argv=run.request.argv,
            cwd=cwd,
            env={**BASE_VARIABLES, **run.request.variables, **variables},
            browser=browser,
            door=door.path,
            folder=folder / ".session",
            temporary=folder.parent,
            memory_bytes=limits.memory_bytes,
            write_roots=limits.write_roots,
        )
    )
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        collection = await session.collect(limits.collect_seconds)
    except BaseException:
        await door.close()
        if system:
            await system.close()
        raise
    logs = {"runner.log": session.spec.log}
    if system and system.sandbox:
        logs["environment.log"] = folder / "environment.log"
    return Prepared(
        session, system, collection, collection.collected(loop.time() - begun), logs, door
    )


async def _bring_up(
    grant: Grant, dispatch: Dispatch, cwd: Path, folder: Path, limits: HostLimits
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
                argv=_command(environment.up, request.interpreter or sys.executable),
                cwd=str(cwd),
                env={**BASE_VARIABLES, **request.variables, **environment.variables},
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
