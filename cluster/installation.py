"""The files by which an installation is found: its description, its lock and its secrets."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from harness.domain.installation import Installation, PlatformState, Ports
from harness.errors import Conflict, Corrupt, Unavailable

WORKER_PORTS = 100
LOWEST, HIGHEST = 20_000, 32_000
"""Ray demands fixed ports outside 10002 to 19999; above 32768 the kernel hands out its own."""


@dataclass(frozen=True, slots=True)
class InstallationFiles:
    """The durable files of one installation, all readable by its owner alone."""

    home: Path

    def prepare(self) -> None:
        """Make the folders and secrets that are missing."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        for path, size in ((self.secret, 32), (self.token, 32), (self.ray_token, 32)):
            if not path.exists():
                prefix = "ath_" if path == self.token else ""
                _write_private(path, prefix + secrets.token_urlsafe(size))

    @property
    def secret(self) -> Path:
        """Key from which the installation's other keys are derived."""
        return self.home / "secret"

    @property
    def token(self) -> Path:
        """API key of the person who started the platform."""
        return self.home / "token"

    @property
    def ray_token(self) -> Path:
        """Ray's own authentication token."""
        return self.home / "ray-token"

    @property
    def logs(self) -> Path:
        """Folder of the supervisor's and its children's output."""
        return self.home / "logs"

    def read(self) -> Installation | None:
        """The description; None when the platform was never started here.

        Raises:
            Corrupt: the file is not what the platform writes.
        """
        path = self.home / "platform.json"
        try:
            found = json.loads(path.read_text())
            found["ports"] = Ports(**found["ports"])
            found["state"] = PlatformState(found["state"])
            return Installation(**found)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as wrong:
            raise Corrupt(
                f"{path} cannot be read ({wrong}). Stop what runs with `ath down`, then delete it."
            ) from wrong

    def write(self, installation: Installation) -> None:
        """Replace the description in one step."""
        _write_private(self.home / "platform.json", json.dumps(asdict(installation), indent=1))

    def is_running(self) -> bool:
        """Whether a supervisor holds the installation."""
        try:
            with self.held():
                return False
        except Conflict:
            return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the installation; only one supervisor can.

        Raises:
            Conflict: another supervisor holds it.
            Unavailable: the home folder does not exist.
        """
        try:
            handle = os.open(self.home / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as missing:
            raise Unavailable(
                f"There is no platform in {self.home}; `ath up` starts one."
            ) from missing
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as busy:
            raise Conflict(f"A platform is up in {self.home}. `ath down` ends it.") from busy
        finally:
            os.close(handle)


def pick_ports(http: int = 0) -> Ports:
    """Ports that are free now; `http` is kept when given.

    Raises:
        Conflict: the wanted port is taken, or there are not enough free ones.
    """
    if http and not _is_free(http):
        raise Conflict(f"Port {http} is taken. Set ATH_HTTP_PORT to another, or to 0.")
    names = [field.name for field in fields(Ports)]
    start = LOWEST + secrets.randbelow((HIGHEST - LOWEST) // 200) * 200
    for first in [*range(start, HIGHEST, 200), *range(LOWEST, start, 200)]:
        block = range(first, first + len(names))
        if all(_is_free(port) for port in block):
            singles = dict(zip(names, block, strict=True))
            singles |= {"first_worker": first + 50, "last_worker": first + 50 + WORKER_PORTS}
            return Ports(**singles | ({"http": http} if http else {}))
    raise Conflict(f"No {len(names)} free ports in a row between {LOWEST} and {HIGHEST}.")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  # Ray binds all interfaces, so must the probe
        except OSError:
            return False
    return True


def _write_private(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
