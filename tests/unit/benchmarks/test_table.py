"""What a benchmark prints."""

import json

import pytest

from benchmarks.table import Figure, json_line, show

SLOW = Figure("start", 20.0, goal=15.0, measured="20.00 s")
FAST = Figure("rps", 0.5, goal=0.4, measured="50 /s", baseline="100 /s", at_least=True)


@pytest.mark.parametrize(
    ("value", "at_least", "met"),
    [(1.0, False, True), (1.1, False, False), (1.0, True, True), (0.9, True, False)],
)
def test_goal_bounds_the_right_side(value: float, at_least: bool, met: bool) -> None:
    figure = Figure("key", value, goal=1.0, measured="", at_least=at_least)
    assert figure.is_met is met


def test_line_names_figures_and_goals() -> None:
    assert json.loads(json_line("mixed", [SLOW, FAST])) == {
        "name": "mixed",
        "figures": {"start": 20.0, "rps": 0.5},
        "goals": {"start": 15.0, "rps": 0.4},
    }


def test_last_line_of_output_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    show("mixed", [SLOW, FAST], as_json=True)
    shown = capsys.readouterr().out.splitlines()
    assert json.loads(shown[-1])["name"] == "mixed"
    assert any("100 /s" in line for line in shown)
