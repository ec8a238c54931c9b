"""Whether an element is still the one that was meant."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.specs.agents.fingerprint import (
    Fingerprint,
    best_match,
    differences,
    fingerprint_of,
    score,
)
from actors.specs.agents.page_view import PageView
from tests.unit.specs.agents.pages import SHELF, a_view


def of(ref: str, view: PageView | None = None) -> Fingerprint:
    view = view or a_view()
    node = view.node(ref)
    assert node
    return fingerprint_of(view, node)


def changed(*pairs: tuple[str, str]) -> PageView:
    text = SHELF
    for old, new in pairs:
        text = text.replace(old, new)
    return a_view(text)


def test_what_tells_it_apart_is_kept() -> None:
    assert of("e9").apart == ["red"]
    assert of("e9").around == ["main", "list"]
    assert of("e12").position == 1


@pytest.mark.parametrize("ref", ["e3", "e9", "e12", "e21", "e24", "e27"])
def test_element_of_the_same_page_is_itself(ref: str) -> None:
    assert differences(of(ref), of(ref)) == []
    match, _ = best_match(of(ref), a_view())
    assert match
    assert match.node.ref == ref


@pytest.mark.parametrize(
    ("ref", "pairs", "wanted"),
    [
        ("e9", [("Red", "TMP"), ("Blue", "Red"), ("TMP", "Blue")], "e12"),
        ("e9", [('"Add to cart"', '"Put in the cart"')], "e9"),
        ("e21", [('textbox "Email"', 'textbox "Email address"')], "e21"),
        ("e24", [('"Gift wrap"', '"Wrap as gift"')], "e24"),
    ],
)
def test_moved_or_renamed_element_is_found(
    ref: str, pairs: list[tuple[str, str]], wanted: str
) -> None:
    match, why = best_match(of(ref), changed(*pairs))
    assert match, why
    assert match.node.ref == wanted


@pytest.mark.parametrize(
    ("ref", "pairs"),
    [
        ("e9", [("Red shirt", "Green coat")]),
        ("e24", [('checkbox "Gift wrap"', 'checkbox "Newsletter"')]),
        ("e27", [(" [cursor=pointer]", "")]),
    ],
)
def test_another_element_is_no_match(ref: str, pairs: list[tuple[str, str]]) -> None:
    match, why = best_match(of(ref), changed(*pairs))
    assert match is None, why


def test_other_meaning_is_told() -> None:
    swapped = changed(("Red", "TMP"), ("Blue", "Red"), ("TMP", "Blue"))
    assert differences(of("e9"), of("e9", swapped)) == [
        "beside it was 'Red shirt', is 'Blue shirt'"
    ]


def test_price_beside_it_may_change() -> None:
    before = changed(('"Red shirt"', '"Red shirt, now 20 EUR"'))
    after = changed(('"Red shirt"', '"Red shirt, now 21 EUR"'))
    assert differences(of("e9", before), of("e9", after)) == []


_WORDS = st.text("abc ", max_size=8)
_PRINTS = st.builds(
    Fingerprint, role=st.sampled_from(["button", "link", "textbox"]), name=_WORDS, near=_WORDS,
    around=st.lists(_WORDS, max_size=3), position=st.integers(0, 3),
)  # fmt: skip


@given(_PRINTS, _PRINTS)
def test_score_is_a_share_and_highest_for_itself(one: Fingerprint, other: Fingerprint) -> None:
    assert 0.0 <= score(one, other) <= 1.0
    assert score(one, one) == 1.0
    assert score(one, other) == score(other, one)


def test_cut_page_says_so() -> None:
    whole = a_view()
    assert "the page is longer" in replace(whole, is_whole=False).text
