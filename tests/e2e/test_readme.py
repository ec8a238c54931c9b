"""What the README shows is done, in its words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from tests.architecture.source import ROOT
from tests.support.live_platform import LivePlatform, installation
from tests.support.pages import blocks
from tests.unit.domain import junit_dialects as dialects

pytestmark = pytest.mark.e2e

README = ROOT / "README.md"
SECONDS = 120.0
ALLURE = """{"uuid": "u1", "fullName": "shop.test_buy", "name": "test_buy", "status": "passed",
"start": 1760000000000, "stop": 1760000000100}"""
CTRF = """{"reportFormat": "CTRF", "specVersion": "0.0.0", "results": {"tool": {"name": "t"},
"summary": {"tests": 1, "passed": 1, "failed": 0, "pending": 0, "skipped": 0, "other": 0,
"start": 1760000000000, "stop": 1760000000100},
"tests": [{"name": "buys", "status": "passed", "duration": 100}]}}"""


def block(language: str, word: str) -> str:
    """The block of the README that shows this."""
    (found,) = [each for each in blocks(README, language) if word in each]
    return found


def shell(platform: LivePlatform, line: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """A line as somebody types it, signed in as the README says."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    token = (platform.home / "token").read_text()
    url = installation(platform.home).url
    environ = platform.environ | {"PATH": programs, "ATH_TOKEN": token, "ATH_URL": url}
    return subprocess.run(
        ["bash", "-c", line],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_runs_are_started_watched_exported_and_repeated(
    platform: LivePlatform, tmp_path: Path
) -> None:
    project, python = tmp_path / "project", tmp_path / "venv" / "bin" / "python"
    (project / "tests").mkdir(parents=True)
    (project / "tests" / "test_it.py").write_text("def test_bad():\n    assert 1 == 2\n")
    (project / "ath.toml").write_text('[environments.staging]\nbase_url = "http://localhost:1"\n')
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    told = {}
    for line in block("bash", "ath watch last").splitlines():
        ended = shell(platform, line, project)
        told[line] = ended.returncode
        assert ended.returncode in {ExitCode.PASSED, ExitCode.FAILED}, f"{line}\n{ended.stderr}"
    assert [line for line, code in told.items() if code == ExitCode.PASSED] == [
        "ath export last --junit results.xml"
    ]
    assert "test_bad" in (project / "results.xml").read_text()


def test_results_from_elsewhere_are_imported(platform: LivePlatform, tmp_path: Path) -> None:
    for folder in ("target/surefire-reports", "allure-results"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "junit.xml").write_text(dialects.PYTEST)
    (tmp_path / "target" / "surefire-reports" / "TEST-shop.xml").write_text(dialects.SUREFIRE)
    (tmp_path / "allure-results" / "u1-result.json").write_text(ALLURE)
    (tmp_path / "ctrf-report.json").write_text(CTRF)
    shown = block("bash", "ath import").replace("\\\n", " ").replace("curl", "curl --fail")
    for line in shown.splitlines():
        ended = shell(platform, line, tmp_path)
        assert ended.returncode == ExitCode.PASSED, f"{line}\n{ended.stderr}"


def test_api_is_asked_by_curl(platform: LivePlatform, client: Client, tmp_path: Path) -> None:
    line = block("bash", "runs?limit=1").replace("curl", "curl --fail")
    ended = shell(platform, line, tmp_path)
    newest = client.runs.list(limit=1)
    assert ended.returncode == 0, ended.stderr
    assert all(run.id in ended.stdout for run in newest)


def test_notebook_reads_runs(
    platform: LivePlatform, client: Client, suite: Path, tmp_path: Path
) -> None:
    run = platform.submit(client, suite, "pytest", "-q")
    client.runs.wait(run.id, seconds=SECONDS)
    program = block("python", "client.runs.list")
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=platform.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert f"{run.id} failed" in ended.stdout, ended.stderr
