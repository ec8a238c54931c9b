"""Whatever is wrong with a suite, its owner is told what and where, and the platform lives on."""

import os
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from tests.support.live_platform import LivePlatform

pytestmark = pytest.mark.e2e

ENVIRONMENT = """\
[environments.broken]
up = ["python", "-c", "{program}"]
health = "http://127.0.0.1:${{port}}/"
ready_seconds = 1
"""
ENDLESS = "import threading\ndef test_endless():\n    threading.Event().wait()\n"
LOUD = (
    "def test_loud():\n    for _ in range(50):\n        print('x' * (1 << 20))\n    assert False\n"
)
GOOD = "def test_good():\n    pass\n"


@pytest.fixture(autouse=True)
def _lives_on(platform: LivePlatform, client: Client) -> Iterator[None]:
    before = platform.ath("status", "--json").stdout
    yield
    assert client.is_ready()
    assert platform.ath("status", "--json").stdout == before


@pytest.mark.parametrize(
    ("source", "arguments", "code", "words"),
    [
        (GOOD, ["no_such.py"], ExitCode.USAGE, ["no_such.py", "not found"]),
        ("def test(:\n", [], ExitCode.FAILED, ["test_it.py", "SyntaxError"]),
        ("import no_such\n", [], ExitCode.FAILED, ["test_it.py", "no_such"]),
    ],
    ids=["unknown path", "syntax error", "collection error"],
)
def test_a_suite_that_cannot_be_collected(
    platform: LivePlatform,
    suite: Path,
    source: str,
    arguments: list[str],
    code: ExitCode,
    words: list[str],
) -> None:
    (suite / "test_it.py").write_text(source)
    ran = platform.ath("run", "--", "pytest", *arguments, cwd=suite)
    said = ran.stdout + ran.stderr
    assert ran.returncode == code, said
    assert [word for word in words if word not in said] == [], said


def test_a_wrong_field_of_the_configuration(platform: LivePlatform, suite: Path) -> None:
    (suite / "ath.toml").write_text("[run]\nretrys = 1\n")
    ran = platform.ath("run", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.USAGE
    assert f"{suite / 'ath.toml'}: run has an unknown field 'retrys'" in ran.stderr


def test_a_test_that_never_ends(platform: LivePlatform, suite: Path) -> None:
    (suite / "test_it.py").write_text(ENDLESS)
    ran = platform.ath("run", "--test-seconds", "2", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.FAILED
    assert "test_it.py::test_endless" in ran.stdout
    assert "deadline of 2 s" in ran.stdout


def test_a_huge_output_is_cut(platform: LivePlatform, suite: Path, tmp_path: Path) -> None:
    (suite / "test_it.py").write_text(LOUD)
    report = tmp_path / "loud.xml"
    ran = platform.ath("run", "--junit", str(report), "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    assert "characters left out" in report.read_text()
    assert report.stat().st_size < 1 << 20


def test_a_file_name_that_is_no_text(platform: LivePlatform, suite: Path) -> None:
    (suite / "test_it.py").write_text(GOOD)
    Path(os.fsdecode(os.fsencode(suite) + b"/caf\xe9.txt")).write_text("coffee")
    ran = platform.ath("run", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr


def test_an_interpreter_without_pytest(platform: LivePlatform, suite: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    bare = str(tmp_path / "bare" / "bin" / "python")
    ran = platform.ath("run", "--python", bare, "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.USAGE
    assert f"{bare} has no pytest" in ran.stderr
    assert "--python" in ran.stderr


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import threading; threading.Event().wait()", ["did not answer", "within 1 s"]),
        ("print('no database'); raise SystemExit(3)", ["ended before", "no database"]),
    ],
    ids=["never answers", "dies"],
)
def test_an_environment_that_does_not_come_up(
    platform: LivePlatform, suite: Path, program: str, words: list[str]
) -> None:
    (suite / "ath.toml").write_text(ENVIRONMENT.format(program=program))
    ran = platform.ath("run", "--env", "broken", "--", "pytest", cwd=suite)
    said = ran.stdout + ran.stderr
    assert ran.returncode == ExitCode.INFRASTRUCTURE, said
    assert [word for word in [*words, "broken"] if word not in said] == [], said
