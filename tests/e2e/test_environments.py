"""A suite brings its own packages, which are built once."""

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.events.envelope import Event
from tests.support.live_platform import LivePlatform

pytestmark = pytest.mark.e2e

OLD = "2.0.0"
SUITE = f"""\
import sys
from importlib.metadata import version

def test_packages_are_those_of_the_lock():
    assert version("iniconfig") == "{OLD}"

def test_nothing_of_the_platform_is_there():
    assert "environments" in sys.prefix
    try:
        import ray
    except ImportError:
        return
    raise AssertionError(ray.__file__)
"""


@pytest.fixture
def locked(suite: Path) -> Path:
    assert version("iniconfig") != OLD
    (suite / "requirements.txt").write_text(f"pytest=={version('pytest')}\niniconfig=={OLD}\n")
    (suite / "test_it.py").write_text(SUITE)
    return suite


def events_of_last(client: Client) -> Sequence[Event]:
    run = client.runs.list(limit=1)[0]
    return list(client.runs.events(run.id, until="finished"))


def test_packages_are_installed_once_and_kept(
    platform: LivePlatform, client: Client, locked: Path
) -> None:
    words = ("run", "--requirements", "requirements.txt", "--", "pytest", "-q")
    first = platform.ath(*words, cwd=locked)
    assert first.returncode == ExitCode.PASSED, first.stdout + first.stderr
    built = [event for event in events_of_last(client) if event.type.startswith("ath.python.")]
    second = platform.ath(*words, cwd=locked)
    assert second.returncode == ExitCode.PASSED, second.stdout + second.stderr
    reused = [event for event in events_of_last(client) if event.type.startswith("ath.python.")]
    assert [event.type for event in built] == ["ath.python.begun.v1", "ath.python.ready.v1"]
    assert [event.type for event in reused] == ["ath.python.ready.v1"]
    assert [built[-1].data["was_built"], reused[-1].data["was_built"]] == [True, False]
    assert reused[-1].data["key"] == built[-1].data["key"]
    slow, quick = built[-1].data["seconds"], reused[-1].data["seconds"]
    assert isinstance(slow, float)
    assert isinstance(quick, float)
    assert quick < slow / 5
    usage = json.loads(platform.ath("environments", "usage", "--json").stdout)
    assert usage["environments"] == 1
    assert platform.ath("environments", "clear").stdout == "Removed 1 environments.\n"


def test_what_cannot_be_installed_is_a_usage_error_that_quotes_uv(
    platform: LivePlatform, suite: Path
) -> None:
    (suite / "requirements.txt").write_text("pytest==0.0.0.1\n")
    words = ("run", "--requirements", "requirements.txt", "--", "pytest")
    ran = platform.ath(*words, cwd=suite)
    assert ran.returncode == ExitCode.USAGE, ran.stdout + ran.stderr
    assert "pytest==0.0.0.1" in ran.stdout + ran.stderr


def test_an_interpreter_and_requirements_contradict_each_other(
    platform: LivePlatform, locked: Path
) -> None:
    words = ("run", "--python", sys.executable, "--requirements", "requirements.txt")
    ran = platform.ath(*words, "--", "pytest", cwd=locked)
    assert ran.returncode == ExitCode.USAGE
    assert "one or the other" in ran.stderr
