"""Specs run on the platform as any tests do, and their steps are part of the results."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.client import Client
from harness.domain.attempt import Step
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from harness.domain.results import TestOutcome
from tests.support.live_platform import LivePlatform, assert_consistent

pytestmark = pytest.mark.e2e

ENVIRONMENT = """\
[environments.local]
base_url = "http://127.0.0.1:${port}"
up = ["python", "-m", "http.server", "${port}", "--bind", "127.0.0.1"]
health = "${base_url}/"
"""
SPEC = """\
suite: The shop's shelf
owner: shelf-team
tags: [smoke]
tests:
  - id: goods
    matrix:
      apple: {path: apple.txt, says: sweet}
      onion: {path: onion.txt, says: sweet}
    steps:
      - name: Look at the goods
        api: {request: "GET /${matrix.path}", expect: {text: "${matrix.says}"}}
      - command: {run: [python, -c, "print(1)"]}
    always:
      - name: Tidy up
        command: {run: [python, -c, "print(2)"]}
  - id: other
    steps:
      - command: {run: ["true"]}
"""
TWIN = """\
def test_shelf(ath):
    with ath.step("Look at it"):
        assert ath.api.get("/onion.txt").text == "sweet"
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "ath.toml").write_text(ENVIRONMENT)
    (folder / "shelf.ath.yaml").write_text(SPEC)
    (folder / "apple.txt").write_text("sweet\n")
    (folder / "onion.txt").write_text("sharp\n")
    return folder


def test_steps_of_specs_are_results(
    platform: LivePlatform, client: Client, shelf: Path, tmp_path: Path
) -> None:
    xml = tmp_path / "junit.xml"
    asked = ["run", "--env", "local", "--json", "--junit", str(xml), "--", "pytest", "-k", "goods"]
    ran = platform.ath(*asked, cwd=shelf)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["failed"] == ["shelf.ath.yaml::goods[onion]"]
    assert summary["counts"] == {"passed": 1, "failed": 1}
    run = client.runs.get(RunId(summary["run"]))
    assert_consistent(client, run)
    good, bad = client.runs.results(run.id).tests
    assert [(step.kind, step.outcome) for step in steps_of(good)] == [
        ("api", "passed"),
        ("command", "passed"),
        ("command", "passed"),
    ]
    assert [(step.name, step.outcome) for step in steps_of(bad)] == [
        ("Look at the goods", "failed"),
        ("python -c 'print(1)'", "skipped"),
        ("Tidy up", "passed"),
    ]
    (message,) = (failure.get("message") for failure in ET.parse(xml).iter("failure"))
    assert message == ('step 1 (Look at the goods): the body is "sharp", expected "sweet"')
    assert bad.failure is not None
    assert (bad.failure.frames[0].file, bad.failure.frames[0].line) == ("shelf.ath.yaml", 10)
    assert bad.attempts[0].result is not None
    assert bad.attempts[0].result.properties["ath.owner"] == "shelf-team"


def test_steps_of_python_tests_are_results(
    platform: LivePlatform, client: Client, shelf: Path
) -> None:
    (shelf / "test_shelf.py").write_text(TWIN)
    asked = ["run", "--env", "local", "--json", "--python", sys.executable, "--"]
    ran = platform.ath(*asked, "pytest", "test_shelf.py", cwd=shelf)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    (test,) = client.runs.results(RunId(json.loads(ran.stdout)["run"])).tests
    (look,) = steps_of(test)
    assert [(step.kind, step.name, step.outcome) for step in look.steps] == [
        ("api", "GET /onion.txt", "passed")
    ]
    assert test.failure is not None
    assert test.failure.message.startswith("in 'Look at it': assert 'sharp")


def test_mistakes_of_specs_are_told_before_anything_runs(
    platform: LivePlatform, shelf: Path
) -> None:
    (shelf / "shelf.ath.yaml").write_text(SPEC.replace("expect", "expct"))
    checked = platform.ath("validate", cwd=shelf)
    assert checked.returncode == ExitCode.USAGE
    assert "shelf.ath.yaml:11:47: tests[0].steps[0].api.expct: unknown key; did" in checked.stdout
    ran = platform.ath("run", "--", "pytest", cwd=shelf)
    assert ran.returncode == ExitCode.FAILED
    assert "did you mean `expect`?" in ran.stdout + ran.stderr


def steps_of(outcome: TestOutcome) -> tuple[Step, ...]:
    (attempt,) = outcome.attempts
    return attempt.result.steps if attempt.result else ()
