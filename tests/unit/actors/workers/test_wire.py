"""What a suite's process sends arrives as text that every store takes."""

import json
import socket

import pytest

from actors.workers.collection import collection_of
from actors.workers.wire import LINE_BYTES, Wire
from harness.domain.redaction import Redactor

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def received(line: bytes, line_bytes: int = LINE_BYTES) -> object:
    ours, theirs = socket.socketpair()
    with theirs:
        wire = await Wire.open(ours, Redactor(), line_bytes)
        theirs.sendall(line)
    try:
        return await wire.receive()
    finally:
        await wire.close()


async def test_half_characters_and_nul_are_replaced_wherever_they_stand() -> None:
    sent = {"a\ud800": ["x\udfff\x00", {"deep": ("😀", 1, None)}]}
    assert await received(json.dumps(sent).encode() + b"\n") == {
        "a\ufffd": ["x\ufffd\u2400", {"deep": ["😀", 1, None]}]
    }


async def test_what_is_no_message_ends_the_connection() -> None:
    for line in (b"[1]\n", b"{\n", b'{"a": 1}', b"[" * 100_000 + b"\n"):
        assert await received(line) is None


async def test_a_message_without_end_is_told() -> None:
    told = await received(b"x" * 5000 + b"\n", 1000)
    assert isinstance(told, dict)
    assert "more than 64 MiB" in told["why"]


def test_ids_that_no_index_takes_are_cut_and_stay_different() -> None:
    nodes = ["t.py::test[" + "x" * 1_000_000 + end for end in ("a]", "b]")]
    message = {
        "tests": [[node, "t.py", 1, None] for node in nodes],
        "errors": [
            {"nodeid": "e" * 5000, "skipped": True, "reason": ""},
        ],
        "deselected": 0,
        "maxfail": 0,
        "run_broken": False,
        "forkable": True,
        "measured": False,
        "browser": None,
    }
    found = collection_of(message)
    assert len(set(found.ids)) == 2
    assert max(len(case.id.encode()) for case in found.cases) <= 1000
    assert len(found.broken[0].case.id) <= 1000
