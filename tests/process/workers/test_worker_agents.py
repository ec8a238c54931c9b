"""A test's process asks its host for an agent, over the door that it has."""

import asyncio
import io
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actors.agents.agent_wish import AgentWish, Turn
from actors.broker.door import BrokerDoorway
from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from actors.specs.agent_desk import AgentAnswer, AgentDesk, packed
from actors.specs.failure import StepFailed
from actors.workers.door import WorkerDoor
from actors.workers.worker_agents import WorkerAgents
from harness.domain.agent_grant import AgentGrant
from harness.domain.browser import BrowserLease
from harness.domain.ids import AttemptId, Digest
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.sandbox import SandboxSpec
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import TierUnavailable
from harness.events.facts import AgentFinished, AgentStarted, Fact, PolicyDenied
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from harness.stores.file_artifacts import FileArtifacts

pytestmark = pytest.mark.process
ASK = """
import json, os, sys, urllib.request
for model in sys.argv[1:]:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    try:
        answer = urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body)
        print(json.load(answer)["choices"][0]["message"]["content"])
    except urllib.error.HTTPError as failed:
        print(failed.code)
open("note.txt", "w").write("left")
"""
QUESTION = """
import asyncio, os
from mcp import Client

async def main():
    async with Client(os.environ["ATH_MCP_URL"]) as client:
        given = {"database": "goods", "statement": "select name from goods"}
        answer = await client.call_tool("sql.read", given)
        print(*(part.text for part in answer.content), os.environ)

asyncio.run(main())
"""
CANARY = "canary-value-1"
OWN: dict[str, Any] = {"models": ["scripted/*"]}


@dataclass(slots=True)
class House:
    """A worker's host with one worker, w1."""

    agents: WorkerAgents
    desk: AgentDesk
    artifacts: FileArtifacts
    facts: list[Fact] = field(default_factory=list)
    turns: list[Mapping[str, Any]] = field(default_factory=list)

    async def run(self, archive: bytes = b"", **wish: Any) -> AgentAnswer:
        what = AgentWish(script=[Turn(says="Hello."), Turn(says="Again.")], **wish)
        return await asyncio.to_thread(self.desk.run, what, archive, self.turns.append)

    def content(self, name: str) -> bytes:
        ref = next(ref for ref in self.agents._kept if ref.name == name)
        return b"".join(self.artifacts.read(DEFAULT_SCOPE, Digest(ref.digest)))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    doorway = BrokerDoorway(SystemClock(), SystemEntropy())
    host = SandboxHost(SystemEntropy(), tmp_path / "s", Snapshots(tmp_path / "snaps"), doorway)
    try:
        await host.kill(await host.create(SandboxSpec("default")))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    grants = {
        "": AgentGrant(Policy(models=NameSet.parse("*"), tools=NameSet.parse("*"))),
        "narrow": AgentGrant(Policy(models=NameSet.parse(["scripted/a"])), is_named=True),
    }
    facts: list[Fact] = []

    async def granted(name: str) -> AgentGrant:
        return grants[name]

    async def observe(fact: Fact) -> None:
        facts.append(fact)

    async def ask(wish: Mapping[str, Any]) -> BrowserLease:
        return BrowserLease()

    artifacts = FileArtifacts(tmp_path / "artifacts")
    agents = WorkerAgents(
        host, DEFAULT_SCOPE, granted, artifacts, 1 << 20, {"CANARY": CANARY}, observe,
        lambda: (AttemptId("attempt1"), 7),
    )  # fmt: skip
    door = WorkerDoor(tmp_path / "door")
    await door.open()
    door.admit("w1", ask, agents.attend)
    yield House(agents, AgentDesk(str(door.path), "w1"), artifacts, facts)
    await agents.close()
    await door.close()
    await host.close()


def program(tmp_path: Path) -> bytes:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "agent.py").write_text(ASK)
    return packed(folder, ["*"])


async def test_it_runs_and_leaves_its_record(house: House, tmp_path: Path) -> None:
    answer = await house.run(
        program(tmp_path),
        argv=["python3", "agent.py", "scripted/a", "far/b"],
        policy=OWN,
        brings=["note.txt"],
    )
    assert answer.stdout == b"Hello.\n403\n", answer.stderr
    assert (answer.exit_code, answer.stopped, answer.refused) == (0, "exit", {"model": 1})
    assert answer.files == {"note.txt": b"left"}
    assert [turn["name"] for turn in house.turns] == ["scripted/a", "far/b"]
    assert house.turns[0]["said"] == "Hello."
    started, denied, finished = house.facts
    assert isinstance(started, AgentStarted)
    assert (started.tier, started.controls["network"]) == ("namespace", "enforced")
    assert isinstance(denied, PolicyDenied)
    assert (denied.kind, denied.name, denied.test_index) == ("llm", "far/b", 7)
    assert isinstance(finished, AgentFinished)
    assert (finished.effects, finished.refused, finished.spent["turns"]) == (1, {"model": 1}, 1)
    journal = house.content("agent-1/journal.jsonl")
    assert [json.loads(line)["what"] for line in journal.splitlines()] == [
        "asked", "answered", "refused"
    ]  # fmt: skip
    transcript = json.loads(house.content("agent-1/transcript.json"))
    assert [turn.get("said") for turn in transcript["turns"]] == ["Hello.", None]
    assert house.content("agent-1/files/note.txt") == b"left"
    refs = await house.agents.taken("tests/7")
    assert all(ref.name.startswith("tests/7/agent-1/") for ref in refs)
    assert not await house.agents.taken("tests/8")
    assert next(r.digest for r in refs if r.name.endswith("journal.jsonl")) == finished.journal


