"""Serves the catalogue with Datasette on 127.0.0.1 until SIGTERM or SIGINT.

`stable` is the program as it should be; `candidate` is the same program with seeded faults.
"""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import catalogue
from datasette.cli import cli  # type: ignore[import-untyped]  # ships no types

HERE = Path(__file__).resolve().parent

SETTINGS = {
    "default_cache_ttl": "0",
    # A trace keeps a picture of the page at every step: long tables make it slow.
    "default_page_size": "25",
    # A busy machine must not turn a slow query into a missing answer.
    "facet_time_limit_ms": "5000",
    "sql_time_limit_ms": "5000",
    "suggest_facets": "off",
}


def main(arguments: Sequence[str]) -> None:
    """Builds the database and serves it in the foreground."""
    options = _options(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with _folder(options.folder) as folder:
        database = folder / "catalogue.db"
        _build(database, options.variant)
        cli.main(_command(database, options.variant, options.port), standalone_mode=False)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variant", choices=("stable", "candidate"), required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--folder", type=Path, help="keep the database in this folder (default: a temporary one)"
    )
    return parser.parse_args(arguments)


def _leave(number: int, frame: object) -> NoReturn:
    # uvicorn ends its own loop first and then raises the signal again, for this handler.
    raise SystemExit(0)


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is None:
        with TemporaryDirectory(prefix="catalogue-") as folder:
            yield Path(folder)
        return
    chosen.mkdir(parents=True, exist_ok=True)
    yield chosen


def _build(database: Path, variant: str) -> None:
    tables = catalogue.read()
    if variant == "candidate":
        tables = catalogue.without_unnamed_cities(tables)
    database.unlink(missing_ok=True)
    catalogue.write(database, tables)


def _command(database: Path, variant: str, port: int) -> list[str]:
    command = ["serve", "--immutable", str(database), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--metadata", str(HERE / "metadata.yaml")]
    for name, value in SETTINGS.items():
        command += ["--setting", name, value]
    if variant == "candidate":
        command += ["--plugins-dir", str(HERE / "plugins")]
    return command


if __name__ == "__main__":
    main(sys.argv[1:])
