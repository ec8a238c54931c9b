"""The served tables agree with the data sets they were made from, and with themselves."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date, timedelta

import pandas as pd
import pytest
from vega_datasets import local_data

NAMED_KEYS = 20


def airports() -> list[str]:
    return list(local_data.airports()["iata"])


def prices() -> list[str]:
    stocks = local_data.stocks()
    return [f"{row.symbol} {row.date:%Y-%m-%d}" for row in stocks.itertuples()]


def weather() -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in local_data.seattle_weather()["date"]]


SOURCES = {
    "airports": (airports, lambda row: row["iata"]),
    "prices": (prices, lambda row: f"{row['symbol']} {row['month']}"),
    "weather": (weather, lambda row: row["day"]),
}


def assert_none(what: str, keys: Collection[str]) -> None:
    """Fails with the business keys of the rows that should not be there."""
    named = ", ".join(sorted(keys)[:NAMED_KEYS])
    more = f" and {len(keys) - NAMED_KEYS} more" if len(keys) > NAMED_KEYS else ""
    assert not keys, f"{len(keys)} {what}: {named}{more}"


def repeated(keys: Iterable[str]) -> list[str]:
    return [key for key, times in Counter(keys).items() if times > 1]


@pytest.mark.parametrize("table", SOURCES)
def test_every_row_of_the_source_is_served(rows, table):
    source, key = SOURCES[table]
    assert_none(f"rows missing in {table}", set(source()) - set(map(key, rows(table))))


@pytest.mark.parametrize("table", SOURCES)
def test_every_served_row_is_in_the_source(rows, table):
    source, key = SOURCES[table]
    assert_none(f"rows invented in {table}", set(map(key, rows(table))) - set(source()))
    assert_none(f"rows repeated in {table}", repeated(map(key, rows(table))))


def test_airports_abroad_are_served(rows):
    source = local_data.airports().query("country != 'USA'")["iata"]
    assert_none("rows missing in airports", set(source) - {row["iata"] for row in rows("airports")})


def test_airports_without_a_state_are_served(rows):
    source = local_data.airports(keep_default_na=False).query("state == 'NA'")["iata"]
    assert_none("rows missing in airports", set(source) - {row["iata"] for row in rows("airports")})


def test_airports_lie_on_the_globe(rows):
    astray = [
        row["iata"]
        for row in rows("airports")
        if abs(row["latitude"]) > 90 or abs(row["longitude"]) > 180
    ]
    assert_none("airports off the globe", astray)


def test_prices_are_positive(rows):
    assert_none("prices of nothing", [str(row) for row in rows("prices") if row["price"] <= 0])


def test_prices_belong_to_a_company(rows):
    companies = {row["symbol"] for row in rows("companies")}
    assert_none("unknown companies", {row["symbol"] for row in rows("prices")} - companies)


def test_harvests_belong_to_a_farm(rows):
    farms = {row["name"] for row in rows("sites")}
    assert_none("unknown farms", {row["site"] for row in rows("yields")} - farms)


def test_no_night_is_warmer_than_its_day(rows):
    odd = [row["day"] for row in rows("weather") if row["temp_min"] > row["temp_max"]]
    assert_none("days colder than their night", odd)


def test_no_day_is_left_out(rows):
    days = {date.fromisoformat(row["day"]) for row in rows("weather")}
    calendar = {min(days) + timedelta(n) for n in range((max(days) - min(days)).days + 1)}
    assert_none("days left out", {str(day) for day in calendar - days})


def test_mean_consumption_equals_the_source(rows):
    served = pd.DataFrame(rows("cars")).groupby("origin")["miles_per_gallon"].mean()
    cars = pd.DataFrame(json.loads(local_data.cars.raw()))
    source = cars.groupby("Origin")["Miles_per_Gallon"].mean()
    assert served.to_dict() == pytest.approx(source.to_dict())
