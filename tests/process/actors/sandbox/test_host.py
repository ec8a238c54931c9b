import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from actors.sandbox.warm import WarmLimits
from harness.domain.sandbox import Bind, Command, Limits, Reason, SandboxRef, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.domain.sandbox_visit import Visit
from harness.errors import (
    HarnessError,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    TierUnavailable,
    TooLarge,
    Unavailable,
)
from tests.fakes.entropy import FakeEntropy

pytestmark = pytest.mark.process
SPEC = SandboxSpec("tenant")
SERVE = """
import http.server
open("page", "w").write("hello")
server = http.server.HTTPServer(("127.0.0.1", 8000), http.server.SimpleHTTPRequestHandler)
open("up", "w").close()
server.serve_forever()
"""

ANSWER = """
import socket
server = socket.create_server(("127.0.0.1", 8000))
open("up", "w").close()
while True:
    with server.accept()[0] as connection:
        connection.recv(10000)
        connection.sendall(open("answer", "rb").read())
"""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SandboxHost]:
    made = SandboxHost(
        FakeEntropy(),
        tmp_path / "scratch",
        Snapshots(tmp_path / "snapshots"),
        most_sandboxes=4,
        most_per_tenant=2,
        warm=WarmLimits(spares=1, templates=2),
    )
    try:
        await made.kill(await made.create(SPEC))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    yield made
    await made.close()


def shell(text: str) -> Command:
    return Command(argv=["sh", "-c", text])


async def said(host: SandboxHost, ref: SandboxRef, text: str) -> str:
    return (await host.exec(ref, shell(text))).stdout.decode()


