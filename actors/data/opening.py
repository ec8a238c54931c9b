"""Sources opened for reading: paths confined, archives unpacked, databases asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.data.confinement import Confinement
from actors.data.csv_file import open_csv
from actors.data.frames import open_frame
from actors.data.json_lines import open_json_lines
from actors.data.parquet import open_parquet
from actors.data.reading import OpenSource
from actors.data.rules import Source, TypeName
from actors.data.sql_result import open_sql
from actors.data.text_files import unpacked
from harness.errors import InvalidInput, NotFound
from harness.ports.query import Query

_TASKS_PER_WORKER = 4
_TEXT_DECODED = 8
"""Bytes in work for each byte of a text file: its lines, columns, masks and copies."""


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens the sources of one validation."""

    paths: Confinement
    scratch: Path
    frames: Mapping[str, object]
    databases: Callable[[str], Query] | None
    """By the name of the secret that holds the address."""
    worker_bytes: int
    """What one task may take."""
    workers: int
    unpacked_bytes: int
    """How large an archive may become."""

    def open(self, source: Source, types: Mapping[str, TypeName]) -> OpenSource:
        """The source; `types` says how texts are read.

        Raises:
            HarnessError: it is not there, leads out of the folder, or is not what it should be.
        """
        if source.parquet is not None:
            return self._parquet(source, source.parquet)
        if source.csv is not None:
            files = self._texts(source.csv, (".csv", ".csv.gz"))
            size = self._range_bytes(files)
            name = source.name or _stem(source.csv)
            return open_csv(name, files, types, source.delimiter, source.nulls, size)
        if source.jsonl is not None:
            files = self._texts(source.jsonl, (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"))
            name = source.name or _stem(source.jsonl)
            return open_json_lines(name, files, types, self._range_bytes(files))
        if source.frame is not None:
            return self._frame(source, source.frame)
        return self._sql(source, str(source.sql))

    def _parquet(self, source: Source, pattern: str) -> OpenSource:
        files = self.paths.files(pattern, (".parquet", ".pq"))
        place = self.paths.root / self.paths.inner(pattern)
        base = place if place.is_dir() else self.paths.root
        tasks = self.workers * _TASKS_PER_WORKER
        name = source.name or _stem(pattern)
        return open_parquet(name, base, files, self.worker_bytes, tasks)

    def _texts(self, pattern: str, endings: tuple[str, ...]) -> Sequence[tuple[Path, str]]:
        found = self.paths.files(pattern, endings)
        named = [(path, str(path.relative_to(self.paths.root))) for path in found]
        left, plain = self.unpacked_bytes, []
        for path, said in named:
            copy = unpacked(path, said, self.scratch, left)
            left -= copy.stat().st_size if copy != path else 0
            plain.append((copy, said))
        return plain

    def _range_bytes(self, files: Sequence[tuple[Path, str]]) -> int:
        size = sum(path.stat().st_size for path, _ in files)
        fair = size // (self.workers * _TASKS_PER_WORKER)
        return max(1 << 20, min(fair, self.worker_bytes // _TEXT_DECODED))

    def _frame(self, source: Source, name: str) -> OpenSource:
        if name not in self.frames:
            known = ", ".join(sorted(self.frames)) or "none"
            raise NotFound(f"no frame {name!r} was handed over; there is {known}")
        return open_frame(source.name or name, self.frames[name], 1 << 18)

    def _sql(self, source: Source, secret: str) -> OpenSource:
        if self.databases is None:
            raise InvalidInput("a source in sql needs a database, and none can be asked here")
        query = self.databases(secret)
        statement = source.query or query.whole_table(str(source.table))
        return open_sql(source.name or source.table or secret, query, statement, self.scratch)


def _stem(pattern: str) -> str:
    """The file's or folder's name without its endings; a glob's folder."""
    parts = [part for part in Path(pattern).parts if not any(sign in part for sign in "*?[")]
    return parts[-1].split(".")[0] if parts else pattern
