"""The catalogue: an SQLite database made from the data sets that vega_datasets carries."""

import csv
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from vega_datasets import local_data  # type: ignore[import-untyped]  # ships no types

Cell = str | int | float | None
Row = Sequence[Cell]
Tables = Mapping[str, Sequence[Row]]

SCHEMA = """
create table companies (symbol text primary key, name text not null);
create table prices (
    symbol text not null references companies (symbol),
    month text not null,
    price real not null,
    primary key (symbol, month)
);
create table airports (
    iata text primary key,
    name text not null,
    city text not null,
    state text not null,
    country text not null,
    latitude real not null,
    longitude real not null
);
create table weather (
    day text primary key,
    precipitation real not null,
    temp_max real not null,
    temp_min real not null,
    wind real not null,
    weather text not null
);
create table cars (
    id integer primary key,
    name text not null,
    origin text not null,
    year integer not null,
    cylinders integer not null,
    horsepower integer,
    miles_per_gallon real,
    weight_lbs integer not null
);
create table sites (name text primary key);
create table yields (
    site text not null references sites (name),
    variety text not null,
    year integer not null,
    bushels real not null,
    primary key (site, variety, year)
);
create view monthly_weather as
    select substr(day, 1, 7) as month,
           count(*) as days,
           round(sum(precipitation), 1) as precipitation,
           max(temp_max) as temp_max,
           min(temp_min) as temp_min
    from weather
    group by month
    order by month;
"""

COMPANIES: Sequence[Row] = (
    ("AAPL", "Apple"),
    ("AMZN", "Amazon"),
    ("GOOG", "Google"),
    ("IBM", "IBM"),
    ("MSFT", "Microsoft"),
)


def read() -> dict[str, Sequence[Row]]:
    """Returns the rows of every table, parents before the tables that refer to them."""
    yields = list(_yields())
    return {
        "companies": COMPANIES,
        "prices": list(_prices()),
        "airports": list(_airports()),
        "weather": list(_weather()),
        "cars": list(_cars()),
        "sites": [(site,) for site in sorted({str(row[0]) for row in yields})],
        "yields": yields,
    }


def write(path: Path, tables: Tables) -> None:
    """Writes the tables to a new database at `path`; equal tables give equal bytes.

    Raises:
        sqlite3.Error: The file holds a catalogue already, or a row breaks a constraint.
    """
    with closing(sqlite3.connect(path)) as database:
        database.execute("pragma foreign_keys = on")
        database.executescript(SCHEMA)
        with database:
            for table, rows in tables.items():
                _insert(database, table, rows)


def without_unnamed_cities(tables: Tables) -> dict[str, Sequence[Row]]:
    """Returns the tables as an import leaves them that takes the city "NA" for a missing value."""
    named = [row for row in tables["airports"] if row[2] != "NA"]
    return {**tables, "airports": named}


def _insert(database: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    database.executemany(f"insert into {table} values ({marks})", rows)


def _prices() -> Iterator[Row]:
    for row in _csv(local_data.stocks.filepath):
        month = time.strptime(row["date"], "%b %d %Y")
        yield row["symbol"], date(*month[:3]).isoformat(), float(row["price"])


def _airports() -> Iterator[Row]:
    for row in _csv(local_data.airports.filepath):
        place = float(row["latitude"]), float(row["longitude"])
        yield row["iata"], row["name"], row["city"], row["state"], row["country"], *place


def _weather() -> Iterator[Row]:
    measured = ("precipitation", "temp_max", "temp_min", "wind")
    for row in _csv(local_data.seattle_weather.filepath):
        day = row["date"].replace("/", "-")
        yield day, *(float(row[name]) for name in measured), row["weather"]


def _cars() -> Iterator[Row]:
    copied = ("Cylinders", "Horsepower", "Miles_per_Gallon", "Weight_in_lbs")
    cars = json.loads(Path(local_data.cars.filepath).read_text("utf-8"))
    for number, car in enumerate(cars, start=1):
        year = int(car["Year"][:4])
        yield number, car["Name"], car["Origin"], year, *(car[name] for name in copied)


def _yields() -> Iterator[Row]:
    harvests = json.loads(Path(local_data.barley.filepath).read_text("utf-8"))
    for harvest in harvests:
        yield harvest["site"], harvest["variety"], harvest["year"], harvest["yield"]


def _csv(path: str) -> Iterator[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
