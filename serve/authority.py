"""Where the installation's authority is kept: one file in its home, for its owner alone."""

import os
from pathlib import Path

from api.auth.certificates import Certificate, InstallationAuthority
from harness.errors import Corrupt
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from harness.settings import Settings

_SPLIT = b"-----BEGIN CERTIFICATE-----"


def authority(settings: Settings) -> InstallationAuthority:
    """The authority of this installation, made with the first call of whichever process.

    Raises:
        Corrupt: its file holds something else.
    """
    path = settings.home / "authority.pem"
    if not path.exists():
        _make(path)
    key, split, chain = path.read_bytes().partition(_SPLIT)
    try:
        return InstallationAuthority.of(SystemClock(), Certificate(split + chain, key))
    except ValueError as wrong:
        raise Corrupt(f"{path} is no authority ({wrong}). Delete it to get another.") from wrong


def _make(path: Path) -> None:
    saved = InstallationAuthority.fresh(SystemClock()).saved
    partial = path.with_name(f".{path.name}.{SystemEntropy().new_id()}")
    write_private(partial, saved.key + saved.chain)
    try:
        os.link(partial, path)  # whoever is first makes it for all
    except FileExistsError:
        return
    finally:
        partial.unlink()


def write_private(path: Path, data: bytes) -> None:
    """A new file that its owner alone may read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
