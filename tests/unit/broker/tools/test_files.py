"""The files of a workspace through MCP, whatever paths and links say."""

import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.broker.tools.files import MOST_READ, MOST_WRITTEN, SandboxWorkspace, file_tools
from actors.sandbox.files import SandboxFiles
from tests.unit.broker.tools.desk import CANARY, Desk, desk, text_of


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    """A workspace, beside something that must not be reached."""
    (tmp_path / "outside").write_text("outside")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "up").symlink_to("..")
    (folder / "there").symlink_to(tmp_path / "outside")
    return folder


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Desk]:
    files = SandboxFiles(os.open(folder, os.O_PATH | os.O_DIRECTORY), None)
    try:
        async with desk(*file_tools(SandboxWorkspace(files))) as here:
            yield here
    finally:
        files.close()


async def test_files_are_written_listed_and_read(inside: Path) -> None:
    async with opened(inside) as here:
        written = await here.call("files.write", path="a/b/c.txt", content="Grüße")
        await here.call("files.write", path="a/raw", content="AP8=", encoding="base64")
        listed = await here.call("files.list", path="a")
        read = await here.call("files.read", path="a/b/c.txt")
        raw = await here.call("files.read", path="/workspace/a/raw", encoding="base64")
        odd = await here.call("files.read", path="a/raw")
    assert text_of(written) == "7 bytes were written to 'a/b/c.txt'."
    rows = [json.loads(line) for line in text_of(listed).splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows] == [("folder", "b"), ("file", "raw")]
    assert text_of(read).splitlines()[1:] == ["Grüße"]
    assert read.content[1].meta == {"ath/untrusted": True}
    assert text_of(raw).splitlines()[1:] == ["AP8="]
    assert "read it with encoding base64" in text_of(odd)


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "up/outside",
        "there",
        "/etc/passwd",
        "a/../../outside",
        "",
        "\0",
        "x" * 5000,
        ".",
    ],
)
@pytest.mark.parametrize("name", ["files.read", "files.write"])
async def test_no_path_leads_out(inside: Path, path: str, name: str) -> None:
    more: dict[str, Any] = {"content": "changed"} if name == "files.write" else {}
    async with opened(inside) as here:
        answer = await here.call(name, path=path, **more)
    assert answer.is_error or path == "/etc/passwd"
    assert "root:" not in text_of(answer)
    assert (inside.parent / "outside").read_text() == "outside"


async def test_what_is_too_large_is_refused(inside: Path) -> None:
    (inside / "large").write_bytes(b"x" * (MOST_READ + 1))
    async with opened(inside) as here:
        read = await here.call("files.read", path="large")
        written = await here.call("files.write", path="b", content="x" * (MOST_WRITTEN + 1))
        odd = await here.call("files.write", path="b", content="?", encoding="base64")
    assert "larger than" in text_of(read)
    assert "more than" in text_of(written)
    assert "no base64" in text_of(odd)
    assert not (inside / "b").exists()


async def test_a_pipe_does_not_hold_the_server_up(inside: Path) -> None:
    os.mkfifo(inside / "pipe")
    async with opened(inside) as here:
        answer = await here.call("files.read", path="pipe")
    assert "no regular file" in text_of(answer)


async def test_a_canary_in_a_file_is_hidden_from_the_journal(inside: Path) -> None:
    (inside / "env").write_text(f"TOKEN={CANARY}")
    async with opened(inside) as here:
        await here.call("files.write", path="copy", content=f"x{CANARY}x")
        read = await here.call("files.read", path="env")
    assert CANARY not in text_of(read)
    assert CANARY not in repr(here.journal.lines)
