"""What was found on pages becomes a spec that validates, whatever pages say."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actors.specs.agents.exploration import Visited
from actors.specs.agents.proposed_spec import is_description, spec_of_api, spec_of_pages
from actors.specs.loader import load

URL = "http://127.0.0.1:8000/shop"
PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30)


@given(st.lists(st.builds(Visited, PRINTABLE, PRINTABLE, PRINTABLE), max_size=5))
def test_any_pages_make_a_valid_spec(visited: list[Visited]) -> None:
    told = [each for each in visited if each.title or each.heading]
    if not told:
        with pytest.raises(ValueError, match="no page has a title"):
            spec_of_pages(URL, visited)
        return
    spec = load("proposed.ath.yaml", spec_of_pages(URL, visited).encode()).spec
    assert spec.base_url == "http://127.0.0.1:8000"
    assert len(spec.tests) == len(told)


def test_look_up_of_a_page_stays_text() -> None:
    text = spec_of_pages(URL, [Visited("/", "${secrets.X}", "")])
    (test,) = yaml.safe_load(text)["tests"]
    expect = test["steps"][0]["browser"]["do"][1]["expect"]
    assert expect == {"title": {"equals": "$${secrets.X}"}}
    load("proposed.ath.yaml", text.encode())


def test_described_api_is_tested_as_such() -> None:
    text = spec_of_api(URL + "/openapi.json", {"openapi": "3.1.0", "info": {"title": "Shop"}})
    spec = load("proposed.ath.yaml", text.encode()).spec
    assert (spec.suite, spec.openapi and spec.openapi.schema_) == ("Shop", "/shop/openapi.json")


@pytest.mark.parametrize(
    ("found", "wanted"), [({"openapi": "3.1.0"}, True), ({"swagger": "2.0"}, True), ([], False)]
)
def test_description_is_known(found: object, wanted: bool) -> None:
    assert is_description(found) is wanted
