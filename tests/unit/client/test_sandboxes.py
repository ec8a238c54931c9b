"""Sandboxes with the SDK, for both kinds of programs, against a real server."""

from collections.abc import Callable
from contextlib import aclosing

import httpx
import pytest

from harness.client import AsyncClient, Client
from harness.client.connection import Patience
from harness.domain.sandbox import Chunk, Command, ExecResult, Limits, Reason, SandboxRef
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.domain.sandbox_visit import Visited
from harness.errors import (
    Forbidden,
    HarnessError,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    TierUnavailable,
    Unavailable,
)
from tests.unit.api.world import ANNA, World

SMALL = Limits(memory_bytes=64 << 20, cpus=0.5)


def test_sandbox_lives_as_long_as_its_block(client: Client) -> None:
    with client.sandbox(limits=SMALL, lifetime_seconds=60) as box:
        assert box.exec(["echo", "grün"]).stdout == "grün\n".encode()
        (listed,) = client.sandboxes.list()
        assert listed == box.status()
        assert (listed.id, listed.limits, listed.tier) == (box.id, SMALL, Tier.NAMESPACE)
        assert client.sandboxes.get(box.id).events()[0].kind == "sandbox.started"
    assert client.sandboxes.list() == []
    assert box.status().reason is Reason.KILLED
    box.kill()
    with pytest.raises(NotFound, match="has ended"):
        box.exec(["echo"])


def test_commands_tell_how_they_ended(client: Client) -> None:
    with client.sandbox() as box:
        failed = box.exec(["exit", "3"])
        late = box.exec(["sleep"], timeout_seconds=0.5)
        given = box.exec(Command(argv=["cat"], stdin=b"\xff\x00"))
        assert (failed.exit_code, failed.ok) == (3, False)
        assert (late.reason, late.signal, late.stdout) == (Reason.TIMEOUT, 9, b"so far\n")
        assert (given.stdout, given.usage.cpu_seconds) == (b"\xff\x00", 0.125)
        with pytest.raises(InvalidInput, match="timeout_seconds"):
            box.exec(["echo"], timeout_seconds=1e9)
        with pytest.raises(InvalidInput, match="argv or code"):
            box.exec([])


def test_output_is_heard_as_it_comes(client: Client, world: World) -> None:
    with client.sandbox() as box:
        items = list(box.exec_stream(["echo", "grün"]))
        assert b"".join(one.data for one in items if isinstance(one, Chunk)) == "grün\n".encode()
        assert isinstance(items[-1], ExecResult)
        for _ in box.exec_stream(["yes"]):
            break
        while not world.node.left:
            client.is_ready()
        with pytest.raises(HarnessError, match="operator finds the cause"):
            list(box.exec_stream(["fail"]))
        with pytest.raises(NotFound):
            list(client.sandboxes.get("nobody").exec_stream(["echo"]))


def test_commands_run_beside_others(client: Client) -> None:
    with client.sandbox() as box:
        echo, sleep = box.start(["echo", "hi"]), box.start(["sleep"])
        told = echo.wait()
        assert told is not None
        assert told.stdout == b"hi\n"
        assert sleep.wait(0) is None
        sleep.signal(10)
        ended = sleep.wait()
        assert ended is not None
        assert ended.signal == 10
        with pytest.raises(NotFound):
            sleep.end()


def test_files_come_and_go(client: Client) -> None:
    with client.sandbox() as box:
        box.files.make_folder("a")
        box.files.write("ä b?&#%", "text")
        box.files.write("bytes", b"\x00\xff")
        assert [(one.name, one.size) for one in box.files.list()] == [("bytes", 2), ("ä b?&#%", 4)]
        assert (box.files.read("ä b?&#%"), box.files.read("bytes")) == (b"text", b"\x00\xff")
        box.files.remove("bytes")
        with pytest.raises(NotFound):
            box.files.read("bytes")
        for path in ("../x", "/etc/passwd"):
            with pytest.raises(Forbidden):
                box.files.read(path)


def test_a_fork_begins_with_the_files_and_is_alike(client: Client, world: World) -> None:
    with client.sandbox(limits=SMALL, environ={"A": "b"}) as box:
        box.files.write("a", "kept")
        with box.fork() as fork, client.sandboxes.get(box.id).fork() as other:
            for one in (fork, other):
                assert (one.files.read("a"), one.status().limits) == (b"kept", SMALL)
            made = world.node.rooms[SandboxRef(ANNA.tenant, fork.id)].spec
            assert made.environ == {"A": "b"}
        assert world.node.snapshots == {}
        name = box.snapshot()
        assert [(one.name, one.bytes) for one in client.sandboxes.snapshots()] == [(name, 4)]
        with client.sandbox(snapshot=name) as begun:
            assert begun.files.read("a") == b"kept"
        client.sandboxes.drop_snapshot(name)
        with pytest.raises(NotFound):
            client.sandbox(snapshot=name)


def test_sandbox_is_paused_and_given_time(client: Client) -> None:
    with client.sandbox() as box:
        box.pause()
        assert box.status().is_paused
        box.resume()
        assert not box.status().is_paused
        before = box.status().ends_at
        box.set_timeout(7200)
        assert box.status().ends_at > before
        with pytest.raises(Forbidden):
            box.expose(80)


