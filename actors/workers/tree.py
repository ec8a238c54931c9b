"""A private, writable copy of a suite's source."""

import tarfile
from pathlib import Path

from harness.domain.suite import SuiteVersion
from harness.errors import InvalidInput

MAX_FILES = 200_000
MAX_BYTES = 4 << 30


def unpack(archive: Path, suite: SuiteVersion, into: Path) -> Path:
    """Unpack the suite's archive into a folder of its own name; gives the working directory.

    Raises:
        InvalidInput: the archive is broken, too large, or reaches outside its folder.
    """
    if Path(suite.folder).name != suite.folder or suite.folder in {"", ".", ".."}:
        raise InvalidInput(f"The suite's folder name {suite.folder!r} is not a plain name.")
    root = into / suite.folder
    root.mkdir(mode=0o700, parents=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(root, members=_bounded(tar), filter="data")
    except (tarfile.TarError, EOFError) as broken:
        raise InvalidInput(
            f"The suite archive {suite.digest[:12]} cannot be unpacked: {broken}. Upload it again."
        ) from broken
    cwd = (root / suite.cwd).resolve()
    if not cwd.is_relative_to(root.resolve()) or not cwd.is_dir():
        raise InvalidInput(f"The suite has no folder {suite.cwd!r} to run in.")
    return cwd


def _bounded(tar: tarfile.TarFile) -> "list[tarfile.TarInfo]":
    members, size = [], 0
    for member in tar:
        members.append(member)
        size += member.size
        if len(members) > MAX_FILES or size > MAX_BYTES:
            raise InvalidInput(
                f"The suite unpacks to more than {MAX_FILES} files or {MAX_BYTES >> 30} GiB. "
                "Leave out what the tests do not need."
            )
    return members
