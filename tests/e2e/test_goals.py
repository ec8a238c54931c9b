"""A goal is planned in one run, brought home, and played in the next."""

import asyncio
import json
import queue
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.scripted_provider import ScriptedProvider
from harness.client import Client
from harness.domain.account import Account, Budget
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.script import Reply, ToolCall
from harness.ports.entropy import SystemEntropy
from tests.fakes.journal import FakeJournal
from tests.support.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(400)]

ENVIRONMENT = """\
[environments.local]
base_url = "http://127.0.0.1:${port}"
up = ["python", "-m", "http.server", "${port}", "--bind", "127.0.0.1"]
health = "${base_url}/"
"""
SPEC = """\
allow: []
tests:
  - id: saves
    steps:
      - goal:
          do: Save the note
          until: [{visible: {text: Saved, exact: true}}]
"""
PAGE = "<title>Note</title><button onclick=\"out.textContent = 'Saved'\">Save</button><p id=out>"


def test_reached_goal_is_played_in_the_next_run(
    platform: LivePlatform, client: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "ath.toml").write_text(ENVIRONMENT)
    (folder / "note.ath.yaml").write_text(SPEC)
    (folder / "index.html").write_text(PAGE)
    assert "planned by words" in _detail(platform, client, folder)
    told = platform.ath("freeze", cwd=folder)
    assert told.returncode == ExitCode.PASSED, told.stderr
    assert (folder / "note.frozen.yaml").is_file()
    assert "played 2 of 2 frozen actions" in _detail(platform, client, folder)


@pytest.fixture
def models() -> Iterator[str]:
    """The address of a server whose model says to click."""
    act = ToolCall("act", {"action": {"click": {"role": "button", "name": "Save"}}, "reason": "x"})
    ready: queue.Queue[int] = queue.Queue()
    over = threading.Event()

    async def serve() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        ledger = Ledger(Account(Budget()), SystemEntropy())
        every = Policy(models=NameSet.parse("*"))
        script = {"scripted": ScriptedProvider([Reply(tools=(act,))] * 9)}
        gateway = ModelGateway(every, ledger, script, FakeJournal())
        await gateway.serve(listener)
        ready.put(listener.getsockname()[1])
        await asyncio.to_thread(over.wait)
        await gateway.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{ready.get(timeout=20)}/v1"
    over.set()
    thread.join(10)


def test_goal_asks_a_model_of_the_tenant(
    platform: LivePlatform, client: Client, tmp_path: Path, models: str
) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "ath.toml").write_text(ENVIRONMENT)
    asked = SPEC.replace("do: Save", "model: far/scripted/a\n          do: Save")
    (folder / "note.ath.yaml").write_text(asked)
    (folder / "index.html").write_text(PAGE)
    told = platform.ath("models", "set", "far", "--base-url", models)
    assert told.returncode == ExitCode.PASSED, told.stderr
    assert "planned by far/scripted/a" in _detail(platform, client, folder)
    (run, *_) = client.runs.list(limit=1)
    names = [ref.name for ref in client.runs.artifacts(run.id)]
    assert any(name.endswith("model-1/journal.jsonl") for name in names), names


def _detail(platform: LivePlatform, client: Client, folder: Path) -> str:
    ran = platform.ath("run", "--env", "local", "--json", "--", "pytest", cwd=folder)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    (test,) = client.runs.results(RunId(json.loads(ran.stdout)["run"])).tests
    result = test.attempts[0].result
    assert result
    return result.steps[0].detail
