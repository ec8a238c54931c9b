"""Sandboxes as a program uses them: make one, execute in it, end it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, Unpack, cast

import httpx

from harness.client import sandbox_calls as calls
from harness.client.connection import Connection
from harness.client.decode import decode
from harness.client.sandbox_calls import BoxCalls, Call, Hearing, SandboxOptions
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
MOST_OFFSET = 2**53


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """The sandboxes of the key's tenant."""

    connection: Connection

    def create(self, **options: Unpack[SandboxOptions]) -> "Sandbox":
        """A sandbox; as a context manager it is ended at the end of the block.

        Raises:
            TierUnavailable: the platform does not hold what is demanded.
            QuotaExceeded: the tenant has as many as it may have.
            InvalidInput: more is asked for than may be; names it.
        """
        return make(self.connection, options)

    def get(self, id: str) -> "Sandbox":
        """One that is there; nothing is asked."""
        return Sandbox(self.connection, id)

    def list(self) -> Sequence[SandboxStatus]:
        """Those that live, oldest first."""
        return calls.statuses_of(_json(self.connection, calls.listing()))

    def snapshots(self) -> Sequence[KeptFiles]:
        """Files that are kept, oldest first."""
        return calls.kept_of(_json(self.connection, calls.snapshots()))

    def drop_snapshot(self, name: str) -> None:
        """Keep a snapshot no longer."""
        _send(self.connection, calls.drop_snapshot(name))


