"""Sandboxes over gRPC: who is let in, what is told, and what is refused."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from grpc import aio
from grpc_tools import protoc

from api.auth.certificates import Certificate, InstallationAuthority, principal_named
from api.grpc.gateway import PROBLEM, Gateway
from api.grpc.generated.ath.v1 import sandbox_pb2 as wire
from api.grpc.sandboxes import SandboxesService
from harness.domain.ids import ProjectId
from harness.domain.policy_version import TENANT
from harness.domain.principal import Principal, Role
from harness.domain.sandbox import Reason, SandboxRef
from harness.errors import Unauthenticated
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from tests.architecture.source import ROOT
from tests.unit.api.world import ANNA, OTHER, World, make_world

DAY = timedelta(days=1)
GENERATED = ROOT / "api" / "grpc" / "generated"


class ClockOf(SystemClock):
    """Another time."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> Any:
        return super().now() + self.ahead


@dataclass(frozen=True, slots=True)
class Door:
    """A gateway, and its clients."""

    world: World
    gateway: Gateway
    authority: InstallationAuthority

    def channel(self, who: Principal = ANNA, signer: InstallationAuthority | None = None) -> Any:
        return self.connected((signer or self.authority).client(who, DAY))

    def connected(self, mine: Certificate | None) -> Any:
        credentials = grpc.ssl_channel_credentials(
            self.authority.pem, mine.key if mine else None, mine.chain if mine else None
        )
        return aio.secure_channel(f"127.0.0.1:{self.gateway.port}", credentials)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    world, authority = make_world(tmp_path), InstallationAuthority.fresh(SystemClock())
    service = SandboxesService(world.services.sandboxes, 2 << 20)
    gateway = Gateway(service, authority, SystemEntropy(), 0)
    await gateway.start()
    yield Door(world, gateway, authority)
    await gateway.stop()


METHODS = wire.DESCRIPTOR.services_by_name["Sandboxes"].methods_by_name


async def ask(channel: Any, method: str, asked: Message) -> Any:
    told = getattr(wire, METHODS[method].output_type.name)
    call = channel.unary_unary(
        f"/ath.v1.Sandboxes/{method}",
        request_serializer=type(asked).SerializeToString,
        response_deserializer=told.FromString,
    )
    return await call(asked, timeout=10)


async def refused(channel: Any, method: str, asked: Message) -> tuple[grpc.StatusCode, Any]:
    with pytest.raises(aio.AioRpcError) as raised:
        await ask(channel, method, asked)
    trailers = dict(raised.value.trailing_metadata())
    return raised.value.code(), json.loads(trailers.get(PROBLEM, b"{}"))


def stream(channel: Any, id: str, *argv: str) -> Any:
    call = channel.unary_stream(
        "/ath.v1.Sandboxes/ExecStream",
        request_serializer=wire.ExecRequest.SerializeToString,
        response_deserializer=wire.Output.FromString,
    )
    return call(wire.ExecRequest(id=id, command=wire.Command(argv=argv)), timeout=10)


async def test_a_sandbox_is_used_from_begin_to_end(door: Door) -> None:
    async with door.channel() as channel:
        limits = wire.Limits(memory_bytes=64 << 20)
        box = await ask(channel, "Create", wire.CreateRequest(limits=limits))
        assert (box.tier, box.limits.memory_bytes, box.limits.processes) == (
            "namespace",
            64 << 20,
            128,
        )
        assert not box.HasField("reason")
        command = wire.Command(argv=["cat"], stdin=b"\xff\x00")
        result = await ask(channel, "Exec", wire.ExecRequest(id=box.id, command=command))
        assert (result.exit_code, result.reason, result.stdout) == (0, "exit", b"\xff\x00")
        assert not result.HasField("signal")
        items = [item async for item in stream(channel, box.id, "echo", "hi")]
        assert b"".join(item.stdout for item in items) == b"hi\n"
        assert items[-1].result.stdout == b"hi\n"
        write = wire.WriteRequest(id=box.id, path="a", data=b"kept")
        await ask(channel, "Write", write)
        assert (await ask(channel, "Read", wire.PathRequest(id=box.id, path="a"))).data == b"kept"
        folder = await ask(channel, "Entries", wire.PathRequest(id=box.id))
        assert [(one.name, one.size) for one in folder.entries] == [("a", 4)]
        shot = await ask(channel, "TakeSnapshot", wire.SandboxId(id=box.id))
        other = await ask(channel, "Create", wire.CreateRequest(snapshot=shot.name))
        await ask(channel, "Remove", wire.PathRequest(id=other.id, path="a"))
        kept = await ask(channel, "ListSnapshots", wire.Nothing())
        assert [(one.name, one.bytes) for one in kept.snapshots] == [(shot.name, 4)]
        await ask(channel, "DropSnapshot", shot)
        await ask(channel, "MakeFolder", wire.PathRequest(id=box.id, path="b"))
        for method in ("Pause", "Resume"):
            await ask(channel, method, wire.SandboxId(id=box.id))
        await ask(channel, "SetTimeout", wire.TimeoutRequest(id=box.id, seconds=60))
        (event,) = (await ask(channel, "Events", wire.EventsRequest(id=box.id))).events
        assert (event.kind, json.loads(event.facts_json)) == (
            "sandbox.started",
            {"tier": "namespace"},
        )
        await commands(channel, box.id)
        listed = await ask(channel, "List", wire.Nothing())
        assert [one.id for one in listed.sandboxes] == [box.id, other.id]
        await ask(channel, "Kill", wire.SandboxId(id=box.id))
        assert (await ask(channel, "Get", wire.SandboxId(id=box.id))).reason == "killed"


