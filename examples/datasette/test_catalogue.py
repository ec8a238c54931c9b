"""The catalogue offers what its users look for."""

import pytest


@pytest.fixture(scope="module")
def catalogue(api):
    return api.get("/catalogue.json").raise_for_status().json()


class TestTables:
    def test_all_tables_are_offered(self, catalogue):
        names = [table["name"] for table in catalogue["tables"] if not table["hidden"]]
        assert sorted(names) == [
            "airports",
            "cars",
            "companies",
            "prices",
            "sites",
            "weather",
            "yields",
        ]

    @pytest.mark.parametrize(
        ("table", "keys"),
        [("airports", ["iata"]), ("prices", ["symbol", "month"])],
    )
    def test_rows_are_identified_by_business_key(self, catalogue, table, keys):
        by_name = {each["name"]: each for each in catalogue["tables"]}
        assert by_name[table]["primary_keys"] == keys


class TestAirports:
    @pytest.mark.parametrize(("iata", "city"), [("ATL", "Atlanta"), ("JFK", "New York")])
    def test_airport_is_found_by_its_code(self, api, iata, city):
        answer = api.get(f"/catalogue/airports/{iata}.json?_shape=objects").raise_for_status()
        assert [row["city"] for row in answer.json()["rows"]] == [city]


class TestWeather:
    def test_every_month_has_a_summary(self, api):
        address = "/catalogue/monthly_weather.json?_size=max&_shape=array"
        answer = api.get(address).raise_for_status()
        assert len(answer.json()) == 4 * 12

    def test_hottest_day_was_in_august_2014(self, rows):
        hottest = max(rows("weather"), key=lambda row: row["temp_max"])
        assert (hottest["day"], hottest["temp_max"]) == ("2014-08-11", 35.6)
