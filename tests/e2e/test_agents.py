"""Agents on the platform: in specs, and by themselves."""

import json
import sys
from pathlib import Path
from typing import cast

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from tests.support.live_platform import LivePlatform, assert_consistent

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


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "agents"
    folder.mkdir()
    (folder / "agents.ath.yaml").write_text(SPEC.replace("[example.com]", "[{host: example.com}]"))
    (folder / "bare.py").write_text(BARE_AGENT)
    (folder / "sdk.py").write_text(SDK_AGENT)
    return folder


def test_a_spec_judges_agents_by_what_they_did(
    platform: LivePlatform, client: Client, suite: Path
) -> None:
    ran = platform.ath("run", "--json", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    run_id = RunId(json.loads(ran.stdout)["run"])
    bare, sdk = client.runs.results(run_id).tests
    assert bare.failure is None, bare.failure
    assert sdk.failure is not None
    assert 'stdout is "I am done, all is well.", expected "All is well"' in sdk.failure.message
    steps = sdk.attempts[0].result.steps if sdk.attempts[0].result else ()
    assert [step.kind for step in steps[0].steps] == ["llm"]
    names = {ref.name.rpartition("/")[2] for ref in client.runs.artifacts(run_id)}
    assert {"journal.jsonl", "transcript.json", "found.json"} <= names
    events = {event.type: event.data for event in client.runs.events(run_id)}
    assert events["ath.policy.denied.v1"]["host"] == "169.254.169.254"
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