async def commands(channel: Any, id: str) -> None:
    started = await ask(
        channel, "Start", wire.ExecRequest(id=id, command=wire.Command(argv=["sleep"]))
    )
    wait = wire.WaitRequest(id=id, number=started.number, seconds=1)
    assert not (await ask(channel, "Wait", wait)).HasField("result")
    await ask(channel, "Signal", wire.SignalRequest(id=id, number=started.number, signal=10))
    await ask(channel, "End", started)
    assert (await ask(channel, "Wait", wait)).result.signal == 9


async def test_another_tenant_finds_nothing(door: Door) -> None:
    async with door.channel() as channel, door.channel(replace(ANNA, tenant=OTHER.tenant)) as other:
        box = await ask(channel, "Create", wire.CreateRequest())
        for method in METHODS:
            asked = getattr(wire, METHODS[method].input_type.name)()
            if hasattr(asked, "id") and method != "ExecStream":
                asked.id = box.id
                if hasattr(asked, "command"):
                    asked.command.argv.append("echo")
                if hasattr(asked, "signal"):
                    asked.signal = 15
                if method == "SetTimeout":
                    asked.seconds = 5
                code, _ = await refused(other, method, asked)
                assert code is grpc.StatusCode.NOT_FOUND, method
        with pytest.raises(aio.AioRpcError, match="NOT_FOUND"):
            await anext(aiter(stream(other, box.id, "echo")))
        assert list((await ask(other, "List", wire.Nothing())).sandboxes) == []
    status = door.world.node.rooms[SandboxRef(ANNA.tenant, box.id)].status
    assert status.reason is None


async def test_only_certificates_of_the_installation_are_let_in(door: Door) -> None:
    foreign = InstallationAuthority.fresh(SystemClock())
    stale = InstallationAuthority.of(ClockOf(timedelta(days=-9)), door.authority.saved)
    for channel in (
        door.connected(None),
        door.channel(signer=foreign),
        door.connected(stale.client(ANNA, DAY)),
    ):
        async with channel:
            code, _ = await refused(channel, "List", wire.Nothing())
            assert code is grpc.StatusCode.UNAVAILABLE
    insecure = aio.insecure_channel(f"127.0.0.1:{door.gateway.port}")
    async with insecure, door.connected(door.authority.server()) as server:
        assert (await refused(insecure, "List", wire.Nothing()))[0] is grpc.StatusCode.UNAVAILABLE
        code, _ = await refused(server, "List", wire.Nothing())
        assert code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED}


async def test_viewers_look_and_do_nothing(door: Door) -> None:
    async with door.channel(replace(ANNA, role=Role.VIEWER)) as channel:
        assert list((await ask(channel, "List", wire.Nothing())).sandboxes) == []
        code, told = await refused(channel, "Create", wire.CreateRequest())
    assert (code, told["code"]) == (grpc.StatusCode.PERMISSION_DENIED, "forbidden")


