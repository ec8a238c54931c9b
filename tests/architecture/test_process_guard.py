"""A test that starts a process says so."""

import shutil
import sys
from pathlib import Path

import pytest

from cluster import command
from tests.architecture.source import ROOT

pytestmark = pytest.mark.process

INI = "[pytest]\nmarkers =\n    process: starts processes\n"
SUITE = """\
import subprocess
import pytest

def test_unmarked():
    subprocess.run(["true"])

@pytest.fixture
def process():
    subprocess.run(["true"])

def test_unmarked_with_a_fixture(process):
    pass

@pytest.mark.process
def test_marked():
    subprocess.run(["true"])

@pytest.fixture(scope="session")
def shared():
    yield
    subprocess.run(["true"])

@pytest.mark.process
def test_marked_that_shares(shared):
    pass

def test_unmarked_that_ends_the_session():
    assert 1
"""


def test_only_marked_tests_start_processes(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_suite.py").write_text(SUITE)
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    with pytest.raises(command.CommandFailed, match=r"1 failed, 3 passed, 1 error") as failed:
        command.run([*argv, str(tmp_path)], seconds=60)
    assert "test_unmarked starts a process (subprocess.Popen): mark it" in str(failed.value)
