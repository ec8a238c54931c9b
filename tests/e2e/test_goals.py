"""A goal is planned in one run, brought home, and played in the next."""

import json
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
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


def _detail(platform: LivePlatform, client: Client, folder: Path) -> str:
    ran = platform.ath("run", "--env", "local", "--json", "--", "pytest", cwd=folder)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    (test,) = client.runs.results(RunId(json.loads(ran.stdout)["run"])).tests
    result = test.attempts[0].result
    assert result
    return result.steps[0].detail
