"""An unmodified pytest-playwright suite gives the same results here as run by pytest alone."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.attempt import AttemptResult
from harness.domain.browser import BrowserChoice
from harness.domain.run import Run
from harness.settings import Settings
from serve.browser import browser
from tests.support.live_platform import ROOT, LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(400)]

PLAIN_SECONDS = 200
ZONE = {"TZ": "Asia/Tokyo"}
OPTIONS = ("--tracing", "retain-on-failure", "--screenshot", "only-on-failure")
HUGE = "screenshot.png"
CONFTEST = """\
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {{**browser_type_launch_args, "executable_path": {path!r}, "args": ["--no-sandbox"]}}
"""


@pytest.mark.long
def test_suite_gives_the_same_results(
    platform: LivePlatform, client: Client, tmp_path: Path
) -> None:
    plain, mine = _suite(tmp_path / "plain"), _suite(tmp_path / "mine")
    choice = browser(Settings.load({}))
    assert choice, "no Chromium was found at installation"
    expected = _run_plainly(plain, choice)
    junit = tmp_path / "mine.xml"
    words = ["-n", "2", "--python", sys.executable, "--junit", str(junit)]
    ended = platform.ath(
        "run", *words, "--", "pytest", "-q", *OPTIONS, cwd=mine, env=ZONE, seconds=300
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert _outcomes(junit) == expected
    assert len(expected) == len(set(expected)) > 25
    run = client.runs.list(limit=1)[0]
    assert _artifacts(client, run) == _files(plain)
    assert _is_told(client, run)


def _suite(folder: Path) -> Path:
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    shutil.copy(ROOT / "tests" / "support" / "playwright_features.py", folder / "test_features.py")
    return folder


def _run_plainly(folder: Path, choice: BrowserChoice) -> Mapping[str, str]:
    (folder / "conftest.py").write_text(CONFTEST.format(path=choice.path))
    junit = folder / "plain.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OPTIONS]
    subprocess.run(
        [*command, "--junitxml", str(junit)],
        cwd=folder,
        env={**os.environ, **ZONE},
        capture_output=True,
        timeout=PLAIN_SECONDS,
        check=False,
    )
    return _outcomes(junit)


def _outcomes(junit: Path) -> Mapping[str, str]:
    """The kind of child that each test's element has; a later one replaces an earlier."""
    bad = ("failure", "error", "skipped")
    return {
        case.attrib["name"]: next((child.tag for child in case if child.tag in bad), "passed")
        for case in ET.parse(junit).iter("testcase")
    }


def _files(folder: Path) -> list[str]:
    found = (path for path in (folder / "test-results").rglob("*") if path.is_file())
    return sorted(path.name for path in found if path.name != HUGE)


def _results(client: Client, run: Run) -> list[AttemptResult]:
    tests = client.runs.results(run.id).tests
    return [attempt.result for test in tests for attempt in test.attempts if attempt.result]


def _artifacts(client: Client, run: Run) -> list[str]:
    refs = [ref for result in _results(client, run) for ref in result.artifacts]
    return sorted(ref.name.rpartition("/")[2] for ref in refs)


def _is_told(client: Client, run: Run) -> bool:
    texts = [text for result in _results(client, run) for _, text in result.sections]
    return any(text.startswith(HUGE) for text in texts)
