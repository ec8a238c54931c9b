"""Unmodified programs that act by themselves, in a real sandbox with a real door."""

import asyncio
import io
import json
import sys
import tarfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from actors.agents.agent_end import AgentEnd
from actors.agents.agent_run import AgentRun
from actors.agents.agent_task import AgentTask
from actors.agents.packages import Packages
from actors.broker.door import BrokerDoorway
from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from harness.domain.account import Budget, Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.sandbox import Reason, SandboxSpec
from harness.domain.script import Reply, ToolCall
from harness.errors import TierUnavailable
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy

pytestmark = pytest.mark.process
SDK_AGENT = '''
"""An agent as anybody writes it with the SDK of a model's maker."""
import json
from openai import OpenAI

client = OpenAI()
tools = [{"type": "function", "function": {"name": "add", "parameters": {
    "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}}}]
messages = [{"role": "user", "content": "What is 2 and 3?"}]
while True:
    stream = client.chat.completions.create(
        model="scripted/demo", messages=messages, tools=tools, stream=True)
    text, calls = "", []
    for part in stream:
        for choice in part.choices:
            text += choice.delta.content or ""
            calls += choice.delta.tool_calls or []
    if not calls:
        break
    given = json.loads(calls[0].function.arguments)
    messages += [
        {"role": "assistant", "tool_calls": [call.model_dump() for call in calls]},
        {"role": "tool", "tool_call_id": calls[0].id, "content": str(given["a"] + given["b"])},
    ]
open("answer.txt", "w").write(text)
print(text)
'''
SCRIPT = (
    Reply(tools=(ToolCall("add", {"a": 2, "b": 3}),), expects="2 and 3"),
    Reply("It is 5.", expects="5"),
)
SCRIPTED = Policy(models=NameSet.parse(["scripted/*"]))


MCP_AGENT = '''
"""A client of tools as anybody writes it with the protocol's own package."""
import asyncio, os
from mcp import Client

async def main():
    async with Client(os.environ["ATH_MCP_URL"]) as client:
        print(sorted(tool.name for tool in (await client.list_tools()).tools))
        await client.call_tool("files.write", {"path": "note.txt", "content": "left"})
        for name, given in (
            ("http.request", {"url": "http://169.254.169.254/"}),
            ("sql.read", {"database": "a", "statement": "select 1"}),
        ):
            answer = await client.call_tool(name, given)
            print(answer.is_error, answer.content[0].text)

asyncio.run(main())
'''


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[SandboxHost]:
    doorway = BrokerDoorway(SystemClock(), SystemEntropy())
    made = SandboxHost(SystemEntropy(), tmp_path / "s", Snapshots(tmp_path / "snapshots"), doorway)
    try:
        await made.kill(await made.create(SandboxSpec("tenant")))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    yield made
    await made.close()


def packed(**files: str) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "/") + ".py")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return into.getvalue()


def task(argv: Sequence[str], policy: Policy = SCRIPTED, **more: Any) -> AgentTask:
    door = DoorSpec(policy, script=more.pop("script", SCRIPT))
    return AgentTask("tenant", "calculator", argv, door, **more)


async def run(host: SandboxHost, what: AgentTask) -> tuple[AgentEnd, list[Mapping[str, Any]]]:
    journal = io.BytesIO()
    told: list[Mapping[str, Any]] = []
    end = await AgentRun(what, host, journal, told.append).run()
    assert [json.loads(line) for line in journal.getvalue().splitlines()] == told
    return end, told


async def test_an_unmodified_sdk_agent_works_through_tools_and_streams(host: SandboxHost) -> None:
    packages = Packages.of(sys.executable)
    what = task(
        ["python", "agent.py"],
        packages=packages,
        archive=packed(agent=SDK_AGENT),
        brings=["answer.txt", "none.txt"],
    )
    end, told = await run(host, what)
    assert end.result.stdout == b"It is 5.\n", end.result.stderr.decode()
    assert end.stopped == "exit"
    assert end.files == {"answer.txt": b"It is 5."}
    assert end.missing[0].startswith("none.txt: ")
    assert (end.effects, end.refused, end.spent[Measure.TURNS]) == (2, {}, 2)
    assert [entry["what"] for entry in told] == ["asked", "answered"] * 2
    assert told[1]["result"]["choices"][0]["calls"][0]["name"] == "add"


