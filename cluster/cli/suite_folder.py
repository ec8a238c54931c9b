"""Which folder is the suite that a command was called in, and what its `ath.toml` says."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.domain.environment import Environment
from harness.domain.python_environment import PythonEnvironment
from harness.errors import InvalidInput, NotFound

_MARKS = (
    "ath.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    "setup.py",
)


@dataclass(frozen=True, slots=True)
class SuiteFolder:
    """A suite on the user's disk."""

    root: Path
    """What is uploaded."""
    cwd: str
    """Where the command runs, relative to the root."""
    environments: Mapping[str, Environment] = field(default_factory=dict)
    retries: int = 0
    workers: int | None = None
    python: PythonEnvironment | None = None
    secrets: tuple[str, ...] = ()
    """Names, whose values the platform keeps."""

    def environment(self, name: str) -> Environment:
        """One of the environments that `ath.toml` describes.

        Raises:
            NotFound: it describes none of that name.
        """
        if name not in self.environments:
            known = ", ".join(sorted(self.environments)) or "none"
            raise NotFound(f"No environment {name!r} in {self.root / 'ath.toml'}; it has: {known}.")
        return self.environments[name]

    def packages(self, requirements: Path | None, version: str | None) -> PythonEnvironment | None:
        """What the platform installs: a file named on the command line, or what `ath.toml` says.

        Raises:
            InvalidInput: the file is not in the suite.
        """
        if requirements is None:
            return replace(self.python, version=version) if self.python and version else self.python
        path = (self.root / self.cwd / requirements).resolve()
        if not path.is_file() or not path.is_relative_to(self.root):
            raise InvalidInput(
                f"--requirements names {requirements}, which is no file in the suite {self.root}."
            )
        return PythonEnvironment(path.relative_to(self.root).as_posix(), version)


def find_suite(here: Path) -> SuiteFolder:
    """The suite around a folder: up to the nearest project mark, within the repository.

    Raises:
        InvalidInput: `ath.toml` is wrong; the message says where.
    """
    here = here.resolve()
    root = _root(here)
    cwd = here.relative_to(root).as_posix()
    config = root / "ath.toml"
    if not config.is_file():
        return SuiteFolder(root, cwd)
    try:
        text = config.read_text(encoding="utf-8")
    except UnicodeDecodeError as wrong:
        raise InvalidInput(f"{config}: {wrong}") from wrong
    return described(root, cwd, config, text)


def described(root: Path, cwd: str, config: Path, text: str) -> SuiteFolder:
    """What the text of an `ath.toml` says of a suite.

    Raises:
        InvalidInput: it is wrong; the message says where.
    """
    try:
        return _described(root, cwd, config, tomllib.loads(text))
    except tomllib.TOMLDecodeError as wrong:
        raise InvalidInput(f"{config}: {wrong}") from wrong


def _root(here: Path) -> Path:
    home = Path.home()
    for folder in (here, *here.parents):
        if folder in {home, Path(folder.anchor)} and folder != here:
            break
        if any((folder / mark).is_file() for mark in _MARKS):
            return folder
        if (folder / ".git").exists():
            return folder
    return here


def _described(root: Path, cwd: str, config: Path, found: dict[str, Any]) -> SuiteFolder:
    # Any: what TOML holds is checked field by field below
    _only(config, "", found, {"run", "environments", "python"})
    run = _table(config, "run", found.get("run", {}))
    _only(config, "run", run, {"retries", "workers", "secrets"})
    environments = {
        name: _environment(config, name, _table(config, f"environments.{name}", table))
        for name, table in _table(config, "environments", found.get("environments", {})).items()
    }
    python = _python(config, found["python"]) if "python" in found else None
    return SuiteFolder(
        root=root,
        cwd=cwd,
        environments=environments,
        retries=run.get("retries", 0),
        workers=run.get("workers"),
        python=python,
        secrets=_words(config, "run.secrets", run.get("secrets", [])),
    )


def _python(config: Path, value: object) -> PythonEnvironment:
    table = _table(config, "python", value)
    _only(config, "python", table, {"requirements", "version", "groups", "extras"})
    for key in ("requirements", "version"):
        if not isinstance(table.get(key, ""), str):
            raise InvalidInput(f'{config}: python.{key} must be a string, such as "3.12".')
    if not table.get("requirements"):
        raise InvalidInput(f"{config}: python.requirements must name a lock or requirements file.")
    return PythonEnvironment(
        table["requirements"],
        table.get("version"),
        _words(config, "python.groups", table.get("groups", [])),
        _words(config, "python.extras", table.get("extras", [])),
    )


def _words(config: Path, name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidInput(f"{config}: {name} must be a list of words.")
    return tuple(value)


def _environment(config: Path, name: str, table: dict[str, Any]) -> Environment:
    where = f"environments.{name}"
    _only(config, where, table, {"base_url", "up", "health", "ready_seconds", "variables", "allow"})
    variables = _table(config, f"{where}.variables", table.get("variables", {}))
    up = table.get("up", [])
    if not isinstance(up, list) or not all(isinstance(word, str) for word in up):
        raise InvalidInput(f'{config}: {where}.up must be a list of words, such as ["python", …].')
    for key in ("base_url", "health"):
        if not isinstance(table.get(key, ""), str):
            raise InvalidInput(f"{config}: {where}.{key} must be a string.")
    return Environment(
        name=name,
        base_url=table.get("base_url"),
        up=tuple(up),
        health=table.get("health"),
        ready_seconds=float(table.get("ready_seconds", 60.0)),
        variables={key: str(value) for key, value in variables.items()},
        allow=_allowed(config, f"{where}.allow", table["allow"]) if "allow" in table else None,
    )


def _allowed(config: Path, name: str, value: object) -> tuple[str, ...]:
    words = _words(config, name, value)
    try:
        Environment("", allow=words)
    except InvalidInput as wrong:
        raise InvalidInput(f"{config}: {name}: {wrong}") from None
    return words


def _table(config: Path, name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidInput(f"{config}: {name} must be a table.")
    return value


def _only(config: Path, where: str, table: dict[str, Any], known: set[str]) -> None:
    wrong = sorted(set(table) - known)
    if wrong:
        raise InvalidInput(
            f"{config}: {where or 'the file'} has an unknown field {wrong[0]!r}; "
            f"known are {', '.join(sorted(known))}."
        )
