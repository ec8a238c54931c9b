"""The Python packages of a suite that the platform installs."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from harness.errors import InvalidInput

_VERSION = re.compile(r"3\.\d{1,2}(\.\d{1,3})?")
_PYLOCK = re.compile(r"pylock(\.[^.]+)?\.toml")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


class LockKind(StrEnum):
    """What the file is, as its name says."""

    UV = "uv.lock"
    PYLOCK = "pylock.toml"
    REQUIREMENTS = "requirements"


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """Which file says the packages, and for which Python.

    Raises:
        InvalidInput: the path leads out of the suite, or a name or version is none.
    """

    requirements: str
    """A lock or requirements file, relative to the suite's folder, with forward slashes."""
    version: str | None = None
    """Of Python, such as 3.12; None means the platform's own."""
    groups: tuple[str, ...] = ()
    """Dependency groups of a uv.lock beside those that uv takes by default."""
    extras: tuple[str, ...] = ()
    """Optional dependencies of a uv.lock."""

    def __post_init__(self) -> None:
        """Refuse what could not be meant."""
        path = PurePosixPath(self.requirements)
        plain = not {"\\", "\0"} & set(self.requirements)
        if path.is_absolute() or ".." in path.parts or not path.parts or not plain:
            raise InvalidInput(
                f"The requirements file {self.requirements!r} is not within the suite. "
                "Name it relative to the suite's folder."
            )
        if self.version is not None and not _VERSION.fullmatch(self.version):
            raise InvalidInput(f"{self.version!r} is no version of Python 3. Write it as 3.12.")
        for name in (*self.groups, *self.extras):
            if not _NAME.fullmatch(name):
                raise InvalidInput(f"{name!r} is no name of a dependency group or extra.")
        if (self.groups or self.extras) and self.kind is not LockKind.UV:
            raise InvalidInput(f"{self.requirements} has no groups or extras; only a uv.lock has.")

    @property
    def kind(self) -> LockKind:
        """What kind of file it is."""
        name = PurePosixPath(self.requirements).name
        if name == "uv.lock":
            return LockKind.UV
        return LockKind.PYLOCK if _PYLOCK.fullmatch(name) else LockKind.REQUIREMENTS
