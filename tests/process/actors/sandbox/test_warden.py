"""What a warden guards ends completely, before anybody hears of its end."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from actors.sandbox.process import ProcessSandbox, ProcessSpec

pytestmark = pytest.mark.process

RELAY = """
import os
while True:
    if os.fork():
        os._exit(0)
"""
TREE = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        for _ in range(20):
            if os.fork() == 0:
                time.sleep(600)
        os._exit(0)
"""


def spec(folder: Path, code: str) -> ProcessSpec:
    argv = [sys.executable, "-I", "-S", "-c", code, str(folder)]
    return ProcessSpec(argv=argv, cwd=str(folder), env={}, log=str(folder / "log"))


def left_of(folder: Path) -> list[psutil.Process]:
    """Living processes of the command of this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("code", [RELAY, TREE], ids=["relay", "tree"])
async def test_nothing_is_left_when_the_end_is_told(code: str, tmp_path: Path) -> None:
    for _ in range(10):
        sandbox = await ProcessSandbox.start(spec(tmp_path, code))
        await sandbox.wait(30)
        assert left_of(tmp_path) == []


async def test_nothing_is_left_when_its_start_is_cancelled(tmp_path: Path) -> None:
    for pause in (0.0, 0.01, 0.02, 0.03, 0.04, 0.05):
        starting = asyncio.create_task(ProcessSandbox.start(spec(tmp_path, TREE)))
        await asyncio.wait([starting], timeout=pause)
        if starting.done():
            await starting.result().close()
        starting.cancel()
        await asyncio.wait([starting])
        assert left_of(tmp_path) == []
        assert not psutil.Process().children()
