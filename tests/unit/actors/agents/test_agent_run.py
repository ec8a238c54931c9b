"""An agent's run that is cut short: nothing of it stays, and what it did is known."""

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.agents.agent_run import AgentRun
from actors.agents.agent_task import AgentTask
from harness.domain.account import Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.sandbox import Command, ExecResult, SandboxEvent, SandboxRef, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold

pytestmark = pytest.mark.anyio
REF = SandboxRef("tenant", "box")
LINE = (
    json.dumps({"n": 1, "what": "asked", "kind": "llm", "name": "a", "args": {}}).encode() + b"\n"
)


@dataclass(slots=True)
class EndlessHost:
    """A host whose sandboxes come when they are let, and whose commands never end."""

    may_come: asyncio.Event = field(default_factory=asyncio.Event)
    has_come: asyncio.Event = field(default_factory=asyncio.Event)
    runs: asyncio.Event = field(default_factory=asyncio.Event)
    told: bytes = b""
    killed: list[SandboxRef] = field(default_factory=list)

    async def create(
        self, spec: SandboxSpec, demands: Mapping[Control, Hold] | None = None
    ) -> SandboxRef:
        self.has_come.set()
        await self.may_come.wait()
        return REF

    async def events(self, ref: SandboxRef, after: int = 0) -> Sequence[SandboxEvent]:
        return [SandboxEvent(1, "sandbox.started", {"tier": "namespace"})]

    async def open_door(self, ref: SandboxRef, spec: DoorSpec) -> Mapping[str, str]:
        return {}

    async def fill(self, ref: SandboxRef, archive: bytes) -> int:
        return 0

    async def exec(self, ref: SandboxRef, command: Command) -> ExecResult:
        self.runs.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def read(self, ref: SandboxRef, path: str, most_bytes: int = 0) -> bytes:
        return b""

    async def journal(self, ref: SandboxRef, offset: int, most_bytes: int = 0) -> bytes:
        assert not self.killed, "its journal goes with it"
        return self.told[offset:]

    async def spent(self, ref: SandboxRef) -> Mapping[Measure, int]:
        return {}

    async def kill(self, ref: SandboxRef) -> None:
        self.killed.append(ref)


def begun(host: EndlessHost, heard: list[Mapping[str, Any]]) -> "asyncio.Task[Any]":
    task = AgentTask("tenant", "", ["agent"], DoorSpec())
    return asyncio.create_task(AgentRun(task, host, io.BytesIO(), heard.append).run())


async def test_its_last_words_are_heard_before_its_sandbox_goes() -> None:
    host, heard = EndlessHost(), list[Mapping[str, Any]]()
    host.may_come.set()
    running = begun(host, heard)
    await host.runs.wait()
    host.told = LINE
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert [entry["name"] for entry in heard] == ["a"]
    assert host.killed == [REF]


async def test_a_sandbox_that_comes_too_late_is_ended() -> None:
    host = EndlessHost()
    running = begun(host, [])
    await host.has_come.wait()
    running.cancel()
    await asyncio.sleep(0)
    host.may_come.set()
    await asyncio.wait([running])
    assert running.cancelled()
    assert host.killed == [REF]
