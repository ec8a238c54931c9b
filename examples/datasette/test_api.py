"""The JSON API keeps its contract: shapes, pages, facets, order, errors, answer times."""

import pytest

BUDGET_SECONDS = 2.0


def get(api, address):
    return api.get(address).raise_for_status().json()


def test_table_answers_with_columns_and_rows(api):
    answer = get(api, "/catalogue/sites.json")
    assert answer["columns"] == ["name"]
    assert answer["rows"][0] == ["Crookston"]
    assert answer["filtered_table_rows_count"] == len(answer["rows"]) == 6


@pytest.mark.parametrize(
    ("shape", "first"),
    [
        ("array", {"symbol": "AAPL", "name": "Apple"}),
        ("objects", {"symbol": "AAPL", "name": "Apple"}),
    ],
)
def test_rows_come_in_the_shape_asked_for(api, shape, first):
    answer = get(api, f"/catalogue/companies.json?_shape={shape}")
    rows = answer if shape == "array" else answer["rows"]
    assert rows[0] == first


def test_pages_lead_to_every_row_once(api):
    seen, address = [], "/catalogue/cars.json?_size=150"
    while address:
        answer = get(api, address)
        seen += [row[0] for row in answer["rows"]]
        address = answer["next_url"]
    assert seen == list(range(1, 407))


def test_facet_counts_each_origin(api):
    answer = get(api, "/catalogue/cars.json?_facet=origin&_size=0")
    counts = {each["value"]: each["count"] for each in answer["facet_results"]["origin"]["results"]}
    assert counts == {"USA": 254, "Japan": 79, "Europe": 73}


@pytest.mark.parametrize(
    ("order", "days"),
    [
        ("_sort=temp_min", ["2013-12-07", "2013-12-08"]),
        ("_sort_desc=precipitation", ["2015-03-15", "2012-11-19"]),
    ],
)
def test_rows_come_in_the_order_asked_for(api, order, days):
    answer = get(api, f"/catalogue/weather.json?{order}&_size=2&_shape=array")
    assert [row["day"] for row in answer] == days


def test_filter_compares_numbers(api):
    answer = get(api, "/catalogue/cars.json?horsepower__gt=220&_shape=array")
    assert sorted(row["horsepower"] for row in answer) == [225, 225, 225, 230]


def test_month_is_summed_up(api):
    answer = get(api, "/catalogue/monthly_weather.json?month=2014-12&_shape=array")
    assert [row["days"] for row in answer] == [31]


def test_warm_days_are_listed_hottest_first(api):
    answer = get(api, "/catalogue/warm_days.json?degrees=34.9&_shape=array")
    assert [row["day"] for row in answer] == ["2014-08-11", "2015-07-19"]


@pytest.mark.parametrize(
    ("address", "status"),
    [("/catalogue/trains.json", 404), ("/catalogue/cars.json?_size=many", 400)],
)
def test_mistake_is_answered_with_its_status(api, address, status):
    answer = api.get(address)
    assert answer.status_code == status
    assert answer.json()["ok"] is False


@pytest.mark.parametrize("table", ["airports", "cars", "prices"])
def test_page_answers_within_budget(api, table):
    answer = api.get(f"/catalogue/{table}").raise_for_status()
    seconds = answer.elapsed.total_seconds()
    assert seconds < BUDGET_SECONDS, f"/catalogue/{table} took {seconds:.2f} s"
