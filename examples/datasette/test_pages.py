"""The pages work in a browser: titles, filters, sorting, facets, links, load times."""

import re

import pytest
from playwright.sync_api import Page, expect

BUDGET_SECONDS = 2.0


def filter_by(page: Page, column: str, value: str) -> None:
    page.locator("select[name=_filter_column]").select_option(column)
    page.locator("input[name=_filter_value]").fill(value)
    page.get_by_role("button", name="Apply").click()


def test_home_page_names_the_catalogue(page: Page):
    page.goto("/")
    expect(page).to_have_title("Catalogue of small data sets: catalogue")
    page.get_by_role("link", name="catalogue", exact=True).click()
    expect(page).to_have_url(re.compile("/catalogue$"))


@pytest.mark.parametrize(
    ("table", "title"),
    [
        ("airports", "Airports of the United States"),
        ("weather", "Weather in Seattle by day"),
    ],
)
def test_table_has_its_title(page: Page, table: str, title: str):
    page.goto(f"/catalogue/{table}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_airports_are_filtered_by_state(page: Page):
    page.goto("/catalogue/airports")
    filter_by(page, "state", "DE")
    expect(page.get_by_role("heading", level=3).first).to_contain_text("5 rows")
    expect(page.locator("td.col-state")).to_have_text(["DE"] * 5)


def test_airports_are_filtered_by_city(page: Page):
    page.goto("/catalogue/airports")
    filter_by(page, "city", "Seattle")
    expect(page.locator("td.col-city")).to_have_text(["Seattle"] * 2)


def test_cars_are_filtered_by_year(page: Page):
    page.goto("/catalogue/cars")
    filter_by(page, "year", "1974")
    expect(page.get_by_role("heading", level=3).first).to_contain_text("where year = 1974")


def test_click_on_a_column_sorts_by_it(page: Page):
    page.goto("/catalogue/cars")
    page.get_by_role("link", name="weight_lbs").click()
    expect(page.locator("td.col-weight_lbs").first).to_have_text("1613")
    page.get_by_role("link", name="weight_lbs").click()
    expect(page.locator("td.col-weight_lbs").first).to_have_text("5140")


def test_facet_narrows_the_table(page: Page):
    page.goto("/catalogue/cars?_facet=origin")
    page.locator(".facet-results").get_by_role("link", name="Japan").click()
    expect(page.get_by_role("heading", level=3).first).to_contain_text("79 rows")


def test_harvest_links_to_its_farm(page: Page):
    page.goto("/catalogue/yields")
    page.locator("td.col-site").get_by_role("link", name="Duluth").first.click()
    expect(page).to_have_url(re.compile("/catalogue/sites/Duluth$"))


@pytest.mark.parametrize("table", ["cars", "prices"])
def test_page_loads_within_budget(page: Page, table: str):
    page.goto(f"/catalogue/{table}")
    seconds = page.evaluate("performance.getEntriesByType('navigation')[0].duration / 1000")
    assert seconds < BUDGET_SECONDS, f"/catalogue/{table} took {seconds:.2f} s"
