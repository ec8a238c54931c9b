"""Suites that benchmarks run, one generated and one of a real package, and their interpreter."""

import subprocess
import sys
import tarfile
import venv
from collections.abc import Sequence
from pathlib import Path
from random import Random

PACKAGE = "jinja2==3.1.6"
NEEDED = [PACKAGE, "trio==0.31.0", "pytest==9.2.0", "pytest-xdist==3.8.0"]
DOWNLOAD_SECONDS = 300.0
SKEWED_SECONDS = 31.0
"""Of all skewed tests together."""


def make_interpreter(folder: Path, needed: Sequence[str] = NEEDED) -> str:
    """A virtual environment with what the suites need and nothing else; gives its interpreter.

    Raises:
        RuntimeError: a package could not be installed; the message has what pip said.
    """
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    _pip(python, "install", *needed)
    return python


def write_tiny_suite(folder: Path, files: int = 20, tests: int = 50) -> Path:
    """A suite of `files` times `tests` tests that do next to nothing; gives its folder."""
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for number in range(files):
        body = "\n\n".join(
            f"def test_sum_{index}():\n    assert {index} + 1 == {index + 1}"
            for index in range(tests)
        )
        (folder / f"test_tiny_{number:02d}.py").write_text(body + "\n")
    return folder


def write_skewed_suite(folder: Path, seed: int, files: int = 12, tests: int = 5) -> list[float]:
    """A suite whose tests sleep for lognormal durations; gives them, in seconds.

    A few slow tests stand among many quick ones, and the slowest takes 43 % of the 31 s of all: a
    suite that leaves a scheduler without memory something to lose. Every seed has the same
    durations in another order.
    """
    folder.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    chance = Random(0)
    drawn = [chance.lognormvariate(0, 2.25) for _ in range(files * tests)]
    durations = [each * SKEWED_SECONDS / sum(drawn) for each in drawn]
    Random(seed).shuffle(durations)
    for number in range(files):
        own = durations[number * tests : (number + 1) * tests]
        body = "\n\n".join(
            f"def test_{index}():\n    time.sleep({seconds:.4f})"
            for index, seconds in enumerate(own)
        )
        (folder / f"test_skewed_{number:02d}.py").write_text(f"import time\n\n\n{body}\n")
    return durations


def fetch_package_suite(folder: Path, requirement: str = PACKAGE) -> Path:
    """The unmodified source distribution of a package, unpacked; gives its folder.

    Raises:
        RuntimeError: it could not be fetched; the message has what pip said.
    """
    folder.mkdir(parents=True)
    _pip(
        sys.executable,
        "download",
        "--no-binary",
        ":all:",
        "--no-deps",
        "--dest",
        str(folder),
        requirement,
    )
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(child for child in folder.iterdir() if child.is_dir())


def _pip(python: str, *words: str) -> None:
    ended = subprocess.run(
        [python, "-m", "pip", words[0], "--quiet", *words[1:]],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"pip could not {' '.join(words)}.\n{ended.stderr}")