def test_a_server_inside_is_asked_whatever_it_answers(client: Client, world: World) -> None:
    with client.sandbox() as box:
        with pytest.raises(Unavailable, match="Port 8000"):
            box.request(8000)
        room = world.node.rooms[SandboxRef(ANNA.tenant, box.id)]
        room.servers[8000] = Visited(404, [("Content-Type", "application/problem+json")], b"{}")
        answer = box.request(8000, "/a?b=c", method="POST", content=b"body")
        assert (answer.status_code, answer.content) == (404, b"{}")
        assert (room.visits[0].target, room.visits[0].body) == ("/a?b=c", b"body")
    with pytest.raises(NotFound, match="has ended"):
        box.request(8000)


def test_what_cannot_be_had_says_what_is_missing_and_why(client: Client) -> None:
    with pytest.raises(TierUnavailable) as raised:
        client.sandbox(demands={Control.DEADLINE: Hold.ENFORCED})
    assert raised.value.missing == ("deadline (watchdog, not enforced)",)
    assert (raised.value.reason, raised.value.fix) == (
        "No cgroup can be made here.",
        "Run as root.",
    )
    for _ in range(3):
        client.sandbox()
    with pytest.raises(QuotaExceeded):
        client.sandbox()


@pytest.mark.anyio
async def test_asynchronous_programs_do_the_same(world: World) -> None:
    with world.serving() as url:
        async with AsyncClient(url, world.member) as client:
            async with client.sandbox(limits=SMALL) as box:
                await use(client, box.id)
                async with await box.fork() as fork:
                    assert await fork.files.read("a") == b"kept"
                with pytest.raises(TierUnavailable):
                    await client.sandboxes.create(demands={Control.DEADLINE: Hold.ENFORCED})
                async with aclosing(box.exec_stream(["yes"])) as items:
                    async for _ in items:
                        break
            assert await client.sandboxes.list() == []
            assert (await box.status()).reason is Reason.KILLED
            while not world.node.left:
                await client.sandboxes.list()


async def use(client: AsyncClient, id: str) -> None:
    box = client.sandboxes.get(id)
    assert (await box.exec(["echo", "hi"], timeout_seconds=5)).stdout == b"hi\n"
    items = [item async for item in box.exec_stream(["echo", "a"])]
    assert [one for one in items if isinstance(one, Chunk)] == [Chunk("stdout", b"a\n")]
    assert isinstance(items[-1], ExecResult)
    await box.files.make_folder("x")
    await box.files.write("a", "kept")
    await box.files.write("b", b"gone")
    await box.files.remove("b")
    assert [one.name for one in await box.files.list()] == ["a"]
    started = await box.start(["sleep"])
    assert await started.wait(0) is None
    await started.signal(10)
    await started.end()
    ended = await started.wait()
    assert ended is not None
    assert ended.signal == 9
    await box.pause()
    await box.resume()
    await box.set_timeout(60)
    name = await box.snapshot()
    assert [one.name for one in await client.sandboxes.snapshots()] == [name]
    await client.sandboxes.drop_snapshot(name)
    assert [one.kind for one in await box.events()] == ["sandbox.started"]
    with pytest.raises(Unavailable):
        await box.request(8000)
    with pytest.raises(Forbidden):
        await box.expose(8000)


class Broken:
    """A network that breaks in one way, some times, and counts what is sent."""

    def __init__(self, trouble: type[httpx.TransportError], times: int) -> None:
        self.trouble, self.times, self.sent = trouble, times, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        if self.sent <= self.times:
            raise self.trouble("broken", request=request)
        return httpx.Response(200, json=STATUS if request.url.path == "/v1/sandboxes" else RESULT)


STATUS = {
    "id": "a",
    "tier": "namespace",
    "limits": {},
    "created_at": "2026-01-01T00:00:00Z",
    "ends_at": "2026-01-01T00:00:00Z",
}
RESULT: dict[str, object] = {
    "exit_code": 0,
    "signal": None,
    "reason": "exit",
    "stdout": "",
    "stderr": "",
    "usage": {},
    "stdout_encoding": "text",
    "stderr_encoding": "text",
    "stdout_dropped": 0,
    "stderr_dropped": 0,
}


@pytest.mark.parametrize(
    "call", [lambda c: c.sandbox(), lambda c: c.sandboxes.get("a").exec(["x"])]
)
def test_nothing_is_done_twice(call: Callable[[Client], object]) -> None:
    patience = Patience(call_seconds=1)
    lost = Broken(httpx.ReadError, 1)
    with (
        Client("http://api", "k", patience=patience, transport=httpx.MockTransport(lost)) as client,
        pytest.raises(Unavailable),
    ):
        call(client)
    assert lost.sent == 1
    refused = Broken(httpx.ConnectError, 1)
    with Client(
        "http://api", "k", patience=patience, transport=httpx.MockTransport(refused)
    ) as client:
        call(client)
    assert refused.sent == 2


@pytest.mark.anyio
async def test_nothing_is_done_twice_in_asynchronous_programs() -> None:
    patience = Patience(call_seconds=1)
    lost, refused = Broken(httpx.ReadError, 1), Broken(httpx.ConnectError, 1)
    for network in (lost, refused):
        transport = httpx.MockTransport(network)
        async with AsyncClient("http://api", "k", patience=patience, transport=transport) as client:
            if network is lost:
                with pytest.raises(Unavailable):
                    await client.sandboxes.create()
            else:
                await client.sandboxes.create()
    assert (lost.sent, refused.sent) == (1, 2)
