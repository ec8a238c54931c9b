"""Suites that benchmarks run: one generated, one of a real package."""

import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGE = "jinja2==3.1.6"
DOWNLOAD_SECONDS = 300.0


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


def fetch_package_suite(folder: Path, requirement: str = PACKAGE) -> Path:
    """The unmodified source distribution of a package, unpacked; gives its folder.

    Raises:
        RuntimeError: it could not be fetched; the message has what pip said.
    """
    folder.mkdir(parents=True)
    options = ["--quiet", "--no-binary", ":all:", "--no-deps", "--dest", str(folder)]
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, requirement],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
        check=False,
    )
    archives = list(folder.glob("*.tar.gz"))
    if fetched.returncode or len(archives) != 1:
        raise RuntimeError(f"{requirement} could not be fetched.\n{fetched.stderr}")
    with tarfile.open(archives[0]) as tar:
        tar.extractall(folder, filter="data")
    return next(child for child in folder.iterdir() if child.is_dir())
