"""Files that a browser test leaves, without its secrets."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from actors.specs.redaction import Redactor

MOST_BYTES = 256 << 20
"""Unpacked, of all files in one trace; a larger trace is removed, for nobody could clean it."""
_PLAIN = {".har", ".json", ".txt", ".html", ".log"}


def redact_traces(folder: Path, redactor: Redactor) -> None:
    """Replace secret values in traces and texts below a folder; pictures and videos stay."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zip":
            _redact_zip(path, redactor)
        elif path.suffix in _PLAIN and path.is_file():
            data = path.read_bytes()
            clean = redactor.data(data)
            if clean != data:
                path.write_bytes(clean)


def _redact_zip(path: Path, redactor: Redactor) -> None:
    clean = path.with_suffix(".clean")
    try:
        with ZipFile(path) as old, ZipFile(clean, "w", ZIP_DEFLATED) as new:
            room = MOST_BYTES
            for name, data in _entries(old):
                room -= len(data)
                if room < 0:
                    raise BadZipFile("too large")
                new.writestr(name, redactor.data(data))
    except (BadZipFile, NotImplementedError, OSError, EOFError):
        clean.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        return
    shutil.move(clean, path)


def _entries(archive: ZipFile) -> Iterator[tuple[str, bytes]]:
    for entry in archive.infolist():
        with archive.open(entry) as file:
            yield entry.filename, file.read(MOST_BYTES + 1)
