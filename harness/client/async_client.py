"""Sandboxes from asynchronous programs: the same as `Client.sandboxes`, awaited."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, Unpack, cast

import httpx

from harness.client import sandbox_calls as calls
from harness.client.api import http_options
from harness.client.async_connection import AsyncConnection
from harness.client.connection import Patience
from harness.client.decode import decode
from harness.client.sandbox_calls import BoxCalls, Hearing, SandboxOptions
from harness.client.sandboxes import MOST_OFFSET
from harness.domain.sandbox import (
    Chunk,
    Command,
    ExecResult,
    FileEntry,
    KeptFiles,
    SandboxEvent,
    SandboxStatus,
)
from harness.errors import InvalidInput, NotFound

WAIT_SECONDS = 30.0


class AsyncClient:
    """The tenant's sandboxes at `url`; use it as an asynchronous context manager."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Connects on first use; see `Client`."""
        waits = patience or Patience()
        self._http = httpx.AsyncClient(**http_options(url, token, waits), transport=transport)
        self._connection = AsyncConnection(self._http, waits)
        self.sandboxes = AsyncSandboxes(self._connection)

    @asynccontextmanager
    async def sandbox(self, **options: Unpack[SandboxOptions]) -> AsyncIterator["AsyncSandbox"]:
        """A sandbox for the block, ended after it; see `Sandboxes.create`."""
        async with await self.sandboxes.create(**options) as box:
            yield box

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()


@dataclass(frozen=True, slots=True)
class AsyncSandboxes:
    """See `Sandboxes`."""

    connection: AsyncConnection

    async def create(self, **options: Unpack[SandboxOptions]) -> "AsyncSandbox":
        """See `Sandboxes.create`."""
        return await make(self.connection, options)

    def get(self, id: str) -> "AsyncSandbox":
        """One that is there; nothing is asked."""
        return AsyncSandbox(self.connection, id)

    async def list(self) -> Sequence[SandboxStatus]:
        """Those that live, oldest first."""
        return calls.statuses_of(await self.connection.json(calls.listing()))

    async def snapshots(self) -> Sequence[KeptFiles]:
        """Files that are kept, oldest first."""
        return calls.kept_of(await self.connection.json(calls.snapshots()))

    async def drop_snapshot(self, name: str) -> None:
        """Keep a snapshot no longer."""
        await self.connection.call(calls.drop_snapshot(name))