async def test_what_no_document_allows_is_refused(house: House, tmp_path: Path) -> None:
    archive = program(tmp_path)
    argv = ["python3", "agent.py", "scripted/a", "scripted/b"]
    assert (await house.run(archive, argv=argv)).stdout == b"403\n403\n"
    assert (await house.run(archive, argv=argv, name="narrow")).stdout == b"Hello.\n403\n"
    both = await house.run(archive, argv=argv, name="narrow", policy={"models": ["scripted/b"]})
    assert both.stdout == b"403\n403\n"


@pytest.mark.parametrize("wish", [{"argv": ["echo", CANARY]}, {"argv": ["a"], "stdin": CANARY}])
async def test_an_agent_is_never_given_a_secret(house: House, wish: dict[str, Any]) -> None:
    with pytest.raises(StepFailed, match="never given the value of a secret"):
        await house.run(**wish)


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"argv": ["true"], "policy": {"modells": []}}, "modells"),
        ({"argv": ["true"], "python": "/etc/passwd"}, "no interpreter"),
        ({"argv": ["true"], "limits": {"memory_mib": 60_000}}, "memory_bytes is"),
        ({"argv": ["true"], "seconds": 80_000}, "has to be"),
    ],
)
async def test_what_cannot_run_says_why(house: House, wish: dict[str, Any], told: str) -> None:
    with pytest.raises(StepFailed, match=told):
        await house.run(**wish)


async def test_a_program_that_is_not_there_is_a_result(house: House) -> None:
    assert (await house.run(argv=["no-such-program"])).exit_code == 127


async def test_a_database_is_asked_by_name(house: House, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.execute("create table goods as select 'apple' as name")
        shop.commit()
    house.agents.secrets = {"SHOP": f"sqlite:///{tmp_path / 'shop.db'}"}
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "agent.py").write_text(QUESTION)
    answer = await house.run(
        packed(folder, ["*"]),
        argv=["python", "agent.py"],
        python=sys.executable,
        policy={"tools": ["sql.read"]},
        databases={"goods": "SHOP"},
    )
    assert "apple" in answer.stdout.decode(), answer.stderr.decode()
    assert str(tmp_path).encode() not in answer.stdout
    with pytest.raises(StepFailed, match="no secret NONE"):
        await house.run(argv=["true"], databases={"goods": "NONE"})


async def test_it_ends_with_whoever_asked(house: House) -> None:
    reader, writer = await asyncio.open_unix_connection(house.desk.path)
    wish = AgentWish(argv=["sleep", "60"], policy=OWN)
    writer.write(json.dumps({"worker": "w1", "agent": wish.model_dump()}).encode() + b"\n")
    async with asyncio.timeout(20):
        while not house.facts:  # noqa: ASYNC110  # the sandbox tells when it is up
            await asyncio.sleep(0.02)
        writer.close()
        while house.agents._tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert isinstance(house.agents.host, SandboxHost)
    assert all(room.sandbox.has_ended for room in house.agents.host._rooms.values())
    assert await reader.read() == b""
    finished = house.facts[-1]
    assert isinstance(finished, AgentFinished)
    assert (finished.stopped, finished.exit_code, finished.test_index) == ("killed", None, 7)
    (ref,) = await house.agents.taken("tests/7")
    assert (ref.name, ref.digest) == ("tests/7/agent-1/journal.jsonl", finished.journal)


def test_links_and_folders_travel_and_caches_stay(tmp_path: Path) -> None:
    import tarfile

    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/c.txt").write_text("c")
    (tmp_path / "a/__pycache__").mkdir()
    (tmp_path / "a/link").symlink_to("/etc/passwd")
    with tarfile.open(fileobj=io.BytesIO(packed(tmp_path, ["a/b/c.txt", "a"]))) as archive:
        assert archive.getnames() == ["a", "a/b", "a/b/c.txt", "a/link"]
        assert archive.getmember("a/link").linkname == "/etc/passwd"
    with pytest.raises(StepFailed, match="is not there"):
        packed(tmp_path, ["b"])
