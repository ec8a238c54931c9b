"""What programs in a sandbox reach through its door, and what stands in the journal then."""

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from actors.broker.door import MODEL_PORT, PROXY_PORT, BrokerDoorway
from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from harness.domain.account import Budget, Measure
from harness.domain.agent_grant import ModelSource
from harness.domain.door_spec import DoorSpec
from harness.domain.host_rule import HostRule
from harness.domain.http_secret import HttpSecret
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkPolicy
from harness.domain.policy import Policy
from harness.domain.sandbox import Command, SandboxRef, SandboxSpec
from harness.domain.script import Reply
from harness.errors import Conflict, Forbidden, TierUnavailable, Unavailable
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from tests.support.runsc import gvisor_host

pytestmark = pytest.mark.process
ASK = """
import json, os, urllib.error, urllib.request
body = json.dumps({"model": %r, "messages": [{"role": "user", "content": "Hi"}]}).encode()
request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body)
try:
    print(json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"])
except urllib.error.HTTPError as failed:
    print(failed.code, json.load(failed)["error"]["message"])
"""
FETCH = """
import urllib.error, urllib.request
urllib.request.proxy_bypass = lambda host: False  # `no_proxy` names loopback
try:
    print(urllib.request.urlopen(%r).read().decode())
except urllib.error.HTTPError as failed:
    print(failed.code, failed.read().decode())
"""


@pytest.fixture(params=["namespace", pytest.param("gvisor", marks=pytest.mark.long)])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SandboxHost]:
    doorway = BrokerDoorway(SystemClock(), SystemEntropy())
    snapshots = Snapshots(tmp_path / "snapshots")
    kind = SandboxHost if request.param == "namespace" else gvisor_host
    made = kind(SystemEntropy(), tmp_path / "scratch", snapshots, doorway)
    try:
        await made.kill(await made.create(SandboxSpec("tenant")))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def server(answer: bytes) -> AsyncIterator[int]:
    """One that says the same to everybody."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        writer.close()

    made = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with made:
        yield made.sockets[0].getsockname()[1]


async def behind(host: SandboxHost, policy: Policy, **more: Any) -> SandboxRef:
    ref = await host.create(SandboxSpec("tenant"))
    await host.open_door(ref, DoorSpec(policy, **more))
    return ref


async def said(host: SandboxHost, ref: SandboxRef, code: str) -> str:
    result = await host.exec(ref, Command(code=code, timeout_seconds=20))
    assert result.ok, result.stderr.decode()
    return result.stdout.decode().strip()


async def journal(host: SandboxHost, ref: SandboxRef) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in (await host.journal(ref, 0)).splitlines()]


def allowing(*hosts: str, **more: Any) -> Policy:
    return Policy(NetworkPolicy.allowing(HostRule.written(each) for each in hosts), **more)


async def test_a_model_is_asked_and_paid(host: SandboxHost) -> None:
    policy = Policy(models=NameSet.parse(["scripted/*"]), budget=Budget({Measure.TURNS: 1}))
    ref = await behind(host, policy, script=[Reply("Hello."), Reply("Again.")])
    assert await said(host, ref, ASK % "scripted/a") == "Hello."
    assert "0 of 1 turns left" in await said(host, ref, ASK % "scripted/a")
    assert "no policy names it" in await said(host, ref, ASK % "openai/gpt")
    asked, answered, spent, other = await journal(host, ref)
    assert (asked["kind"], asked["name"], asked["args"]["messages"][0]["content"]) == (
        "llm", "scripted/a", "Hi"
    )  # fmt: skip
    assert answered["result"]["choices"] == [{"content": "Hello.", "finish": "stop"}]
    assert (spent["what"], spent["denial"]) == ("refused", "budget")
    assert (other["what"], other["denial"]) == ("refused", "model")
    assert (await host.spent(ref))[Measure.TURNS] == 1


async def test_only_what_is_listed_is_reached(host: SandboxHost) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere"
    async with server(answer) as open_port, server(answer) as closed_port:
        ref = await behind(host, allowing(f"127.0.0.1:{open_port}"))
        assert await said(host, ref, FETCH % f"http://127.0.0.1:{open_port}/a") == "here"
        told = await said(host, ref, FETCH % f"http://127.0.0.1:{closed_port}/b")
        assert told.startswith("403 ")
    asked, answered, refused = await journal(host, ref)
    assert (asked["kind"], asked["name"]) == ("http", f"GET 127.0.0.1:{open_port}")
    assert (answered["n"], answered["result"]["status"]) == (asked["n"], 200)
    assert (refused["what"], refused["denial"]) == ("refused", "port")


async def test_a_database_client_reaches_its_host_as_one_of_its_own(host: SandboxHost) -> None:
    async with server(b"welcome") as port:
        ref = await behind(host, allowing(f"127.0.0.1:{port}"))
        code = f"""
