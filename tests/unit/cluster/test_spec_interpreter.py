"""Specs are run by an interpreter that has the platform's plugin."""

import os
import sys
from pathlib import Path

import pytest

from cluster.cli.spec_interpreter import interpreter_for

pytestmark = pytest.mark.process


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A Python on PATH that has pytest, and not the platform."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$2" in *pytest11*) exit 1;; esac\necho {python}\necho 8.0.0\n'
    )
    script = folder / "pytest"
    script.write_text(f"#!{python}\n")
    for file in (python, script):
        file.chmod(0o755)
    return python


def chosen(other: Path, suite: Path, *argv: str) -> str:
    env = {"PATH": f"{other.parent}{os.pathsep}{os.defpath}"}
    return interpreter_for(["pytest", *argv], None, env, suite)


def a_suite(tmp_path: Path, *files: str) -> Path:
    suite = tmp_path / "suite"
    for file in files:
        (suite / file).parent.mkdir(parents=True, exist_ok=True)
        (suite / file).touch()
    return suite


def test_specs_alone_are_run_by_the_platforms_python(other: Path, tmp_path: Path) -> None:
    assert chosen(other, a_suite(tmp_path, "specs/a.ath.yaml")) == sys.executable


def test_python_tests_are_run_by_the_suites_python(other: Path, tmp_path: Path) -> None:
    assert chosen(other, a_suite(tmp_path, "test_a.py")) == str(other)


def test_specs_left_out_are_told(
    other: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = a_suite(tmp_path, "specs/a.ath.yaml", "test_a.py")
    assert chosen(other, suite) == str(other)
    assert "specs (*.ath.yaml) are left out" in capsys.readouterr().err


def test_named_folder_decides(other: Path, tmp_path: Path) -> None:
    suite = a_suite(tmp_path, "specs/a.ath.yaml", "tests/test_a.py")
    assert chosen(other, suite, "-q", "specs") == sys.executable
    assert chosen(other, suite, "-q", "tests") == str(other)
