"""Steps of a test whose end is never told."""

from actors.workers.steps_under_way import DEEPEST, MOST, UNFINISHED, StepsUnderWay


def began(name: str) -> dict[str, object]:
    return {"ev": "step", "begun": {"kind": "step", "name": name, "started": 0.5}}


def ended(outcome: str = "passed", detail: str = "") -> dict[str, object]:
    return {"ev": "step", "ended": {"outcome": outcome, "seconds": 1.5, "detail": detail}}


def test_steps_that_ended_are_told_from_the_one_that_did_not() -> None:
    under_way = StepsUnderWay()
    for told in (began("sign in"), ended(), began("buy"), began("pay"), ended("failed", "no"), {}):
        under_way.take(told)
    first, second = under_way.steps()
    assert (first.name, first.outcome, first.seconds) == ("sign in", "passed", 1.5)
    assert (second.name, second.outcome, second.detail) == ("buy", "failed", UNFINISHED)
    assert [(step.name, step.detail) for step in second.steps] == [("pay", "no")]


def test_an_end_without_a_begin_is_ignored() -> None:
    under_way = StepsUnderWay()
    under_way.take(ended())
    assert under_way.steps() == ()


def test_neither_many_nor_deep_steps_are_kept() -> None:
    flat, deep = StepsUnderWay(), StepsUnderWay()
    for number in range(MOST + 10):
        flat.take(began(str(number)))
        flat.take(ended())
        deep.take(began(str(number)))
    assert len(flat.steps()) == MOST
    depth, steps = 0, deep.steps()
    while steps:
        depth, steps = depth + 1, steps[0].steps
    assert depth == DEEPEST