async def test_an_unmodified_client_of_tools_works(host: SandboxHost) -> None:
    policy = Policy(tools=NameSet.parse(["files.*", "http.request"]))
    what = task(
        ["python", "agent.py"],
        policy,
        packages=Packages.of(sys.executable),
        archive=packed(agent=MCP_AGENT),
        brings=["note.txt"],
    )
    end, told = await run(host, what)
    lines = end.result.stdout.decode().splitlines()
    assert lines[0] == "['files.list', 'files.read', 'files.write', 'http.request']", end.result
    assert "169.254.169.254:80 is refused" in lines[1]
    assert "True" in lines[2]
    assert "no policy names it" in lines[2]
    assert end.files == {"note.txt": b"left"}
    begun = [entry for entry in told if entry["what"] != "answered"]
    assert [(entry["what"], entry["name"]) for entry in begun] == [
        ("asked", "files.write"),
        ("asked", "http.request"),
        ("refused", "GET 169.254.169.254:80"),
        ("refused", "sql.read"),
    ]


async def test_a_spent_budget_stops_it_and_is_named(host: SandboxHost) -> None:
    policy = Policy(models=NameSet.parse(["*"]), budget=Budget({Measure.TURNS: 1}))
    packages = Packages.of(sys.executable)
    what = task(["python", "agent.py"], policy, packages=packages, archive=packed(agent=SDK_AGENT))
    end, _ = await run(host, what)
    assert (end.result.exit_code, end.stopped, end.refused) == (1, "budget", {"budget": 1})
    assert b"0 of 1 turns left" in end.result.stderr


async def test_the_wall_time_of_its_budget_ends_it(host: SandboxHost) -> None:
    policy = Policy(budget=Budget({Measure.WALL: 300}))
    end, _ = await run(host, task(["sleep", "60"], policy))
    assert (end.result.reason, end.stopped) == (Reason.TIMEOUT, "budget")
    end, _ = await run(host, task(["sleep", "60"], seconds=0.3))
    assert end.stopped == "timeout"


async def test_what_it_is_refused_is_counted_while_it_runs(host: SandboxHost) -> None:
    code = """
import os, urllib.request, time
for model in ("a/b", "c/d"):
    try:
        urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/chat/completions",
            b'{"model": "%s", "messages": [{"role": "user", "content": "Hi"}]}' % model.encode())
    except Exception as failed:
        print(failed)
open("asked", "w").close()
time.sleep(30)
"""
    told: list[Mapping[str, Any]] = []
    what = task(["python3", "agent.py"], Policy(), archive=packed(agent=code))
    running = asyncio.create_task(AgentRun(what, host, io.BytesIO(), told.append).run())
    async with asyncio.timeout(20):
        while len(told) < 2:  # noqa: ASYNC110  # the program tells by what it is refused
            await asyncio.sleep(0.05)
    assert [entry["denial"] for entry in told] == ["model", "model"]
    running.cancel()
    await asyncio.wait([running])
    assert all(room.sandbox.has_ended for room in host._rooms.values())


async def test_nothing_of_the_machine_is_there_but_its_packages(host: SandboxHost) -> None:
    code = """
import os, sys
print(sys.prefix, sorted(os.listdir("/")), sorted(os.environ))
try:
    open("/opt/agent/pyvenv.cfg", "a")
except OSError as failed:
    print(failed)
"""
    packages = Packages.of(sys.executable)
    what = task(["python", "agent.py"], packages=packages, archive=packed(agent=code))
    end, _ = await run(host, what)
    told = end.result.stdout.decode()
    assert told.startswith("/opt/agent ['bin'"), told + end.result.stderr.decode()
    assert "pyvenv.cfg'\n" in told
    assert "ATH_HOME" not in told


async def test_a_script_of_the_environment_runs_by_its_name(host: SandboxHost) -> None:
    what = task(["pytest", "--version"], packages=Packages.of(sys.executable))
    end, _ = await run(host, what)
    assert end.result.stdout.startswith(b"pytest "), end.result.stderr.decode()
