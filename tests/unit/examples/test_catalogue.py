"""The example's database: complete, equal every time, and wrong only as the candidate needs it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from examples.datasette import catalogue


def counted(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as database:
        names = "select name from sqlite_master where type in ('table', 'view')"
        return {
            name: database.execute(f"select count(*) from {name}").fetchone()[0]
            for (name,) in database.execute(names).fetchall()
        }


def test_catalogue_holds_every_row_of_its_sources(tmp_path: Path) -> None:
    catalogue.write(tmp_path / "catalogue.db", catalogue.read())
    assert counted(tmp_path / "catalogue.db") == {
        "companies": 5,
        "prices": 560,
        "airports": 3376,
        "weather": 1461,
        "cars": 406,
        "sites": 6,
        "yields": 120,
        "monthly_weather": 48,
    }


def test_same_tables_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first.db", "second.db"):
        catalogue.write(tmp_path / name, catalogue.read())
    assert (tmp_path / "first.db").read_bytes() == (tmp_path / "second.db").read_bytes()


def test_dates_are_written_in_iso_order() -> None:
    tables = catalogue.read()
    assert tables["prices"][0] == ("MSFT", "2000-01-01", 39.81)
    assert tables["weather"][0] == ("2012-01-01", 0.0, 12.8, 5.0, 4.7, "drizzle")


def test_unmeasured_power_stays_empty() -> None:
    powers = [row[5] for row in catalogue.read()["cars"]]
    assert powers.count(None) == 6


def test_price_of_an_unknown_company_is_refused(tmp_path: Path) -> None:
    prices: list[catalogue.Row] = [("XYZ", "2000-01-01", 1.0)]
    tables = {"companies": catalogue.COMPANIES, "prices": prices}
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        catalogue.write(tmp_path / "catalogue.db", tables)


def test_existing_catalogue_is_not_written_over(tmp_path: Path) -> None:
    catalogue.write(tmp_path / "catalogue.db", {})
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        catalogue.write(tmp_path / "catalogue.db", {})


def test_candidate_loses_the_airports_without_a_city() -> None:
    tables = catalogue.read()
    faulty = catalogue.without_unnamed_cities(tables)
    lost = {str(row[0]) for row in tables["airports"]} - {str(row[0]) for row in faulty["airports"]}
    assert " ".join(sorted(lost)) == "CLD HHH MIB MQT RCA RDR ROP ROR SCE SKA SPN YAP"


def test_candidate_keeps_all_other_tables() -> None:
    tables = catalogue.read()
    faulty = catalogue.without_unnamed_cities(tables)
    assert {**faulty, "airports": ()} == {**tables, "airports": ()}
