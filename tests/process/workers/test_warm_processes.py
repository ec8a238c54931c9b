"""Interpreters wait for the next run of their kind, and only for such a one."""

import asyncio
import dataclasses
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from actors.workers.suite_process import Launch
from actors.workers.suite_session import SuiteSession, SuiteSpec
from actors.workers.suite_worker import TestFinished
from actors.workers.warm_processes import Kind, WarmProcesses
from harness.domain.ids import TenantId

pytestmark = pytest.mark.process

LAUNCH = Launch(sys.executable, {"PATH": os.defpath, "LANG": "C.UTF-8"}, 1 << 30, None)
KIND = Kind(TenantId("t"), LAUNCH)
WHERE = "import os, sys\n\ndef test_where():\n    assert os.getcwd() == os.environ['PWD'] == {!r}\n"


async def until(happened: Callable[[], bool]) -> None:
    """Return when it has happened.

    Raises:
        TimeoutError: it did not.
    """
    never = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.wait([never], timeout=0.01)


@pytest.fixture
async def warm(tmp_path: Path) -> AsyncIterator[WarmProcesses]:
    processes = WarmProcesses(tmp_path)
    yield processes
    await processes.close()
    assert not psutil.Process().children(recursive=True)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("warm.")]  # noqa: PTH208 - pathlib counts as blocking


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_where.py").write_text(WHERE.format(str(folder)))
    return folder


async def test_kind_finds_its_process_once(warm: WarmProcesses, suite: Path) -> None:
    await warm.prepare(KIND)
    process = await warm.take(KIND, ["pytest"], suite)
    assert process
    assert await warm.take(KIND, ["pytest"], suite) is None
    await process.discard()


@pytest.mark.parametrize(
    "other",
    [
        Kind(TenantId("other"), LAUNCH),
        Kind(TenantId("t"), dataclasses.replace(LAUNCH, env={**LAUNCH.env, "MODE": "x"})),
        Kind(TenantId("t"), dataclasses.replace(LAUNCH, write_roots=("/tmp",))),
    ],
    ids=["tenant", "variables", "protection"],
)
async def test_other_kinds_do_not(warm: WarmProcesses, suite: Path, other: Kind) -> None:
    await warm.prepare(KIND)
    assert await warm.take(other, ["pytest"], suite) is None


async def test_module_in_the_suites_folder_is_not_hidden(warm: WarmProcesses, suite: Path) -> None:
    (suite / "pluggy.py").touch()
    await warm.prepare(KIND)
    assert await warm.take(KIND, ["python", "-m", "pytest"], suite) is None


async def test_a_file_that_is_no_module_hides_nothing(warm: WarmProcesses, suite: Path) -> None:
    (suite / "pytest.ini").touch()
    await warm.prepare(KIND)
    process = await warm.take(KIND, ["python", "-m", "pytest"], suite)
    assert process
    await process.discard()


async def test_two_that_are_prepared_at_once_leave_one(warm: WarmProcesses) -> None:
    await asyncio.gather(warm.prepare(KIND), warm.prepare(KIND))
    await until(lambda: len(psutil.Process().children()) == 1)


async def test_whoever_is_cancelled_while_it_takes_one_leaves_none(
    warm: WarmProcesses, suite: Path
) -> None:
    await warm.prepare(KIND)
    taking = asyncio.create_task(warm.take(KIND, ["pytest"], suite))
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.wait([taking])
    await until(lambda: not psutil.Process().children())


async def test_a_disk_that_refuses_is_no_trouble(warm: WarmProcesses, tmp_path: Path) -> None:
    (tmp_path / "warm.1").touch()
    await warm.prepare(KIND)
    assert not psutil.Process().children()
    (tmp_path / "warm.1").unlink()


async def test_what_was_installed_meanwhile_is_loaded(
    warm: WarmProcesses, suite: Path, tmp_path: Path
) -> None:
    packages = tmp_path / "packages"
    (packages / "pytest").mkdir(parents=True)
    loaded = tmp_path / "loaded"
    touch = f"import pathlib\npathlib.Path({str(loaded)!r}).touch()\n"
    (packages / "pytest" / "__init__.py").write_text(touch)
    launch = dataclasses.replace(LAUNCH, env={**LAUNCH.env, "PYTHONPATH": str(packages)})
    kind = Kind(TenantId("t"), launch)
    await warm.prepare(kind)
    process = await warm.take(kind, ["pytest"], suite)
    assert process
    await process.discard()
    loaded.unlink()
    await warm.prepare(kind)
    await until(loaded.exists)
    (packages / "news").mkdir()
    os.utime(packages, (1, 1))
    assert await warm.take(kind, ["pytest"], suite) is None


async def test_relative_paths_are_not_resolved_elsewhere(warm: WarmProcesses, suite: Path) -> None:
    launch = dataclasses.replace(LAUNCH, env={**LAUNCH.env, "PYTHONPATH": "lib"})
    kind = Kind(TenantId("t"), launch)
    await warm.prepare(kind)
    assert await warm.take(kind, ["pytest"], suite) is None


async def test_the_longest_wait_ends_first(warm: WarmProcesses, suite: Path) -> None:
    warm.most = 1
    other = Kind(TenantId("other"), LAUNCH)
    await warm.prepare(KIND)
    await warm.prepare(other)
    assert await warm.take(KIND, ["pytest"], suite) is None
    process = await warm.take(other, ["pytest"], suite)
    assert process
    await process.discard()


async def test_waiting_has_an_end(warm: WarmProcesses, suite: Path) -> None:
    warm.idle_seconds = 0.01
    await warm.prepare(KIND)
    await until(lambda: not psutil.Process().children())
    assert await warm.take(KIND, ["pytest"], suite) is None


@pytest.mark.parametrize("words", [("pytest",), ("python", "-m", "pytest")])
async def test_suite_collects_in_a_process_that_waited(
    warm: WarmProcesses, suite: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    await warm.prepare(KIND)
    (waiting,) = psutil.Process().children()
    folder = tmp_path / "session"
    spec = SuiteSpec(KIND, (*words, "-q"), suite, None, tmp_path / "door", folder, tmp_path)
    session = SuiteSession(spec, warm)
    try:
        collection = await session.collect(30)
        assert collection.ids == ["test_where.py::test_where"]
        assert psutil.Process().children() == [waiting]
        worker = await session.open_worker("w1")
        worker.run([0])
        worker.finish()
        told = [event async for event in worker.events()]
        finished = [event.outcome for event in told if isinstance(event, TestFinished)]
        assert [phase["outcome"] for phase in finished[0]["phases"]] == ["passed"] * 3
    finally:
        await session.close()
        session.clear()
