"""A test's process asks a model by itself, through a gateway of its host."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.scripted_provider import ScriptedProvider
from actors.specs.agent_desk import AgentDesk
from actors.specs.failure import StepFailed
from actors.workers.door import WorkerDoor
from actors.workers.worker_models import MOST_MODELS, WorkerModels
from harness.domain.account import Account, Budget, Measure
from harness.domain.agent_grant import AgentGrant, ModelSource
from harness.domain.browser import BrowserLease
from harness.domain.ids import Digest
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.script import Reply
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from harness.stores.file_artifacts import FileArtifacts
from tests.fakes.journal import FakeJournal

pytestmark = pytest.mark.process
KEY = "sk-canary-value-1"
ALL = Policy(models=NameSet.parse("*"))


@dataclass(slots=True)
class House:
    """A worker's host with one worker, w1."""

    models: WorkerModels
    desk: AgentDesk
    artifacts: FileArtifacts

    async def ask(self, model: str = "far/scripted/a") -> httpx.Response:
        """As a test's process does it."""
        path = await asyncio.to_thread(self.desk.model, model)
        way = httpx.AsyncHTTPTransport(uds=path)
        async with httpx.AsyncClient(transport=way, base_url="http://models/v1") as client:
            body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
            return await client.post("/chat/completions", json=body)

    async def entries(self) -> list[Mapping[str, Any]]:
        """Of the first journal, when the test has ended."""
        (ref, *_) = await self.models.taken("tests/7")
        assert ref.name == "tests/7/model-1/journal.jsonl"
        data = b"".join(self.artifacts.read(DEFAULT_SCOPE, Digest(ref.digest)))
        assert KEY.encode() not in data
        return [json.loads(line) for line in data.splitlines()]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as opened:
        far = socket.create_server(("127.0.0.1", 0))
        ledger = Ledger(Account(Budget()), SystemEntropy())
        script = ScriptedProvider([Reply("Hello.")] * 9)
        server = ModelGateway(ALL, ledger, {"scripted": script}, FakeJournal())
        await server.serve(far)
        opened.push_async_callback(server.close)
        url = f"http://127.0.0.1:{far.getsockname()[1]}/v1"
        policy = Policy(models=NameSet.parse(["far/*"]), budget=Budget({Measure.TURNS: 2}))
        grant = AgentGrant(policy, [ModelSource("far", url, KEY)], missing={"b": "No secret B."})

        async def granted(name: str) -> AgentGrant:
            assert name == "goal"
            return grant

        async def ask(wish: Mapping[str, Any]) -> BrowserLease:
            return BrowserLease()

        artifacts = FileArtifacts(tmp_path / "artifacts")
        models = WorkerModels(
            tmp_path, "w1", DEFAULT_SCOPE, granted, artifacts, 1 << 20, {}, SystemClock(),
            SystemEntropy(),
        )  # fmt: skip
        opened.push_async_callback(models.close)
        door = WorkerDoor(tmp_path / "door")
        await door.open()
        opened.push_async_callback(door.close)
        door.admit("w1", ask, None, models.lend)
        yield House(models, AgentDesk(str(door.path), "w1"), artifacts)
    left = set(await asyncio.to_thread(os.listdir, tmp_path))
    assert not {name for name in left if name.startswith(".model")}


async def test_a_model_is_asked_within_policy_and_budget_of_one_test(house: House) -> None:
    answers = [await house.ask() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert answers[0].json()["choices"][0]["message"]["content"] == "Hello."
    told = [entry["what"] for entry in await house.entries()]
    assert told == ["asked", "answered", "asked", "answered", "refused"]
    assert (await house.ask()).status_code == 200


async def test_what_policy_does_not_allow_is_refused_with_its_reason(house: House) -> None:
    refused = await house.ask("other/x")
    assert (refused.status_code, "no policy names it" in refused.text) == (403, True)
    with pytest.raises(StepFailed, match="is not a name"):
        await house.ask("no name")
    for number in range(MOST_MODELS - 1):
        await asyncio.to_thread(house.desk.model, f"far/{number}")
    with pytest.raises(StepFailed, match="A test can ask 8 models"):
        await asyncio.to_thread(house.desk.model, "far/one-more")
