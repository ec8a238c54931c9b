"""`.venv` is exactly the lock, whatever happened before."""

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from cluster import command
from cluster.virtualenv import VirtualEnv, requirement

LOCK = """\
# by hand
uv==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
uvicorn==2.0 \\
    --hash=sha256:cc
"""
BACKEND = """\
from zipfile import ZipFile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with ZipFile(f"{folder}/project-1-py3-none-any.whl", "w") as wheel:
        for name, content in FILES.items():
            wheel.writestr(f"project-1.dist-info/{name}", content.replace("NAME", "project"))
    return "project-1-py3-none-any.whl"
"""
DIST_INFO = {
    "METADATA": "Metadata-Version: 2.1\nName: NAME\nVersion: 1\n",
    "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "",
}
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def checkout(folder: Path) -> VirtualEnv:
    """A project that locks the one package `small`, found in a folder beside it."""
    (folder / "backend.py").write_text(f"{BACKEND}\nFILES = {DIST_INFO}\n")
    (folder / "pyproject.toml").write_text(PROJECT)
    with ZipFile(folder / "small-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small.py", "SIZE = 1\n")
        for name, content in DIST_INFO.items():
            wheel.writestr(f"small-1.dist-info/{name}", content.replace("NAME", "small"))
    lock(folder, hashlib.sha256((folder / "small-1-py3-none-any.whl").read_bytes()).hexdigest())
    return VirtualEnv(folder, lambda _: None)


def lock(folder: Path, digest: str) -> None:
    pin = f"small==1 --hash=sha256:{digest}"
    (folder / "requirements.lock").write_text(
        f"--no-index\n--find-links {folder.as_uri()}\n{pin}\n"
    )


def has_small(environment: VirtualEnv) -> bool:
    python = str(environment.python)
    return command.run([python, "-c", "import small; print(small.SIZE)"], seconds=60) == "1\n"


def test_requirement_is_one_packages_lines() -> None:
    assert requirement(LOCK, "uv") == "uv==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"


def test_requirement_of_an_unlocked_package_is_empty() -> None:
    assert requirement(LOCK, "pip") == ""


@dataclass(frozen=True, slots=True)
class Installed:
    """What two concurrent calls made of a checkout, and said meanwhile."""

    environment: VirtualEnv
    said: list[str]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    said: list[str] = []
    environment = VirtualEnv(checkout(tmp_path_factory.mktemp("here")).checkout, said.append)
    with ThreadPoolExecutor() as pool:
        for call in [pool.submit(environment.bring_up_to_date) for _ in range(2)]:
            call.result()
    return Installed(environment, said)


@pytest.mark.process
def test_concurrent_calls_install_once(installed: Installed) -> None:
    assert installed.environment.is_current()
    assert has_small(installed.environment)
    assert len([line for line in installed.said if line.startswith("making")]) == 1


@pytest.mark.process
def test_moved_checkout_is_not_current(installed: Installed, tmp_path: Path) -> None:
    there = shutil.copytree(installed.environment.checkout, tmp_path / "there", symlinks=True)
    assert not VirtualEnv(there, installed.said.append).is_current()


@pytest.mark.process
@pytest.mark.long
def test_failed_installation_begins_again(tmp_path: Path) -> None:
    environment = checkout(tmp_path)
    right = (tmp_path / "requirements.lock").read_text()
    lock(tmp_path, "0" * 64)
    with pytest.raises(command.CommandFailed, match=r"(?s)pip.*0{64}"):
        environment.bring_up_to_date()
    (tmp_path / "requirements.lock").write_text(right)
    assert not environment.is_current()
    environment.bring_up_to_date()
    assert environment.is_current()
    assert has_small(environment)