@dataclass(frozen=True, slots=True)
class AsyncSandboxFiles:
    """See `SandboxFiles`."""

    _connection: AsyncConnection
    _calls: BoxCalls

    async def read(self, path: str) -> bytes:
        """See `SandboxFiles.read`."""
        return (await self._connection.call(self._calls.read(path))).content

    async def write(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """See `SandboxFiles.write`."""
        await self._connection.call(self._calls.write(path, data, mode))

    async def list(self, path: str = ".") -> Sequence[FileEntry]:
        """See `SandboxFiles.list`."""
        told = await self._connection.json(self._calls.entries(path))
        return [decode(FileEntry, one) for one in told["entries"]]

    async def make_folder(self, path: str) -> None:
        """See `SandboxFiles.make_folder`."""
        await self._connection.call(self._calls.make_folder(path))

    async def remove(self, path: str) -> None:
        """See `SandboxFiles.remove`."""
        await self._connection.call(self._calls.remove(path))


@dataclass(frozen=True, slots=True)
class AsyncStartedCommand:
    """See `StartedCommand`."""

    _connection: AsyncConnection
    _calls: BoxCalls
    number: int

    async def wait(self, seconds: float = WAIT_SECONDS) -> ExecResult | None:
        """See `StartedCommand.wait`."""
        response = await self._connection.call(self._calls.wait(self.number, seconds))
        if response.status_code == httpx.codes.ACCEPTED:
            return None
        return calls.result_of(response.json())

    async def signal(self, signum: int) -> None:
        """See `StartedCommand.signal`."""
        await self._connection.call(self._calls.signal(self.number, signum))

    async def end(self) -> None:
        """See `StartedCommand.end`."""
        await self._connection.call(self._calls.end(self.number))


@dataclass(frozen=True, slots=True)
class AsyncSandbox:
    """See `Sandbox`."""

    _connection: AsyncConnection
    id: str
    _options: Mapping[str, object] = field(default_factory=dict)

    @property
    def files(self) -> AsyncSandboxFiles:
        """What is in its workspace."""
        return AsyncSandboxFiles(self._connection, self._calls)

    async def status(self) -> SandboxStatus:
        """How it stands."""
        return calls.status_of(await self._connection.json(self._calls.status()))

    async def exec(
        self, what: Command | Sequence[str], *, timeout_seconds: float | None = None
    ) -> ExecResult:
        """See `Sandbox.exec`."""
        told = await self._connection.json(self._calls.exec(what, timeout_seconds))
        return calls.result_of(told)

    async def exec_stream(
        self, what: Command | Sequence[str], *, timeout_seconds: float | None = None
    ) -> AsyncGenerator[Chunk | ExecResult, None]:
        """See `Sandbox.exec_stream`; close it (`contextlib.aclosing`) when you leave early."""
        call, hearing = self._calls.exec(what, timeout_seconds), Hearing()
        async with self._connection.open(call, calls.EVENT_STREAM) as response:
            async for line in response.aiter_lines():
                if (item := hearing.hear(line)) is not None:
                    yield item
        hearing.end()

    async def start(
        self, what: Command | Sequence[str], *, timeout_seconds: float | None = None
    ) -> AsyncStartedCommand:
        """See `Sandbox.start`."""
        told = await self._connection.json(self._calls.start(what, timeout_seconds))
        return AsyncStartedCommand(self._connection, self._calls, int(told["number"]))

    async def request(
        self,
        port: int,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """See `Sandbox.request`."""
        return await self._connection.through(
            method, self._calls.server(port, path), headers=headers, content=content
        )

    async def journal(self) -> AsyncIterator[Mapping[str, Any]]:
        """See `Sandbox.journal`."""
        after = 0
        while (told := await self._connection.json(self._calls.journal(after)))["entries"]:
            for entry in told["entries"]:
                yield entry
            after = told["next"]

    async def spent(self) -> Mapping[str, int]:
        """See `Sandbox.spent`."""
        told = await self._connection.json(self._calls.journal(MOST_OFFSET))
        return cast("Mapping[str, int]", told["spent"])

    async def expose(self, port: int) -> tuple[str, int]:
        """See `Sandbox.expose`."""
        told = await self._connection.json(self._calls.expose(port))
        return str(told["host"]), int(told["port"])

    async def snapshot(self) -> str:
        """See `Sandbox.snapshot`."""
        return str((await self._connection.json(self._calls.snapshot()))["snapshot"])

    async def fork(self, **options: Unpack[SandboxOptions]) -> "AsyncSandbox":
        """See `Sandbox.fork`."""
        if "snapshot" in options:
            raise InvalidInput("A fork begins with the files of its sandbox, not with a snapshot.")
        asked = calls.forked({**self._options, **options}, await self.status())
        name = await self.snapshot()
        try:
            return await make(self._connection, {**asked, "snapshot": name}, asked)
        finally:
            await self._connection.call(calls.drop_snapshot(name))

    async def pause(self) -> None:
        """Stop everything in it; deadlines go on."""
        await self._connection.call(self._calls.do("pause"))

    async def resume(self) -> None:
        """Let it go on."""
        await self._connection.call(self._calls.do("resume"))

    async def set_timeout(self, seconds: float) -> None:
        """End it that long from now."""
        await self._connection.call(self._calls.set_timeout(seconds))

    async def events(self, after: int = 0) -> Sequence[SandboxEvent]:
        """See `Sandbox.events`."""
        told = await self._connection.json(self._calls.events(after))
        return [decode(SandboxEvent, one) for one in told["events"]]

    async def kill(self) -> None:
        """See `Sandbox.kill`."""
        await self._connection.call(self._calls.kill())

    async def __aenter__(self) -> Self:
        """The sandbox itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        with suppress(NotFound):  # it may have ended so long ago that nobody remembers it
            await self.kill()

    @property
    def _calls(self) -> BoxCalls:
        return BoxCalls(self.id)


async def make(
    connection: AsyncConnection,
    options: Mapping[str, object],
    remembered: Mapping[str, object] | None = None,
) -> AsyncSandbox:
    """See `sandboxes.make`."""
    status = calls.status_of(await connection.json(calls.create(options)))
    return AsyncSandbox(connection, status.id, dict(options if remembered is None else remembered))
