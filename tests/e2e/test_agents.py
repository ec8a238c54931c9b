"""Agents on the platform: in specs, and by themselves."""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import cast

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from tests.support.live_platform import ROOT, LivePlatform, assert_consistent

pytestmark = pytest.mark.e2e
SDK_AGENT = """\
import sys
from openai import OpenAI
said = OpenAI().chat.completions.create(
    model="scripted/a", messages=[{"role": "user", "content": sys.stdin.read()}])
print(said.choices[0].message.content)
"""
BARE_AGENT = """\
import json, os, urllib.error, urllib.request
for url in ("http://169.254.169.254/", "http://127.0.0.1:1/"):
    try:
        urllib.request.urlopen(url, timeout=5)
    except OSError as failed:
        print(failed)
open("found.json", "w").write(json.dumps(sorted(os.listdir("."))))
"""
BROWSING_AGENT = """\
import asyncio, os, sys
from mcp import Client

async def main():
    async with Client(os.environ["ATH_MCP_URL"]) as client:
        for url in sys.argv[1:]:
            answer = await client.call_tool("browser.open", {"url": url})
            print(answer.is_error, *(part.text for part in answer.content))

asyncio.run(main())
"""
PAGE = b"<title>Shelf</title><h1>Apples</h1><button>Buy</button>"
SPEC = f"""\
suite: Agents are judged by what they did
tests:
  - id: bare
    steps:
      - id: probe
        agent:
          name: prober
          program: [python3, bare.py]
          files: [bare.py]
          policy: {{network: {{allow: [example.com]}}}}
          expect:
            files: {{found.json: '["bare.py", "found.json"]'}}
            refused: 1
            turns: 0
  - id: sdk
    steps:
      - agent:
          program: [python, sdk.py]
          python: {sys.executable}
          stdin: Hello
          policy: {{models: ["scripted/*"]}}
          script: [{{says: "I am done, all is well.", expects: Hello}}]
          expect: {{stdout: All is well}}
"""


BROWSING = f"""
  - id: browsing
    steps:
      - agent:
          program: [python, browse.py, "http://127.0.0.1:PORT/", "http://127.0.0.1:1/"]
          python: {sys.executable}
          policy:
            network: {{allow: [{{host: 127.0.0.1, ports: [PORT]}}]}}
            tools: ["browser.*"]
          expect: {{stdout: {{contains: Apples, matches: "True .*refused"}}, refused: 1}}
"""


@pytest.fixture
def shop() -> Iterator[int]:
    """The port of a shop."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *said: object) -> None:
            """Nobody asks."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def suite(tmp_path: Path, shop: int) -> Path:
    folder = tmp_path / "agents"
    folder.mkdir()
    spec = SPEC.replace("[example.com]", "[{host: example.com}]")
    (folder / "agents.ath.yaml").write_text(spec + BROWSING.replace("PORT", str(shop)))
    (folder / "browse.py").write_text(BROWSING_AGENT)
    (folder / "bare.py").write_text(BARE_AGENT)
    (folder / "sdk.py").write_text(SDK_AGENT)
    return folder


def test_a_spec_judges_agents_by_what_they_did(
    platform: LivePlatform, client: Client, suite: Path
) -> None:
    ran = platform.ath("run", "--json", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    run_id = RunId(json.loads(ran.stdout)["run"])
    bare, sdk, browsing = client.runs.results(run_id).tests
    assert bare.failure is None, bare.failure
    assert browsing.failure is None, browsing.failure
    assert sdk.failure is not None
    assert 'stdout is "I am done, all is well.", expected "All is well"' in sdk.failure.message
    steps = sdk.attempts[0].result.steps if sdk.attempts[0].result else ()
    assert [step.kind for step in steps[0].steps] == ["llm"]
    names = {ref.name.rpartition("/")[2] for ref in client.runs.artifacts(run_id)}
    assert {"journal.jsonl", "transcript.json", "found.json"} <= names
    told = list(client.runs.events(run_id))
    denied = [event.data["host"] for event in told if event.type == "ath.policy.denied.v1"]
    assert sorted(map(str, denied)) == ["127.0.0.1", "169.254.169.254"]
    events = {event.type: event.data for event in told}
    controls = cast("dict[str, str]", events["ath.agent.started.v1"]["controls"])
    assert controls["network"] == "enforced"
    assert events["ath.agent.finished.v1"]["stopped"] == "exit"
    assert_consistent(client, client.runs.get(run_id))


def test_a_program_runs_as_an_agent(platform: LivePlatform, suite: Path) -> None:
    (suite / "script.yaml").write_text("- {says: Fine.}\n")
    words = ["agent", "run", "--json", "--script", "script.yaml", "--python", sys.executable]
    ran = platform.ath(*words, "--", "python", "sdk.py", cwd=suite)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert told["stdout"] == "Fine.\n"
    assert told["transcript"]["spent"]["turns"] == 1
    wrong = platform.ath("agent", "run", "--env-var", "A", "--", "x", cwd=suite)
    assert wrong.returncode == ExitCode.USAGE


def test_the_bundled_example_passes(platform: LivePlatform) -> None:
    here = ROOT / "examples" / "agents"
    ran = platform.ath("run", "--env", "local", "--json", "--", "pytest", cwd=here)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["counts"] == {"passed": 2}
