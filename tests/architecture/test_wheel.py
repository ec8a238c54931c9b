"""What is shipped is the packages, whole, and nothing else."""

from pathlib import Path
from zipfile import ZipFile

from hatchling.builders.wheel import WheelBuilder

from tests.architecture.source import PACKAGES, ROOT

PYTEST_PLUGIN = "_ath_specs.py"


def shipped(folder: Path) -> set[str]:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    names = ZipFile(wheel).namelist()
    return {name for name in names if ".dist-info/" not in name}


def present() -> set[str]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    return {PYTEST_PLUGIN} | {
        path.relative_to(ROOT).as_posix()
        for path in files
        if path.is_file() and path.parent.name != "__pycache__"
    }


def test_wheel_holds_the_packages_alone(tmp_path: Path) -> None:
    assert shipped(tmp_path) == present()
