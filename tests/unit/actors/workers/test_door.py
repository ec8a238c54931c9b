"""Whoever stands in for Chromium is heard, or sent away."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from actors.agents.agent_wish import MOST_WISH_BYTES
from actors.workers.door import WorkerDoor
from harness.domain.browser import BrowserLease

pytestmark = pytest.mark.anyio


async def said(line: bytes) -> bytes:
    """What the door answers; only the worker w1 may ask."""

    async def ask(wish: Mapping[str, Any]) -> BrowserLease:
        return BrowserLease(door=f"/of/{wish['worker']}", token="t")

    with TemporaryDirectory(prefix="ath-") as folder:
        door = WorkerDoor(Path(folder) / "door")
        await door.open()
        door.admit("w1", ask)
        reader, writer = await asyncio.open_unix_connection(str(door.path))
        writer.write(line)
        writer.write_eof()
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
        await door.close()
        return answer


async def test_wish_reaches_its_worker() -> None:
    answer = await said(b'{"worker": "w1"}\n')
    assert json.loads(answer) == {"door": "/of/w1", "token": "t"}


async def test_unknown_worker_gets_nothing() -> None:
    assert json.loads(await said(b'{"worker": "w2"}\n')) == {"door": "", "token": ""}


@pytest.mark.parametrize("line", [b"", b"\xff\n", b"[]\n", b"x" * (2 * MOST_WISH_BYTES)])
async def test_nonsense_is_sent_away(line: bytes) -> None:
    answer = await said(line)
    assert not answer or not json.loads(answer)["door"]
