"""`files.*`: the files of a sandbox's workspace, for agents that cannot run a command there."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeVar

from pydantic import StringConstraints

from actors.broker.tools.arguments import Arguments
from actors.broker.tools.tool import Tool, ToolAnswer, quoted, told
from harness.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from actors.sandbox.files import SandboxFiles
    from harness.domain.sandbox import FileEntry

MOST_READ = 128 << 10
MOST_WRITTEN = 512 << 10
MOST_LISTED = 1_000

Path = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$", max_length=4000)]
Coding = Literal["text", "base64"]
A = TypeVar("A", bound=Arguments)


class Workspace(Protocol):
    """Files that cannot be left: no path and no link leads out."""

    async def read(self, path: str, most_bytes: int) -> bytes:
        """What a file holds; raises TooLarge where that is more."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Make or replace a file, and the folders above it."""
        ...

    async def entries(self, path: str) -> "Sequence[FileEntry]":
        """What is in a folder, by name."""
        ...


@dataclass(frozen=True, slots=True)
class SandboxWorkspace:
    """The files of one sandbox on this node."""

    files: "SandboxFiles"

    async def read(self, path: str, most_bytes: int) -> bytes:
        """See the port."""
        return await asyncio.to_thread(self.files.read, path, most_bytes)

    async def write(self, path: str, data: bytes) -> None:
        """See the port."""
        await asyncio.to_thread(self._write, path, data)

    async def entries(self, path: str) -> "Sequence[FileEntry]":
        """See the port."""
        return await asyncio.to_thread(self.files.entries, path)

    def _write(self, path: str, data: bytes) -> None:
        try:
            self.files.write(path, data)
        except NotFound:
            above = [part for part in path.split("/")[:-1] if part not in {"", "."}]
            if not above:
                raise
            self.files.make_folder("/".join(above))
            self.files.write(path, data)


class ReadArguments(Arguments):
    """Which file."""

    path: Path
    """Relative to the workspace."""
    encoding: Coding = "text"


class WriteArguments(Arguments):
    """Which file, and what goes into it."""

    path: Path
    """Relative to the workspace; folders above it are made."""
    content: Annotated[str, StringConstraints(max_length=2 * MOST_WRITTEN)]
    encoding: Coding = "text"


class ListArguments(Arguments):
    """Which folder."""

    path: Path = "."
    """Relative to the workspace."""


@dataclass(frozen=True, slots=True)
class FileTool(Generic[A]):
    """One operation on a workspace."""

    name: str
    description: str
    arguments: type[A]
    work: Callable[[A], Awaitable[ToolAnswer]]
    lacks: str = ""
    pays_itself: bool = False

    @property
    def schema(self) -> Mapping[str, Any]:  # Any: a JSON Schema
        """Of its arguments."""
        return self.arguments.described()

    async def call(self, given: Mapping[str, object]) -> ToolAnswer:
        """Do it."""
        return await self.work(self.arguments.read(given))

    async def close(self) -> None:
        """Nothing is kept."""


def file_tools(workspace: Workspace) -> Sequence[Tool]:
    """`files.read`, `files.write` and `files.list`."""

    async def read(asked: ReadArguments) -> ToolAnswer:
        data = await workspace.read(asked.path, MOST_READ)
        return quoted(f"The file {asked.path!r} has {len(data)} bytes.", _text(asked, data))

    async def write(asked: WriteArguments) -> ToolAnswer:
        data = _data(asked)
        await workspace.write(asked.path, data)
        return told(f"{len(data)} bytes were written to {asked.path!r}.")

    async def entries(asked: ListArguments) -> ToolAnswer:
        found = await workspace.entries(asked.path)
        lines = [json.dumps([one.kind, one.size, one.name]) for one in found[:MOST_LISTED]]
        shown = f" The first {MOST_LISTED} follow." if len(found) > MOST_LISTED else ""
        note = f"{asked.path!r} holds {len(found)} entries: kind, bytes, name.{shown}"
        return quoted(note, "\n".join(lines))

    return (
        FileTool("files.read", "Read a file of the sandbox's workspace.", ReadArguments, read),
        FileTool("files.write", "Write a file of the sandbox's workspace.", WriteArguments, write),
        FileTool("files.list", "List a folder of the sandbox's workspace.", ListArguments, entries),
    )


def _text(asked: ReadArguments, data: bytes) -> str:
    if asked.encoding == "base64":
        return base64.b64encode(data).decode()
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{asked.path!r} is no text in UTF-8; read it with encoding base64."
        ) from None


def _data(asked: WriteArguments) -> bytes:
    try:
        base64_ = asked.encoding == "base64"
        data = base64.b64decode(asked.content, validate=True) if base64_ else asked.content.encode()
    except (binascii.Error, ValueError):
        raise InvalidInput(f"content: is no {asked.encoding}") from None
    if len(data) > MOST_WRITTEN:
        raise InvalidInput(f"content: has more than {MOST_WRITTEN} bytes")
    return data
