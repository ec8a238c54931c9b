"""What is left of a message."""

from time import process_time

import pytest

from harness.domain.failure_text import MESSAGE_CHARACTERS, WORDS, name_parts, normalised, words


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("expected 200, got 500", "expected #, got #"),
        ("took 1.25 s", "took # s"),
        ("<Foo object at 0x7f12ab>", "<Foo object at <hex>>"),
        ("id 6f1b2c3d-0000-4000-8000-1234567890ab gone", "id <uuid> gone"),
        ("at 2026-11-24T04:05:25.175588+00:00 it fell", "at <time> it fell"),
        ("GET http://127.0.0.1:8001/cars/7 failed", "GET <url>/# failed"),
        ("open /tmp/pytest-1/a b.txt", "open /a b.txt"),
        ("commit 0123456789abcdef0123456789abcdef01234567", "commit <hex>"),
        ("two\n  lines\there", "two lines here"),
        ("sha256 of utf8", "sha# of utf8"),
    ],
)
def test_normalised_takes_out_accidents(message: str, expected: str) -> None:
    assert normalised(message) == expected


def test_words_are_different_and_bounded() -> None:
    assert words("Not found: <url> not FOUND x") == ["not", "found", "<url>"]
    assert len(words(" ".join(f"word{'x' * n}" for n in range(500)))) == WORDS


def test_name_parts_split_both_styles() -> None:
    assert name_parts("test_readOnly_mode") == ["test", "read", "only", "mode"]


HOSTILE = [
    "a",
    "0",
    "/",
    "/a",
    "0x",
    "::",
    "[",
    "a1",
    "f-",
    "http://",
    "12:",
    " ",
    "\x00",
    "é",
    "<a>",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_megabyte_costs_no_more_than_its_first_part(piece: str) -> None:
    whole = piece * (1_000_000 // len(piece))
    start = process_time()
    assert normalised(whole) == normalised(whole[:MESSAGE_CHARACTERS])
    assert process_time() - start < 0.5
