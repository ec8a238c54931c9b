"""Suites that nobody here wrote give test by test what plain pytest gives."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.suites import fetch_package_suite
from tests.e2e.test_platform import junit
from tests.support.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "package",
    [
        "h11",
        "markupsafe",
        pytest.param("click", marks=pytest.mark.long),
        pytest.param("idna", marks=pytest.mark.long),
    ],
)
def test_a_packages_own_suite(platform: LivePlatform, package: str, tmp_path: Path) -> None:
    suite = fetch_package_suite(tmp_path / package, f"{package}=={version(package)}")
    ours, theirs = tmp_path / "ours.xml", tmp_path / "theirs.xml"
    plain = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={theirs}"],
        cwd=suite,
        env=platform.environ,
        capture_output=True,
        check=False,
    )
    options = ["--python", sys.executable, "-n", "2", "--junit", str(ours)]
    ran = platform.ath("run", *options, "--", "pytest", "-q", cwd=suite)
    assert junit(ours) == junit(theirs), ran.stdout + ran.stderr
    assert len(junit(ours)) > 50
    assert ran.returncode == plain.returncode
