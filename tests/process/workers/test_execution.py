"""A run that is stopped while it is prepared ends at once and leaves nothing."""

import asyncio
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from actors.environments.cache import EnvironmentCache
from actors.environments.folders import EnvironmentFolders
from actors.workers.execution import Execution
from actors.workers.limits import HostLimits
from actors.workers.suite_places import SuitePlaces
from actors.workers.warm_processes import WarmProcesses
from harness.client.archive import write_archive
from harness.domain.agent_grant import AgentGrant
from harness.domain.ids import AttemptId, HostId, LeaseId, RunId
from harness.domain.lease import Lease
from harness.domain.python_environment import PythonEnvironment
from harness.domain.redaction import NOTE
from harness.domain.run import Reason, Run, RunRequest
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.suite import SuiteVersion
from harness.domain.work import Batch, Collected, Grant, Report, Surrender
from harness.events.facts import ArtifactsLeftOut, Fact, PythonEnvironmentBegun
from harness.stores.file_artifacts import FileArtifacts
from tests.support.wheels import index_of, sdist

if TYPE_CHECKING:
    from actors.agents.agent_run import AgentHost
    from harness.ports.browsers import BrowserPool

pytestmark = pytest.mark.process

NOW = datetime(2030, 1, 1, tzinfo=UTC)
VALUE = "hunter2-secret-0123456789"
ENDLESS = "def build_wheel(*a, **k):\n    import threading; threading.Event().wait()\n"


class FakeDispatch:
    """A scheduler that has one run and remembers what it is told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.began = asyncio.Event()
        self.surrendered: list[Surrender] = []

    async def claim(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> Grant | None:
        return None

    async def renew(self, lease_ids: Collection[LeaseId]) -> Sequence[LeaseId]:
        return list(lease_ids)

    async def observed(self, lease_id: LeaseId, facts: Sequence[Fact]) -> None:
        self.facts += facts
        if any(isinstance(fact, PythonEnvironmentBegun) for fact in facts):
            self.began.set()

    async def secrets(self, scope: Scope, lease_id: LeaseId) -> Mapping[str, str]:
        return {"TOKEN": VALUE}

    async def agent_grant(self, scope: Scope, lease_id: LeaseId, agent: str) -> AgentGrant:
        return AgentGrant()

    async def collected(self, lease_id: LeaseId, collected: Collected) -> int:
        return 0

    async def next_batch(
        self, lease_id: LeaseId, worker: str, have: Collection[AttemptId]
    ) -> Batch:
        return Batch()

    async def report(self, report: Report) -> None:
        """Nothing is executed here."""

    async def surrender(self, surrender: Surrender) -> None:
        self.surrendered.append(surrender)


def execution(
    tmp_path: Path,
    dispatch: FakeDispatch,
    test: str,
    limits: HostLimits = HostLimits(1),  # noqa: B008  # frozen
    **fields: object,
) -> Execution:
    suite = tmp_path / "suite"
    (suite / "test_it.py").write_text(test)
    artifacts = FileArtifacts(tmp_path / "artifacts")
    content = BytesIO()
    write_archive(suite, content, 1 << 20)
    content.seek(0)
    digest, _ = artifacts.put(DEFAULT_SCOPE, content, max_bytes=1 << 20)
    request = RunRequest(SuiteVersion(digest, "suite"), ("pytest",))
    request = dataclasses.replace(request, **fields)  # type: ignore[arg-type]  # of many types
    run = Run(RunId("run1"), DEFAULT_SCOPE, request, NOW)
    lease = Lease(LeaseId("lease1"), run.id, HostId("here"), 1, NOW)
    folders = EnvironmentFolders(tmp_path / "environments")
    folders.prepare()
    (tmp_path / "index").mkdir(exist_ok=True)
    return Execution(
        grant=Grant(lease, run, 1, 60.0),
        dispatch=dispatch,
        artifacts=artifacts,
        places=SuitePlaces(tmp_path / "runs"),
        warm=WarmProcesses(tmp_path / "runs", most=0),
        browser=None,
        pool=cast("BrowserPool", None),
        sandboxes=cast("AgentHost", None),
        environments=EnvironmentCache(folders, index_of(tmp_path / "index")),
        limits=limits,
    )


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    (tmp_path / "runs").mkdir()
    return folder


async def test_stopped_while_its_packages_are_built(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    sdist(tmp_path / "index", "endless", "1.0", ENDLESS)
    (suite / "requirements.txt").write_text("endless\n")
    dispatch = FakeDispatch()
    packages = PythonEnvironment("requirements.txt")
    running = execution(tmp_path, dispatch, "", python=packages)
    ending = asyncio.create_task(running.execute())
    await asyncio.wait_for(dispatch.began.wait(), 60)
    running.stop()
    await asyncio.wait_for(ending, 60)
    assert [surrender.reason for surrender in dispatch.surrendered] == [Reason.NONE]
    assert list((tmp_path / "environments").glob("*/.building/*")) == []


async def test_stopped_while_its_suite_is_collected(suite: Path, tmp_path: Path) -> None:
    dispatch = FakeDispatch()
    mark = tmp_path / "importing"
    test = f"import pathlib, threading\npathlib.Path({str(mark)!r}).touch()\n"
    running = execution(tmp_path, dispatch, test + "threading.Event().wait()\n")
    ending = asyncio.create_task(running.execute())
    async with asyncio.timeout(60):
        while not mark.exists():
            await asyncio.wait([ending], timeout=0.05)
    running.stop()
    # Far less than the time that a suite is given to close by itself.
    await asyncio.wait_for(ending, 20)
    assert [surrender.reason for surrender in dispatch.surrendered] == [Reason.NONE]


async def test_what_a_suite_says_before_its_end_holds_no_secret(
    suite: Path, tmp_path: Path
) -> None:
    (suite / "conftest.py").write_text("import os\nraise SystemExit(os.environ['TOKEN'])\n")
    dispatch = FakeDispatch()
    await execution(tmp_path, dispatch, "", secrets=("TOKEN",)).execute()
    (surrendered,) = dispatch.surrendered
    assert surrendered.reason is Reason.USAGE
    assert NOTE.format("TOKEN") in surrendered.message
    assert VALUE not in surrendered.message


async def test_what_a_run_may_not_keep_is_an_event_and_no_error(
    suite: Path, tmp_path: Path
) -> None:
    dispatch = FakeDispatch()
    limits = HostLimits(1, run_artifact_bytes=3)
    test = "import sys\nprint('much', file=sys.__stderr__)\ndef test(): pass\n"
    await execution(tmp_path, dispatch, test, limits, argv=("pytest", "-s")).execute()
    (surrender,) = dispatch.surrendered
    assert (surrender.reason, surrender.artifacts) == (Reason.NONE, [])
    assert [fact for fact in dispatch.facts if isinstance(fact, ArtifactsLeftOut)] == [
        ArtifactsLeftOut(1, 3)
    ]
