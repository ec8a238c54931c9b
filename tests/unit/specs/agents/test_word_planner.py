"""What is done for which words, without a model."""

from typing import Any

import pytest

from actors.specs.agents.page_view import PageView
from actors.specs.agents.planner import Situation, Stuck, Turn
from actors.specs.agents.word_planner import WordPlanner
from tests.unit.specs.agents.pages import SHELF, a_view

EMAIL = {"role": "textbox", "name": "Email", "exact": True}
PASSWORD = {"role": "textbox", "name": "Password", "exact": True}


def planned(
    goal: str, *inputs: str, view: PageView | None = None
) -> list[dict[str, Any]]:  # Any: an action as YAML holds it
    """All actions on a page that stays as it is."""
    planner, turns = WordPlanner(), list[Turn]()
    while True:
        situation = Situation(goal, inputs, ("it is not yet so",), view or a_view(), turns)
        try:
            turns.append(Turn(planner.next(situation, 1.0)))
        except Stuck as stuck:
            if "every part of the goal was done" not in str(stuck):
                raise
            return [turn.proposal.action.model_dump(exclude_unset=True) for turn in turns]


def add(nth: int) -> dict[str, object]:
    return {"click": {"role": "button", "name": "Add to cart", "exact": True, "nth": nth}}


@pytest.mark.parametrize(
    ("goal", "wanted"),
    [
        ("Add the red shirt to the cart", [add(0)]),
        ("Add the blue shirt to the basket", [add(1)]),
        ('Click "Add to cart" for the blue shirt, then tick gift wrap',
         [add(1), {"check": {"role": "checkbox", "name": "Gift wrap", "exact": True}}]),
        ("Choose Large as size",
         [{"select": {"role": "combobox", "name": "Size", "exact": True, "value": "Large"}}]),
        ("Choose large",
         [{"select": {"role": "combobox", "name": "Size", "exact": True, "value": "Large"}}]),
        ("Fill Email with 'a and b@x.org' and press Enter",
         [{"fill": {**EMAIL, "value": "a and b@x.org"}}, {"press": {"key": "Enter"}}]),
        ("Show more", [{"click": {"text": "Show more", "exact": True}}]),
    ],
)  # fmt: skip
def test_words_become_actions(goal: str, wanted: list[dict[str, object]]) -> None:
    assert planned(goal) == wanted


def test_log_in_fills_what_the_form_asks() -> None:
    view = a_view("\n".join(line for line in SHELF.splitlines() if "e3]" not in line))
    login = {"role": "button", "name": "Log in", "exact": True}
    assert planned("Log in", "email", "password", view=view) == [
        {"fill": {**EMAIL, "value": "${inputs.email}"}},
        {"fill": {**PASSWORD, "value": "${inputs.password}"}},
        {"click": login},
    ]


def test_whole_form_takes_every_input() -> None:
    assert planned("Fill in the form", "email", "password") == [
        {"fill": {**EMAIL, "value": "${inputs.email}"}},
        {"fill": {**PASSWORD, "value": "${inputs.password}"}},
    ]


@pytest.mark.parametrize(
    ("goal", "wanted"),
    [
        ("Feed the cat", "nothing on the page fits 'Feed the cat'; it has link 'Log in'"),
        ("Add it to the cart", "alike; say which one"),
        ("Fill in the Email", "does not say what to fill in"),
        ("Click Checkout", "nothing on the page fits"),
    ],
)
def test_planner_says_what_it_does_not_understand(goal: str, wanted: str) -> None:
    with pytest.raises(Stuck, match=wanted):
        planned(goal)


def test_element_that_failed_is_not_tried_again() -> None:
    planner, view = (
        WordPlanner(),
        a_view('- button "Sign up now" [ref=e1]\n- link "Sign up" [ref=e2]'),
    )
    first = planner.next(Situation("Open Sign up", (), (), view), 1.0)
    failed = [Turn(first, "it does not react")]
    second = planner.next(Situation("Open Sign up", (), (), view, failed), 1.0)
    told = [each.action.model_dump(exclude_unset=True)["click"] for each in (first, second)]
    assert [each["role"] for each in told] == ["link", "button"]
