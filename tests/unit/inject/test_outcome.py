"""What a suite says of its steps is bounded, whatever it says."""

from typing import Any

import pytest

from harness.inject._ath_pytest.outcome import (
    DENIED,
    STEP_DEPTH,
    STEP_DETAILS,
    STEPS,
    denied,
    redacted,
    steps,
)


def test_steps_are_kept_with_what_is_known_of_them() -> None:
    assert steps([{"kind": "api", "name": "GET /", "outcome": "failed", "seconds": 2}]) == [
        {
            "kind": "api",
            "name": "GET /",
            "outcome": "failed",
            "seconds": 2.0,
            "started": 0.0,
            "detail": "",
            "steps": [],
        }
    ]


@pytest.mark.parametrize("found", [None, 3, "steps", [None, 3, [{}]], {"kind": "api"}])
def test_what_is_no_step_is_left_out(found: object) -> None:
    assert steps(found) == []


def test_strange_values_become_harmless() -> None:
    strange = {"outcome": ["x"], "seconds": "x", "started": float("nan"), "steps": 3, "name": None}
    (step,) = steps([strange])
    assert (step["seconds"], step["started"], step["steps"]) == (0.0, 0.0, [])


def test_number_depth_and_size_are_bounded() -> None:
    deep: dict[str, Any] = {"name": "x" * 10_000, "detail": "y" * 100_000}
    for _ in range(50):
        deep = {"name": "n", "steps": [deep] * 3}
    kept = steps([deep, *[{}] * 1000])
    assert count(kept) <= STEPS
    assert depth(kept) <= STEP_DEPTH
    many = steps([{"detail": "y" * 100_000}] * STEPS)
    assert sum(len(step["detail"]) for step in many) <= STEP_DETAILS
    (long,) = steps([{"name": "x" * 10_000, "detail": "y" * 100_000}])
    assert len(long["name"]) < 400
    assert len(long["detail"]) < 9_000


def test_redaction_reaches_every_text() -> None:
    found = {"a": ["hush", 1, {"b": "say hush"}], "c": None}
    assert redacted(found, lambda text: text.replace("hush", "*")) == {
        "a": ["*", 1, {"b": "say *"}],
        "c": None,
    }


def count(kept: list[Any]) -> int:
    return sum(1 + count(step["steps"]) for step in kept)


def depth(kept: list[Any]) -> int:
    return max((1 + depth(step["steps"]) for step in kept), default=0)


def test_denials_are_kept_as_far_as_they_can_be_understood() -> None:
    told = {"host": "a.example", "port": 443, "reason": "no"}
    assert denied([told, 3, {"port": True, "host": 7}]) == [
        told,
        {"host": "7", "port": 0, "reason": ""},
    ]
    assert denied(None) == denied("x") == []
    assert len(denied([told] * 100)) == DENIED
    assert len(denied([{"reason": "x" * 10**6}])[0]["reason"]) < 1000
