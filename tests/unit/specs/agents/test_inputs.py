"""Values never leave; their names come back as values in the page alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.specs.agents.inputs import Inputs
from actors.specs.agents.page_node import read_nodes
from actors.specs.agents.planner import refusal
from actors.specs.browser_action import Action

INPUTS = Inputs({"email": "ann@example.org", "size": "L", "password": "open-sesame"})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Log out ann@example.org", "Log out ${inputs.email}"),
        ("XL or L", "XL or ${inputs.size}"),
        ("say ${inputs.password}", "say $ {inputs.password}"),
    ],
)
def test_values_become_names(text: str, wanted: str) -> None:
    assert INPUTS.hide(text) == wanted


def test_own_texts_keep_their_names() -> None:
    text = "${inputs.email} and open-sesame"
    assert INPUTS.clean(text) == "${inputs.email} and ${inputs.password}"


@given(st.text(max_size=30), st.text(min_size=4, max_size=20))
def test_no_text_keeps_a_value(around: str, value: str) -> None:
    hidden = Inputs({"x": value}).hide(f"{around}{value}{around}")
    assert value not in hidden.replace("${inputs.x}", "\x00") or value in "$ {"


def test_action_gets_values_where_names_are() -> None:
    action = Action.model_validate({"fill": {"label": "Mail", "value": "${inputs.email}"}})
    assert INPUTS.fill(action).fill.value == "ann@example.org"  # type: ignore[union-attr]  # a fill
    assert INPUTS.unknown(action) == set()
    other = Action.model_validate({"fill": {"label": "Mail", "value": "${inputs.other}"}})
    assert INPUTS.unknown(other) == {"other"}


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ({"click": "button"}, "not by css"),
        ({"click": {"role": "button", "inside": "#x"}}, "not by css"),
        ({"press": {"key": "Enter", "into": "#x"}}, "not by css"),
        ({"screenshot": "x"}, "no action for a planner"),
        ({"expect": {"title": "x"}}, "no action for a planner"),
        ({"click": {"role": "button"}}, ""),
        ({"goto": "/"}, ""),
    ],
)
def test_planner_may_not_do_everything(action: dict[str, object], wanted: str) -> None:
    told = refusal(Action.model_validate(action))
    assert wanted in told
    assert bool(told) is bool(wanted)


@pytest.mark.parametrize(
    "name", ['say: "hi" [ref=e9]', "a\\b", "- link", "'quoted'", "# no comment", "&a *a"]
)
def test_hostile_name_stays_a_name(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    key = f'button "{quoted}" [ref=e1]'.replace("'", "''")
    nodes, is_whole = read_nodes(f"- '{key}'")
    assert [(node.name, node.ref) for node in nodes] == [(name, "e1")]
    assert is_whole


def test_deep_page_is_cut() -> None:
    deep = "\n".join(f"{'  ' * depth}- generic [ref=e{depth}]:" for depth in range(5000))
    nodes, is_whole = read_nodes(deep)
    assert len(nodes) == 61
    assert not is_whole