async def test_what_cannot_be_had_is_told_with_its_facts(door: Door) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    async with door.channel() as channel:
        box = await ask(channel, "Create", wire.CreateRequest())
        huge = wire.Limits(memory_bytes=1 << 50)
        for asked in (
            wire.CreateRequest(limits=huge),
            wire.CreateRequest(tier="strongest"),
            wire.CreateRequest(demands={"magic": "enforced"}),
            wire.CreateRequest(environ={"A=B": ""}),
            wire.CreateRequest(lifetime_seconds=float("nan")),
        ):
            assert (await refused(channel, "Create", asked))[0] is invalid
        code, told = await refused(
            channel, "Create", wire.CreateRequest(demands={"deadline": "enforced"})
        )
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert (told["missing"], told["fix"]) == (
            ["deadline (watchdog, not enforced)"],
            "Run as root.",
        )
        for method, asked_of_it in (
            ("Exec", wire.ExecRequest(id=box.id)),
            ("Wait", wire.WaitRequest(id=box.id, seconds=1e9)),
            ("Wait", wire.WaitRequest(id=box.id, seconds=float("nan"))),
            ("Signal", wire.SignalRequest(id=box.id, signal=1000)),
            ("Write", wire.WriteRequest(id=box.id, path="a", mode=0o4755)),
        ):
            assert (await refused(channel, method, asked_of_it))[0] is invalid, method
        up = wire.PathRequest(id=box.id, path="../x")
        assert (await refused(channel, "Read", up))[0] is grpc.StatusCode.PERMISSION_DENIED
        code, told = await refused(channel, "Read", wire.PathRequest(id=box.id, path="x" * 5000))
        assert (code, len(told["detail"])) == (grpc.StatusCode.NOT_FOUND, 1000)
        large = wire.WriteRequest(id=box.id, path="a", data=b"x" * ((2 << 20) + 1))
        assert (await refused(channel, "Write", large))[0] is grpc.StatusCode.OUT_OF_RANGE
        larger = wire.WriteRequest(id=box.id, path="a", data=b"x" * (4 << 20))
        assert (await refused(channel, "Write", larger))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        fail = wire.ExecRequest(id=box.id, command=wire.Command(argv=["fail"]))
        code, told = await refused(channel, "Exec", fail)
        assert (code, "secret" in str(told)) == (grpc.StatusCode.INTERNAL, False)


async def test_a_way_out_is_bounded_and_told(door: Door) -> None:
    async with door.channel() as channel:
        plain = await ask(channel, "Create", wire.CreateRequest())
        policies = door.world.services.policies
        operator = replace(ANNA, name="olga", role=Role.OPERATOR)
        policies.put(operator, TENANT, "{models: ['*']}")
        policy = wire.Door(policy="{models: ['a/*'], budget: {turns: 5}}")
        box = await ask(channel, "Create", wire.CreateRequest(door=policy))
        rooms = door.world.node.rooms
        assert rooms[SandboxRef(ANNA.tenant, plain.id)].door is None
        room = rooms[SandboxRef(ANNA.tenant, box.id)]
        assert room.door is not None
        assert room.door.policy.models.patterns == {"a/*"}
        room.journal = b'{"n":1}\n{"n"'
        told = await ask(channel, "ReadJournal", wire.JournalRequest(id=box.id))
        assert (told.lines, told.next, dict(told.spent)) == (b'{"n":1}\n', 8, {"turns": 2})
        for wrong in (wire.Door(policy="modells: []"), wire.Door(project="../x")):
            code, _ = await refused(channel, "Create", wire.CreateRequest(door=wrong))
            assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_who_cancels_a_stream_ends_the_command(door: Door) -> None:
    async with door.channel() as channel:
        box = await ask(channel, "Create", wire.CreateRequest())
        call = stream(channel, box.id, "yes")
        assert (await anext(aiter(call))).stdout == b"y\n"
        call.cancel()
        while not door.world.node.left:
            await ask(channel, "List", wire.Nothing())
        room = door.world.node.rooms[SandboxRef(ANNA.tenant, box.id)]
        assert room.status.reason is not Reason.KILLED


def test_an_authority_survives_being_saved() -> None:
    clock = SystemClock()
    first = InstallationAuthority.fresh(clock)
    again = InstallationAuthority.of(clock, first.saved)
    assert (again.pem, again.saved) == (first.pem, first.saved)


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["spiffe://ath/tenant/a/member"],
        ["spiffe://ath/tenant/a/king/b"],
        ["spiffe://other/tenant/a/member/b"],
        ["spiffe://ath/tenant/a/member/b", "spiffe://ath/tenant/c/member/b"],
        ["127.0.0.1"],
    ],
)
def test_a_certificate_that_names_nobody_is_refused(names: list[str]) -> None:
    with pytest.raises(Unauthenticated):
        principal_named(names)
    who = principal_named([*names[:0], "spiffe://ath/tenant/a/member/b%2Fc"])
    assert (who.tenant, who.role, who.name, who.projects) == ("a", Role.MEMBER, "b/c", ())
    assert who.may(Role.MEMBER, who.tenant, ProjectId("default"))


def test_what_protoc_makes_is_what_is_here(tmp_path: Path) -> None:
    words = [f"-I{ROOT / 'proto'}", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    assert protoc.main(["protoc", *words, "ath/v1/sandbox.proto"]) == 0
    for name in ("sandbox_pb2.py", "sandbox_pb2.pyi"):
        made = (tmp_path / "ath" / "v1" / name).read_text()
        assert made == (GENERATED / "ath" / "v1" / name).read_text(), "run: make proto"
