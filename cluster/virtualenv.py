"""The checkout's own virtual environment, `.venv`: exactly the lock file, and the project."""

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster import command

_VENV_SECONDS = 300
_PACKAGES_SECONDS = 3600
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "-q")


@dataclass(frozen=True, slots=True)
class VirtualEnv:
    """`.venv` of one checkout.

    The stamp is written last and the marker first, so that an interrupted installation is known:
    the next one starts from nothing. An environment with neither was made by other means, and is
    kept where its Python is the one that installs.
    """

    checkout: Path
    say: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self.checkout / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def is_current(self) -> bool:
        """Whether it holds what the lock and the project ask for. Costs a few milliseconds."""
        return self.python.exists() and _read(self._stamp) == self._wanted()

    def bring_up_to_date(self) -> None:
        """Installs what is missing; waits while another call does.

        Raises:
            CommandFailed: neither uv nor pip could install; the next call tries again.
        """
        self.folder.mkdir(exist_ok=True)
        with self._locked():
            if self.is_current():
                return
            if self._marker.exists() or not self._is_usable():
                self._make()
            self._stamp.unlink(missing_ok=True)
            self._marker.touch()
            self._install()
            self._finish()

    @property
    def _mutex(self) -> Path:
        return self.folder / "ath-install.lock"

    @property
    def _stamp(self) -> Path:
        return self.folder / "ath-installed"

    @property
    def _marker(self) -> Path:
        return self.folder / "ath-installing"

    @property
    def _lock(self) -> Path:
        return self.checkout / "requirements.lock"

    def _wanted(self) -> str:
        project = _digest(self.checkout / "pyproject.toml")
        return f"{_place(self.folder)}{_digest(self._lock)}\n{project}\n"

    def _is_usable(self) -> bool:
        if not self.python.exists():
            return False
        stamp = _read(self._stamp)
        if stamp:
            return stamp.startswith(_place(self.folder))
        return f"= {_version()}" in _read(self.folder / "pyvenv.cfg")

    def _make(self) -> None:
        self.say(f"making {self.folder} with Python {_version()}")
        for child in self.folder.iterdir():
            if child != self._mutex:
                _remove(child)
        self._marker.touch()
        # `sys.executable` may just have been removed, when it was this environment's.
        base = Path(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))
        command.run([str(base), "-m", "venv", str(self.folder)], seconds=_VENV_SECONDS)

    def _install(self) -> None:
        count = _read(self._lock).count("==")
        try:
            self._fetch_uv()
            self.say(f"installing {count} packages with uv")
            self._install_with(
                str(self.folder / "bin" / "uv"),
                "pip",
                "install",
                "-q",
                "--compile-bytecode",
                *self._to(),
            )
        except command.CommandFailed as failure:
            self.say(f"uv cannot install here: {failure}")
            self.say(f"installing {count} packages with pip, which takes some minutes")
            self._install_with(str(self.python), *_PIP, "install")

    def _fetch_uv(self) -> None:
        pinned = self.folder / "ath-uv.lock"
        pinned.write_text(requirement(_read(self._lock), "uv"))
        self.say("fetching uv")
        self._run(str(self.python), *_PIP, "install", *_locked_to(pinned))

    def _install_with(self, *installer: str) -> None:
        self._run(*installer, *_locked_to(self._lock))
        self._run(*installer, "--no-deps", "--no-build-isolation", "-e", str(self.checkout))

    def _to(self) -> tuple[str, str]:
        return "--python", str(self.python)

    def _run(self, *argv: str) -> None:
        command.run(argv, seconds=_PACKAGES_SECONDS)

    def _finish(self) -> None:
        fresh = self.folder / "ath-installed.new"
        fresh.write_text(self._wanted())
        fresh.replace(self._stamp)
        self._marker.unlink()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._mutex.open("a") as mutex:
            try:
                fcntl.flock(mutex, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("waiting for another installation to end")
                fcntl.flock(mutex, fcntl.LOCK_EX)
            # An installer that outlives this process keeps the lock until it has ended.
            os.set_inheritable(mutex.fileno(), True)
            yield


def requirement(lock: str, name: str) -> str:
    """The lines that pin one package, with its hashes; empty where the lock has none."""
    lines: list[str] = []
    for line in lock.splitlines():
        if lines and not lines[-1].endswith("\\"):
            break
        if lines or line.startswith(f"{name}=="):
            lines.append(line)
    return "\n".join(lines) + "\n" if lines else ""


def _locked_to(file: Path) -> tuple[str, ...]:
    return "--require-hashes", "--no-deps", "-r", str(file)


def _place(folder: Path) -> str:
    return f"{folder}\n{_version()}\n"


def _version() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
