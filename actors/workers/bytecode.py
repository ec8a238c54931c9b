"""Compiled Python files of a suite, kept from one run to the next."""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("<4sIII")
"""Magic, flags, and of the source its modification time and size, or its hash (PEP 552)."""
_BY_TIME, _BY_HASH = 0, 3
"""Flags of what Python compares with the source; older versions of pytest go by time."""
_NAME = re.compile(r"(.+?)\.(?:cpython|pypy).*\.pyc")
_DIGEST_BYTES = hashlib.sha256().digest_size
_TIME_BITS = 0xFFFFFFFF
MOST_BYTES = 16 << 20
"""Of one file; whoever writes larger ones does so for another reason."""


def keep_bytecode(root: Path, kept: Path, most_bytes: int) -> None:
    """Replace what is kept by the bytecode below `root` that belongs to the sources beside it.

    Each file is kept with its source's digest, because two versions of a source may have the same
    time and size.
    """
    shutil.rmtree(kept, ignore_errors=True)
    for path in bytecode_below(root):
        content, source = path.read_bytes(), _source_of(path)
        if source is None or not _is_of(content, source):
            continue
        most_bytes -= len(content)
        if most_bytes < 0:
            return
        into = kept / path.relative_to(root)
        into.parent.mkdir(parents=True, exist_ok=True)
        into.write_bytes(_digest(source) + content)


def lay_bytecode(kept: Path, root: Path) -> None:
    """Put kept bytecode beside those sources below `root` that have not changed since."""
    for path in bytecode_below(kept):
        into = root / path.relative_to(kept)
        source = _source_of(into)
        content = path.read_bytes()
        if source is None or content[:_DIGEST_BYTES] != _digest(source):
            continue
        with contextlib.suppress(OSError):  # a suite may have anything there, and lives without
            into.parent.mkdir(exist_ok=True)
            into.write_bytes(_dated(content[_DIGEST_BYTES:], source))


def bytecode_below(folder: Path) -> Iterator[Path]:
    """Compiled files that are just files; links are never followed."""
    for parent, _, names in os.walk(folder):
        here = Path(parent)
        if here.name == "__pycache__":
            found = [here / name for name in names if name.endswith(".pyc")]
            yield from (path for path in found if _is_small_file(path))


def _source_of(compiled: Path) -> Path | None:
    """The source beside it; None if there is none, or it is only a link."""
    match = _NAME.fullmatch(compiled.name)
    if match is None:
        return None
    source = compiled.parent.parent / f"{match[1]}.py"
    links = compiled.parent.is_symlink() or source.parent.is_symlink()
    return source if _is_small_file(source) and not links else None


def _is_small_file(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= MOST_BYTES


def _is_of(content: bytes, source: Path) -> bool:
    if len(content) < _HEADER.size:
        return False
    _, flags, time, size = _HEADER.unpack_from(content)
    status = source.stat()
    is_timely = (time, size) == (int(status.st_mtime) & _TIME_BITS, status.st_size)
    return flags == _BY_HASH or (flags == _BY_TIME and is_timely)


def _dated(content: bytes, source: Path) -> bytes:
    """The same bytecode for a source of the same content and another time."""
    magic, flags, _, size = _HEADER.unpack_from(content)
    if flags == _BY_HASH:
        return content
    time = int(source.stat().st_mtime) & _TIME_BITS
    return _HEADER.pack(magic, flags, time, size) + content[_HEADER.size :]


def _digest(source: Path) -> bytes:
    return hashlib.sha256(source.read_bytes()).digest()
