"""An SQLite file that can only be read."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from harness.errors import InvalidInput, Unavailable
from harness.ports.clock import Clock
from harness.ports.table_reader import TableText

LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 20_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
}
BUSY_SECONDS = 2.0
_STEPS = 10_000
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
_REFUSED = {"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "fileio_read"}
_MOST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class SqliteReader:
    """Asks SQLite itself to refuse everything but reading; satisfies `TableReader`."""

    path: Path
    clock: Clock
    seconds: float = 10.0

    def read(self, statement: str, most_rows: int, most_bytes: int) -> TableText:
        """See the port."""
        with self._connection() as connection, _told():
            cursor = connection.execute(statement)
            if cursor.description is None:
                raise InvalidInput("The statement gives no rows; write one SELECT.")
            columns = [str(each[0]) for each in cursor.description]
            return _collected(columns, cursor, most_rows, most_bytes)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        address = f"file:{quote(str(self.path))}?mode=ro"
        try:
            connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)
        except sqlite3.Error as failed:
            kind = type(failed).__name__
            raise Unavailable(f"The database does not answer ({kind}).") from None
        with closing(connection):
            connection.text_factory = _decoded
            for name, limit in LIMITS.items():
                connection.setlimit(name, limit)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            end = self.clock.monotonic() + self.seconds
            connection.set_progress_handler(lambda: self.clock.monotonic() > end, _STEPS)
            connection.set_authorizer(_authorized)
            yield connection


def _authorized(action: int, _first: str | None, second: str | None, *_: str | None) -> int:
    if action in _ALLOWED:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _REFUSED:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _collected(
    columns: Sequence[str], cursor: sqlite3.Cursor, most_rows: int, most_bytes: int
) -> TableText:
    rows: list[str] = []
    for row in cursor:
        text = _row(columns, row)
        most_bytes -= len(text.encode())
        if len(rows) >= most_rows or most_bytes < 0:
            return TableText(rows, is_cut=True)
        rows.append(text)
    return TableText(rows)


def _row(columns: Sequence[str], row: Sequence[object]) -> str:
    """Written by hand, since two columns may have one name."""
    pairs = zip(columns, row, strict=True)
    return f"{{{', '.join(f'{_json(name)}: {_json(value)}' for name, value in pairs)}}}"


def _json(value: object) -> str:
    plain = f"\\x{value.hex()}" if isinstance(value, bytes) else value
    return json.dumps(plain, ensure_ascii=False)


def _decoded(data: bytes) -> str:
    return data.decode(errors="replace")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as refused:
        if getattr(refused, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise InvalidInput("The statement took too long; ask for less.") from None
        words = str(refused)[:_MOST_MESSAGE]
        raise InvalidInput(f"The database refused the statement: {words}.") from None
    except (sqlite3.Warning, ValueError, OverflowError) as refused:
        words = str(refused)[:_MOST_MESSAGE]
        raise InvalidInput(f"The database refused the statement: {words}.") from None
