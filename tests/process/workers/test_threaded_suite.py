"""A suite that starts threads while it is collected is executed by processes that collected it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from actors.workers.suite_process import Launch
from actors.workers.suite_session import SuiteSession, SuiteSpec
from actors.workers.suite_worker import TestFinished
from actors.workers.warm_processes import Kind, WarmProcesses
from harness.domain.ids import TenantId

pytestmark = pytest.mark.process

TEST = """\
import threading

threading.Thread(target=threading.Event().wait, daemon=True).start()

def test_first(): pass
def test_second(): pass
"""


async def test_each_worker_executes_what_it_is_given(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_it.py").write_text(TEST)
    launch = Launch(sys.executable, {"PATH": os.defpath, "LANG": "C.UTF-8"}, 1 << 30, None)
    kind = Kind(TenantId("t"), launch)
    spec = SuiteSpec(
        kind, ("pytest", "-q"), suite, None, tmp_path / "door", tmp_path / "session", tmp_path
    )
    session = SuiteSession(spec, WarmProcesses(tmp_path, most=0))
    ran = []
    try:
        collection = await session.collect(60)
        assert not collection.forkable
        await asyncio.sleep(0)  # the session begins to listen
        for index in range(2):
            worker = await session.open_worker(f"w{index}")
            worker.run([index])
            worker.finish()
            # Read at once, as a worker's loop does.
            told = [event async for event in worker.events()]
            ran += [event.index for event in told if isinstance(event, TestFinished)]
    finally:
        await session.close()
        session.clear()
    assert ran == [0, 1]
