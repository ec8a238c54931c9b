"""What the README shows, carried out on a real platform."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.live_platform import LivePlatform
from tests.support.pages import blocks

pytestmark = pytest.mark.e2e

SUITE = "def test_good(): pass\ndef test_bad(): assert 1 == 2\n"
BASH = blocks("README.md", "bash")
OWN_SUITE = next(block for block in BASH if "ath run -- pytest" in block.text)
API = next(block for block in BASH if "runs?limit=1" in block.text)
(NOTEBOOK,) = blocks("README.md", "python")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A suite as the README supposes it."""
    (tmp_path / "venv").symlink_to(sys.prefix)
    tests = tmp_path / "shop" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_it.py").write_text(SUITE)
    (tests.parent / "ath.toml").write_text('[environments.staging]\nvariables = { A = "1" }\n')
    return tests.parent


def test_own_suite_is_run_followed_exported_and_rerun(platform: LivePlatform, shop: Path) -> None:
    codes = {}
    for words in OWN_SUITE.commands:
        done = platform.ath(*words[1:], cwd=shop)
        codes[" ".join(words)] = (done.returncode, done.stderr if done.returncode > 1 else "")
    assert list(codes.values()) == [(1, "")] * 4 + [(0, "")] + [(1, "")], codes
    assert 'failures="1"' in (shop / "results.xml").read_text()


def test_notebook_and_http_show_the_same_run(platform: LivePlatform, shop: Path) -> None:
    platform.ath("run", "--", "pytest", cwd=shop)
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK.text],
        env=platform.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    run_id, state, counts = done.stdout.splitlines()[0].split(" ", 2)
    assert (state, counts) == ("failed", "{'passed': 1, 'failed': 1}")
    if shutil.which("curl") is None:
        return
    with platform.client() as client:
        reach = {
            "ATH_URL": client.url,
            "ATH_TOKEN": (platform.home / "token").read_text(),
        }
    told = subprocess.run(
        ["bash", "-c", API.text],
        env=platform.environ | reach,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run_id in told.stdout
