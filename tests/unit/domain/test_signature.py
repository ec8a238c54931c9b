"""What identifies a failure."""

from dataclasses import replace
from math import isclose
from time import process_time

import pytest

from harness.domain.attempt import Failure, Frame
from harness.domain.ids import TestId
from harness.domain.signature import TITLE_CHARACTERS, sign

FRAMES = (
    Frame("check_status", "tests/test_api.py", 12),
    Frame("test_cars", "tests/test_api.py", 40),
)
FAILURE = Failure("AssertionError", "AssertionError: expected 200, got 500\nassert False", FRAMES)
TEST = TestId("tests/test_api.py::test_cars[1]")


def test_title_is_one_line_for_people() -> None:
    title = "AssertionError: expected 200, got 500 — in test_api.check_status"
    assert sign(FAILURE, TEST).title == title


@pytest.mark.parametrize(
    "same",
    [
        replace(FAILURE, message="expected 201, got 503\nassert False"),
        replace(FAILURE, frames=tuple(replace(frame, line=1) for frame in FRAMES)),
        replace(FAILURE, text="printed differently"),
    ],
)
def test_accidents_do_not_change_the_key(same: Failure) -> None:
    assert sign(same, TEST).key == sign(FAILURE, TEST).key


@pytest.mark.parametrize(
    "other",
    [
        replace(FAILURE, message="label is missing"),
        replace(FAILURE, exception="KeyError"),
        replace(FAILURE, frames=FRAMES[1:]),
    ],
)
def test_another_cause_changes_the_key(other: Failure) -> None:
    assert sign(other, TEST).key != sign(FAILURE, TEST).key


def test_without_frames_the_test_tells_failures_apart() -> None:
    late = Failure("TimeoutError", "no end after 5 s")
    one, same, other = (TestId(name) for name in ("a.py::t[1]", "a.py::t[2]", "b.py::t"))
    assert sign(late, one).key == sign(late, same).key != sign(late, other).key


def test_features_have_unit_length() -> None:
    weights = sign(FAILURE, TEST).features.values()
    assert isclose(sum(weight * weight for weight in weights), 1.0)


def test_nothing_known_still_gives_a_signature() -> None:
    signature = sign(Failure("", ""), TestId(""))
    assert signature.title == "Failure"
    assert signature.features


@pytest.mark.parametrize("piece", ["a", "/a", "1.", "AssertionError: ", "\n", "\ud800", "a::b["])
def test_hostile_megabyte_is_cheap_and_short(piece: str) -> None:
    huge = piece * (1_000_000 // len(piece))
    failure = Failure(huge, huge, tuple(Frame(huge, huge, 1) for _ in range(50)), huge)
    start = process_time()
    signature = sign(failure, TestId(huge))
    assert process_time() - start < 1.0
    assert len(signature.title) <= TITLE_CHARACTERS
    assert sum(map(len, signature.features)) < 200_000