import json, os, socket
place, _, port = json.loads(os.environ["ATH_FORWARDS"])["127.0.0.1:{port}"].partition(":")
end = socket.create_connection((place, int(port)))
end.sendall(b"?")
print(end.recv(99).decode())
"""
        assert await said(host, ref, code) == "welcome"
        await asyncio.sleep(0.1)
    asked, answered = await journal(host, ref)
    assert (asked["kind"], answered["result"]["bytes_in"]) == ("tcp", 7)


async def test_without_rules_the_proxy_refuses_and_tells(host: SandboxHost) -> None:
    ref = await behind(host, Policy())
    assert (await said(host, ref, FETCH % "http://169.254.169.254/latest")).startswith("403")
    (refused,) = await journal(host, ref)
    assert (refused["denial"], refused["args"]["host"]) == ("network", "169.254.169.254")


async def test_keys_and_secrets_stay_outside_and_out_of_the_journal(host: SandboxHost) -> None:
    answer = b'HTTP/1.1 401 No\r\nContent-Type: application/json\r\n\r\n{"error": "sk-canary-1"}'
    async with server(answer) as port:
        source = ModelSource("far", f"http://127.0.0.1:{port}/v1", "sk-canary-1")
        policy = Policy(models=NameSet.parse(["*"]))
        ref = await behind(host, policy, sources=[source], secrets={"CANARY": "canary-2-value"})
        await host.exec(ref, Command(code=(ASK % "far/a").replace("Hi", "canary-2-value")))
        found = await said(host, ref, "import os; print(dict(os.environ))")
    told = json.dumps([await journal(host, ref), found])
    assert "canary" not in told
    assert "far/a" in told


async def test_a_sandbox_has_one_door_and_no_machine_network(host: SandboxHost) -> None:
    ref = await behind(host, Policy())
    with pytest.raises(Conflict):
        await host.open_door(ref, DoorSpec())
    other = await host.create(SandboxSpec("tenant"))
    with pytest.raises(Forbidden, match=r"network\.allow"):
        await host.open_door(other, DoorSpec(Policy(NetworkPolicy.host())))
    assert await host.open_door(other, DoorSpec())


async def test_the_door_closes_with_its_sandbox(host: SandboxHost) -> None:
    ref = await behind(host, Policy())
    path = host.scratch / "journals" / ref.id
    assert path.exists()
    await host.kill(ref)
    assert not path.exists()
    assert await host.journal(ref, 0) == b""


async def test_a_host_without_a_doorway_says_so(tmp_path: Path) -> None:
    made = SandboxHost(SystemEntropy(), tmp_path / "scratch", Snapshots(tmp_path / "snapshots"))
    try:
        ref = await made.create(SandboxSpec("tenant"))
        with pytest.raises(Unavailable, match="no way out"):
            await made.open_door(ref, DoorSpec())
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    finally:
        await made.close()


async def test_nothing_else_listens_or_leads_out(host: SandboxHost) -> None:
    ref = await behind(host, Policy())
    code = """
import socket
for port in (%d, %d):
    socket.create_connection(("127.0.0.1", port)).close()
for place in (("127.0.0.1", %d), ("1.1.1.1", 443)):
    try:
        socket.create_connection(place, 1)
        print("reached", place)
    except OSError:
        pass
"""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        assert await said(host, ref, code % (PROXY_PORT, MODEL_PORT, port)) == ""


CANARY = "canary-4711-secret"
LOOK = """
import os
places = ["/proc/self/environ", "/proc/1/environ", "/workspace", "/tmp", "/etc"]
for place in places:
    for folder, _, names in os.walk(place) if os.path.isdir(place) else [("", [], [place])]:
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as file:
                    found = file.read(1 << 20)
            except OSError:
                continue
            assert b"canary" not in found, name
"""


async def test_a_secret_reaches_its_host_and_nobody_in_the_sandbox(
    host: SandboxHost, tmp_path: Path
) -> None:
    heard: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        body = heard[-1] + base64.b64encode(heard[-1]) + heard[-1].hex().encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    rule = HostRule.written(f"localhost:{port}")
    secret = HttpSecret.of(rule, "Authorization", "Bearer ${TOKEN}")
    policy = Policy(NetworkPolicy.allowing([rule], [secret]))
    async with server:
        ref = await behind(host, policy, secrets={"TOKEN": CANARY})
        told = await said(host, ref, FETCH % f"http://localhost:{port}/a")
        await said(host, ref, LOOK)
    assert f"Authorization: Bearer {CANARY}".encode() in heard[0]
    assert "Bearer \u2039secret TOKEN\u203a" in told
    seen = [told.encode(), await host.journal(ref, 0), repr(await host.events(ref)).encode()]
    seen += written(tmp_path)
    value = CANARY.encode()
    for form in (value, base64.b64encode(value)[:-4], value.hex().encode()):
        assert not any(form in each for each in seen)


def written(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
