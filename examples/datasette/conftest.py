"""What the suite shares: a client of the server under test, and whole tables read through it."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from vega_datasets import local_data

Rows = list[dict[str, Any]]  # cells are whatever JSON holds

PATIENCE_MS = 3_000


@pytest.fixture(scope="session")
def api(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def rows(api: httpx.Client) -> Callable[[str], Rows]:
    """Reads all rows of a table, page by page and once a session."""

    @cache
    def read(table: str) -> Rows:
        found: Rows = []
        address = f"/catalogue/{table}.json?_shape=objects&_size=max"
        while address:
            page = api.get(address).raise_for_status().json()
            found += page["rows"]
            address = page["next_url"]
        return found

    return read


@pytest.fixture
def page(page: Page) -> Page:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return page


@pytest.fixture
def served_airports(rows: Callable[[str], Rows]) -> Rows:
    return rows("airports")


@pytest.fixture
def served_prices(rows: Callable[[str], Rows]) -> Rows:
    return rows("prices")


@pytest.fixture
def served_companies(rows: Callable[[str], Rows]) -> Rows:
    return rows("companies")


@pytest.fixture
def known_airports() -> pd.DataFrame:
    return local_data.airports(keep_default_na=False)
