"""What an environment is made of: the files that say it, and the key they give."""

import hashlib
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from harness.domain.python_environment import LockKind, PythonEnvironment
from harness.errors import InvalidInput
from harness.events.canonical import Json, canonical

FORMAT = 1
"""Changes with how environments are built, so that none of an earlier way is taken."""
MAX_FILES = 200
MAX_BYTES = 32 << 20
_INCLUDES = {"-r", "--requirement", "-c", "--constraint"}
_LOCAL = re.compile(r"(\.|/|~|file:|[^\s@]+\s*@\s*(file:|\.|/))")
_EDITABLE = ("-e", "--editable")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that a build gets to see of a suite."""

    wanted: PythonEnvironment
    files: Mapping[str, bytes]
    """By path relative to the suite's folder."""

    def key(self, interpreter: str, platform: str, uv: str) -> str:
        """The same for builds that give the same environment; 32 hexadecimal digits."""
        wanted = self.wanted
        parts: Json = {
            "format": FORMAT,
            "named": [wanted.requirements, [*wanted.groups], [*wanted.extras]],
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()},
            "interpreter": interpreter,
            "platform": platform,
            "uv": uv,
        }
        return hashlib.sha256(canonical(parts)).hexdigest()[:32]

    def lay_out(self, folder: Path) -> Path:
        """Write the files below a folder; gives the one that was named."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.wanted.requirements


def read_recipe(root: Path, wanted: PythonEnvironment) -> Recipe:
    """Read from an unpacked suite what its environment is made of.

    Raises:
        InvalidInput: a file is missing, too large, outside the suite, or needs the suite's source.
    """
    reader = _Reader(root.resolve(), {})
    if wanted.kind is LockKind.UV:
        reader.add_project(wanted.requirements)
    elif wanted.kind is LockKind.PYLOCK:
        reader.add(wanted.requirements)
    else:
        reader.add_requirements(wanted.requirements)
    return Recipe(wanted, reader.files)


@dataclass(frozen=True, slots=True)
class _Reader:
    root: Path
    files: dict[str, bytes]

    def add(self, name: str) -> bytes:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise InvalidInput(f"{name} leads out of the suite. Put the file into the suite.")
        if not path.is_file():
            raise InvalidInput(f"The suite has no file {name}. Check the name of --requirements.")
        if path.stat().st_size + sum(map(len, self.files.values())) > MAX_BYTES:
            raise InvalidInput(f"{name} and the files beside it exceed {MAX_BYTES >> 20} MiB.")
        if len(self.files) >= MAX_FILES:
            raise InvalidInput(f"{name} is one of more than {MAX_FILES} requirements files.")
        self.files[name] = path.read_bytes()
        return self.files[name]

    def add_project(self, name: str) -> None:
        """A uv.lock, and the pyproject.toml of every project that it locks."""
        locked = self.add(name)
        try:
            packages = tomllib.loads(locked.decode()).get("package", [])
            sources = [package.get("source", {}) for package in packages]
            local = {str(s[k]) for s in sources for k in ("editable", "virtual") if k in s}
        except (ValueError, AttributeError, TypeError) as wrong:
            raise InvalidInput(f"{name} is no lock that uv wrote: {wrong}") from wrong
        folder = PurePosixPath(name).parent
        for member in sorted({".", *local}):
            self.add(_joined(folder, f"{member}/pyproject.toml"))

    def add_requirements(self, name: str) -> None:
        """A requirements file, and all that it includes."""
        if name in self.files:
            return
        text = self.add(name).decode("utf-8-sig", errors="replace")
        for number, line in _lines(text):
            included = _included(line)
            if included is not None:
                if "://" in included:
                    raise InvalidInput(
                        f"{name} line {number} includes {included}, which may change at any time. "
                        "Put the file into the suite."
                    )
                self.add_requirements(_joined(PurePosixPath(name).parent, included))
            elif line.startswith(_EDITABLE) or _LOCAL.match(line):
                raise InvalidInput(
                    f"{name} line {number} installs from a folder ({line}), which an environment "
                    "that is built once for many runs cannot hold. Take the line out, and let "
                    "pytest find the source (`pythonpath = [...]` in its configuration)."
                )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines without comments, numbered by their first physical line."""
    start, whole = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start if whole else number
        whole += re.sub(r"(^|\s)#.*$", "", line)
        if whole.endswith("\\"):
            whole = whole[:-1]
            continue
        if whole.strip():
            yield start, whole.strip()
        whole = ""


def _included(line: str) -> str | None:
    if not line.startswith("-"):
        return None
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    option, equals, value = words[0].partition("=")
    if option in _INCLUDES:
        return value if equals else next(iter(words[1:]), "")
    if option[:2] in {"-r", "-c"} and not option.startswith("--"):
        return option[2:]
    return None


def _joined(folder: PurePosixPath, name: str) -> str:
    parts: list[str] = []
    for part in (folder / name).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)
