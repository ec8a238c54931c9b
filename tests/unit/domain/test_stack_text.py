"""Frames and types out of what runners print, in time that no text can stretch."""

from time import process_time

import pytest

from harness.domain.attempt import Frame
from harness.domain.stack_text import failure_of, is_timeout

PYTHON = """Traceback (most recent call last):
  File "/app/shop.py", line 3, in buy
    pay()
  File "/app/pay.py", line 9, in pay
    raise KeyError("card")
KeyError: 'card'
"""
DOTNET = "System.BadException: no\n   at Shop.Cart.Add(Int32 n) in /src/Cart.cs:line 12"
JAVA = "at a.B.<init>(B.java:7)\nat c.D.e(Native Method)"
PYTEST = "tests/a.py:3: in test_x\n    f()\nlib/b.py:5: ValueError"


@pytest.mark.parametrize(
    ("message", "text", "exception", "innermost"),
    [
        ("KeyError: 'card'", PYTHON, "KeyError", Frame("pay", "/app/pay.py", 9)),
        ("", DOTNET, "System.BadException", Frame("Shop.Cart.Add(Int32 n)", "/src/Cart.cs", 12)),
        ("x", JAVA, "", Frame("a.B.<init>", "B.java", 7)),
        ("x", PYTEST, "ValueError", Frame("", "lib/b.py", 5)),
        ("Failed", "\n  what it was\n", "", None),
        ("note: nothing", "", "", None),
    ],
)
def test_failures_are_told_by_their_text(
    message: str, text: str, exception: str, innermost: Frame | None
) -> None:
    failure = failure_of("", message, text)
    assert failure.exception == exception
    assert (failure.frames[0] if failure.frames else None) == innermost


def test_colours_are_taken_out() -> None:
    assert failure_of("E", "\x1b[31mred\x1b[0m", "#x1B[1mbold").message == "red"


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("org.junit.runners.model.TestTimedOutException", "", True),
        ("Error", "Test timeout of 300ms exceeded.", True),
        ("", "Timeout >5.0s", True),
        ("TimeoutError", "no answer", False),
    ],
)
def test_a_test_that_took_too_long_is_told_from_one_that_met_a_timeout(
    kind: str, message: str, expected: bool
) -> None:
    assert is_timeout(kind, message) is expected


@pytest.mark.parametrize(
    "piece", ["at a.", "at a (", "a:1:", "a.py:1", 'File "', "  a.go:", "\x1b[0;", "at a(b) in c:"]
)
def test_no_text_stretches_the_time(piece: str) -> None:
    line = piece * (400 // len(piece))
    start = process_time()
    failure_of("", "", f"{line}\n" * 160)
    assert process_time() - start < 1
