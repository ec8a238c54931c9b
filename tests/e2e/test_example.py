"""The bundled example, whose suite starts threads while it is collected, against a real program."""

import json
import sys

import pytest

from harness.domain.exit_code import ExitCode
from tests.architecture.source import ROOT
from tests.support.live_platform import LivePlatform

pytestmark = pytest.mark.e2e

SUITE = ROOT / "examples" / "datasette"
TESTS = 55


def test_bundled_example_passes_as_the_readme_shows(platform: LivePlatform) -> None:
    words = ("run", "--env", "stable", "--python", sys.executable, "--json")
    ran = platform.ath(*words, "--", "pytest", "-q", cwd=SUITE)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["counts"] == {"passed": TESTS}