@dataclass(frozen=True, slots=True)
class SandboxFiles:
    """The files of a workspace; paths are relative to it."""

    _connection: Connection
    _calls: BoxCalls

    def read(self, path: str) -> bytes:
        """What a file holds.

        Raises:
            NotFound, Forbidden, TooLarge: it is not there, leads out, or is too large at once.
        """
        return _send(self._connection, self._calls.read(path)).content

    def write(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """Make or replace a file; its folder has to be there."""
        _send(self._connection, self._calls.write(path, data, mode))

    def list(self, path: str = ".") -> Sequence[FileEntry]:
        """What is in a folder, by name."""
        told = _json(self._connection, self._calls.entries(path))
        return [decode(FileEntry, one) for one in told["entries"]]

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it."""
        _send(self._connection, self._calls.make_folder(path))

    def remove(self, path: str) -> None:
        """Remove a file, a link or an empty folder."""
        _send(self._connection, self._calls.remove(path))


@dataclass(frozen=True, slots=True)
class StartedCommand:
    """A command that runs beside others."""

    _connection: Connection
    _calls: BoxCalls
    number: int

    def wait(self, seconds: float = WAIT_SECONDS) -> ExecResult | None:
        """How it ended, told once; None when it still runs after that long (a minute at most)."""
        response = _send(self._connection, self._calls.wait(self.number, seconds))
        if response.status_code == httpx.codes.ACCEPTED:
            return None
        return calls.result_of(response.json())

    def signal(self, signum: int) -> None:
        """Signal its process group."""
        _send(self._connection, self._calls.signal(self.number, signum))

    def end(self) -> None:
        """Kill it with all that it started."""
        _send(self._connection, self._calls.end(self.number))


@dataclass(frozen=True, slots=True)
class Sandbox:
    """An environment for code that nobody vouches for. Once it has ended, calls raise NotFound."""

    _connection: Connection
    id: str
    _options: Mapping[str, object] = field(default_factory=dict)

    @property
    def files(self) -> SandboxFiles:
        """What is in its workspace."""
        return SandboxFiles(self._connection, self._calls)

    def status(self) -> SandboxStatus:
        """How it stands."""
        return calls.status_of(_json(self._connection, self._calls.status()))

    def exec(
        self, what: Command | Sequence[str], *, timeout_seconds: float | None = None
    ) -> ExecResult:
        """Run a command to its end; a timeout is a result, and the sandbox stays usable."""
        return calls.result_of(_json(self._connection, self._calls.exec(what, timeout_seconds)))

    def exec_stream(
        self, what: Command | Sequence[str], *, timeout_seconds: float | None = None
    ) -> Iterator[Chunk | ExecResult]:
        """Its output as it comes, and its result last; leaving the loop ends the command."""
        call, hearing = self._calls.exec(what, timeout_seconds), Hearing()
        with self._connection.open(
            call.path,
            method=call.method,
            json=call.json,
            headers=calls.EVENT_STREAM,
            seconds=self._connection.patience.quiet_seconds,
        ) as response:
            for line in response.iter_lines():
                if (item := hearing.hear(line)) is not None:
                    yield item
        hearing.end()

    def start(
        self, what: Command | Sequence[str], *, timeout_seconds: float | None = None
    ) -> StartedCommand:
        """Start a command that runs beside others, such as a server."""
        told = _json(self._connection, self._calls.start(what, timeout_seconds))
        return StartedCommand(self._connection, self._calls, int(told["number"]))

    def request(
        self,
        port: int,
        path: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Ask an HTTP server in it; whatever status it answers with is given.

        Raises:
            Unavailable: nobody listens there yet, or it did not answer in time.
        """
        return self._connection.through(
            method, self._calls.server(port, path), headers=headers, content=content
        )

    def journal(self) -> Iterator[Mapping[str, Any]]:
        """What passed its way out so far or was refused, in order, each asked and answered."""
        after = 0
        while (told := _json(self._connection, self._calls.journal(after)))["entries"]:
            yield from told["entries"]
            after = told["next"]

    def spent(self) -> Mapping[str, int]:
        """What was used of its budget so far, by measure."""
        told = _json(self._connection, self._calls.journal(MOST_OFFSET))
        return cast("Mapping[str, int]", told["spent"])

    def expose(self, port: int) -> tuple[str, int]:
        """Host and port on the platform's own machine that lead to it; for operators."""
        told = _json(self._connection, self._calls.expose(port))
        return str(told["host"]), int(told["port"])

    def snapshot(self) -> str:
        """Keep its files as they are now; the name is an option of `create`."""
        return str(_json(self._connection, self._calls.snapshot())["snapshot"])

    def fork(self, **options: Unpack[SandboxOptions]) -> "Sandbox":
        """Another one that begins with its files, and is as it was asked to be, unless told."""
        if "snapshot" in options:
            raise InvalidInput("A fork begins with the files of its sandbox, not with a snapshot.")
        asked = calls.forked({**self._options, **options}, self.status())
        name = self.snapshot()
        try:
            return make(self._connection, {**asked, "snapshot": name}, asked)
        finally:
            _send(self._connection, calls.drop_snapshot(name))

    def pause(self) -> None:
        """Stop everything in it; deadlines go on."""
        _send(self._connection, self._calls.do("pause"))

    def resume(self) -> None:
        """Let it go on."""
        _send(self._connection, self._calls.do("resume"))

    def set_timeout(self, seconds: float) -> None:
        """End it that long from now."""
        _send(self._connection, self._calls.set_timeout(seconds))

    def events(self, after: int = 0) -> Sequence[SandboxEvent]:
        """What happened to it; the first says how each control holds."""
        told = _json(self._connection, self._calls.events(after))
        return [decode(SandboxEvent, one) for one in told["events"]]

    def kill(self) -> None:
        """End it with everything in it; nothing happens if it has ended."""
        _send(self._connection, self._calls.kill())

    def __enter__(self) -> Self:
        """The sandbox itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        with suppress(NotFound):  # it may have ended so long ago that nobody remembers it
            self.kill()

    @property
    def _calls(self) -> BoxCalls:
        return BoxCalls(self.id)


def make(
    connection: Connection,
    options: Mapping[str, object],
    remembered: Mapping[str, object] | None = None,
) -> Sandbox:
    """See `Sandboxes.create`; forks of it are asked to be as `remembered` says."""
    status = calls.status_of(_json(connection, calls.create(options)))
    return Sandbox(connection, status.id, dict(options if remembered is None else remembered))


def _json(connection: Connection, call: Call) -> calls.Reply:
    told: calls.Reply = _send(connection, call).json()
    return told


def _send(connection: Connection, call: Call) -> httpx.Response:
    content = call.content
    return connection.call(
        call.method,
        call.path,
        params=call.params,
        json=call.json,
        body=None if content is None else lambda: [content],
        headers=call.headers,
        quiet_seconds=call.quiet_seconds,
        once=call.once,
    )