async def test_its_first_event_says_which_controls_hold(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    (first,) = await host.events(ref)
    assert (first.seq, first.kind, first.facts["tier"]) == (1, "sandbox.started", "namespace")
    assert set(first.facts["controls"]) == {str(one) for one in Control}  # type: ignore[call-overload]  # facts are objects


async def test_a_used_sandbox_is_never_given_again(host: SandboxHost) -> None:
    seen = []
    for _ in range(5):
        ref = await host.create(SPEC)
        seen.append(await said(host, ref, "ls -A . /tmp /dev/shm; touch used /tmp/used"))
        await host.kill(ref)
    assert set(seen) == {".:\n\n/dev/shm:\n\n/tmp:\n"}


async def test_what_a_spec_says_holds_in_a_spare_one(host: SandboxHost) -> None:
    for name in ("one", "two"):
        ref = await host.create(replace(SPEC, environ={"NAME": name}))
        assert await said(host, ref, "echo $NAME") == f"{name}\n"
        await host.kill(ref)
    ref = await host.create(replace(SPEC, lifetime_seconds=0.3))
    result = await host.exec(ref, shell("sleep 60"))
    assert result.reason is Reason.TIMEOUT
    with pytest.raises(NotFound, match="has ended"):
        await host.exec(ref, shell("true"))
    assert (await host.events(ref))[-1].facts == {"reason": "timeout"}


async def test_spares_of_other_limits_make_room(host: SandboxHost) -> None:
    assert host._pool is not None
    for files in range(300, 306):
        ref = await host.create(replace(SPEC, limits=Limits(open_files=files)))
        assert await said(host, ref, "ulimit -n") == f"{files}\n"
        await host.kill(ref)
    kept = [one for nursery in host._pool._nurseries.values() for one in nursery.spares]
    assert len(kept) <= 1


async def test_quotas_hold_for_a_tenant_and_for_all(host: SandboxHost) -> None:
    refs = [await host.create(SPEC) for _ in range(2)]
    with pytest.raises(QuotaExceeded):
        await host.create(SPEC)
    refs += [await host.create(SandboxSpec("other")) for _ in range(2)]
    with pytest.raises(QuotaExceeded):
        await host.create(SandboxSpec("third"))
    await host.kill(refs[0])
    await host.create(SPEC)


async def test_an_idle_tenants_template_makes_room(host: SandboxHost) -> None:
    for number in range(5):
        ref = await host.create(SandboxSpec(f"tenant{number}"))
        assert await said(host, ref, "echo here") == "here\n"
        await host.kill(ref)


async def test_another_tenant_finds_nothing(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    stranger = SandboxRef("other", ref.id)
    for call in (
        host.exec(stranger, shell("true")),
        host.read(stranger, "f"),
        host.events(stranger),
        host.kill(stranger),
    ):
        with pytest.raises(NotFound):
            await call


async def test_what_is_demanded_and_missing_is_refused(host: SandboxHost) -> None:
    ref = await host.create(SPEC, {Control.NETWORK: Hold.ENFORCED})
    await host.kill(ref)
    with pytest.raises(TierUnavailable, match="deadline"):
        await host.create(SPEC, {Control.DEADLINE: Hold.ENFORCED})


async def test_a_snapshot_begins_others(host: SandboxHost) -> None:
    first = await host.create(SPEC)
    await host.make_folder(first, "a")
    await host.write(first, "a/file", b"kept")
    name = await host.snapshot(first)
    await host.write(first, "a/file", b"changed")
    second = await host.create(SPEC, snapshot=name)
    assert await host.read(second, "a/file") == b"kept"
    assert [one.name for one in await host.entries(second, "a")] == ["file"]
    await host.kill(second)
    with pytest.raises(NotFound, match="snapshot"):
        await host.create(SandboxSpec("other"), snapshot=name)
    assert [one.name for one in await host.kept("tenant")] == [name]
    assert await host.kept("other") == []
    await host.drop_snapshot("tenant", name)
    assert await host.kept("tenant") == []
    with pytest.raises(NotFound, match="snapshot"):
        await host.create(SPEC, snapshot=name)


async def test_started_commands_are_waited_for_and_ended(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    number = await host.start(ref, shell("trap 'echo caught; exit 4' TERM; touch up; sleep 60"))
    await host.exec(ref, shell("while [ ! -e up ]; do sleep 0.01; done"))
    assert await host.wait(ref, number, 0.01) is None
    await host.signal(ref, number, 15)
    result = await host.wait(ref, number, 30)
    assert result is not None
    assert (result.exit_code, result.stdout) == (4, b"caught\n")
    with pytest.raises(NotFound):
        await host.wait(ref, number, 30)
    number = await host.start(ref, shell("sleep 60"))
    await host.end(ref, number)
    ended = await host.wait(ref, number, 30)
    assert ended is not None
    assert ended.reason is Reason.KILLED


async def test_an_exposed_server_is_reached(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    await host.start(ref, Command(code=SERVE))
    await host.exec(ref, shell("while [ ! -e up ]; do sleep 0.01; done"))
    port = await host.expose(ref, 8000)
    assert await host.expose(ref, 8000) == port
    assert (await get(port)).endswith(b"\r\n\r\nhello")
    await host.kill(ref)
    with pytest.raises(ConnectionRefusedError):
        await get(port)


async def get(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /page HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_descriptors_and_bad_binds_are_refused(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    with pytest.raises(InvalidInput, match="descriptors"):
        await host.exec(ref, Command(argv=["true"], fds={3: 1}))
    with pytest.raises(HarnessError, match="bound"):
        await host.create(replace(SPEC, binds=[Bind("/usr", "/proc")]))


async def test_each_tier_is_had_by_name_alone(host: SandboxHost) -> None:
    ref = await host.create(SPEC, tier=Tier.PROCESS)
    assert (await host.events(ref))[0].facts["tier"] == "process"
    await host.write(ref, "f", b"x")
    assert await said(host, ref, "cat f") == "x"
    name = await host.snapshot(ref)
    other = await host.create(SPEC, snapshot=name, tier=Tier.NAMESPACE)
    assert await said(host, other, "cat f") == "x"
    await host.kill(ref)
    await host.kill(other)
    with pytest.raises(TierUnavailable, match="own_user"):
        await host.create(SPEC, {Control.OWN_USER: Hold.ENFORCED}, tier=Tier.PROCESS)
    host.runsc = "no-such-runsc"
    for tier, reason in ((Tier.VM, "virtual machines"), (Tier.GVISOR, "no-such-runsc")):
        with pytest.raises(TierUnavailable, match=reason):
            await host.create(SPEC, tier=tier)
    with pytest.raises(InvalidInput, match="strangers"):
        await host.create(SPEC, tier=Tier.NONE)


async def test_a_template_that_died_is_replaced(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    assert host._pool is not None
    for nursery in host._pool._nurseries.values():
        nursery.template.close()
    await host.kill(ref)
    assert await said(host, await host.create(SPEC), "echo again") == "again\n"


async def test_a_server_inside_is_asked_without_a_port_outside(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    with pytest.raises(Unavailable, match="Port 8000"):
        await host.visit(ref, 8000, Visit("GET", "/page"))
    await host.start(ref, Command(code=SERVE))
    await host.exec(ref, shell("while [ ! -e up ]; do sleep 0.01; done"))
    answer = await host.visit(ref, 8000, Visit("GET", "/page?x=1", [("X", "ü")]))
    assert (answer.status, answer.body) == (200, b"hello")
    assert (await host.visit(ref, 8000, Visit("HEAD", "/page"))).body == b""
    assert (await host.visit(ref, 8000, Visit("POST", "/page", body=b"x"))).status == 501
    for wrong in ("a\r\nX: y", "漢"):
        with pytest.raises(InvalidInput, match="header"):
            await host.visit(ref, 8000, Visit("GET", "/page", [("X", wrong)]))
    with pytest.raises(InvalidInput):
        await host.visit(ref, 8000, Visit("GET", "/a b\r\nX: y"))


@pytest.mark.parametrize(
    "answer",
    [
        b"no http",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    ],
)
async def test_a_server_inside_that_speaks_no_http_is_refused(
    host: SandboxHost, answer: bytes
) -> None:
    ref = await host.create(SPEC)
    await host.write(ref, "answer", answer)
    await host.start(ref, Command(code=ANSWER))
    await host.exec(ref, shell("while [ ! -e up ]; do sleep 0.01; done"))
    with pytest.raises(Unavailable, match="Port 8000"):
        await host.visit(ref, 8000, Visit("GET", "/"))


async def test_a_server_inside_that_never_stops_is_cut(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    await host.write(ref, "answer", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (17 << 20))
    await host.start(ref, Command(code=ANSWER))
    await host.exec(ref, shell("while [ ! -e up ]; do sleep 0.01; done"))
    with pytest.raises(TooLarge):
        await host.visit(ref, 8000, Visit("GET", "/"))


async def test_statuses_tell_what_lives_and_why_it_ended(host: SandboxHost) -> None:
    ref = await host.create(replace(SPEC, lifetime_seconds=60))
    (status,) = await host.statuses("tenant")
    assert (status.id, status.tier, status.limits) == (ref.id, Tier.NAMESPACE, SPEC.limits)
    assert (status.ends_at - status.created_at).total_seconds() == 60
    await host.pause(ref)
    assert (await host.status(ref)).is_paused
    await host.snapshot(ref)
    assert (await host.status(ref)).is_paused
    await host.resume(ref)
    await host.kill(ref)
    assert await host.statuses("tenant") == []
    assert (await host.status(ref)).reason is Reason.KILLED


async def test_a_quota_is_the_tenants_own(host: SandboxHost) -> None:
    with pytest.raises(QuotaExceeded, match="may have 0"):
        await host.create(SPEC, most=0)
    await host.create(SPEC, most=1)
    with pytest.raises(QuotaExceeded, match="may have 1"):
        await host.create(SPEC, most=1)
    await host.create(SandboxSpec("other"), most=1)


async def test_who_stops_listening_ends_the_command(host: SandboxHost) -> None:
    ref = await host.create(SPEC)
    async for _ in (items := host.exec_stream(ref, shell("echo $$ >pid; yes"))):
        break
    await items.aclose()
    gone = shell('while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.01; done')
    assert (await host.exec(ref, gone)).ok
