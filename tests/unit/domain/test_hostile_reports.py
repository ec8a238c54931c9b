"""Reports that were made to hurt: bounded memory, bounded time, and a clear word."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]
ROOT = Path(__file__).resolve().parents[3]
MIB = 1 << 20


def loud() -> Iterator[bytes]:
    """100 MiB of output of one test."""
    yield b'<testsuite><testcase name="t"><failure message="no"/><system-out>first'
    for _ in range(100):
        yield b"x" * MIB
    yield b"last</system-out></testcase></testsuite>"


def crowded() -> Iterator[bytes]:
    """A million tests."""
    yield b"<testsuite>"
    for n in range(100):
        yield b"".join(b'<testcase name="t%d" classname="c"/>' % (n * 10_000 + i)
                       for i in range(10_000))  # fmt: skip
    yield b"</testsuite>"


def full() -> Iterator[bytes]:
    """As many tests as a run takes, and each failed."""
    yield b"<testsuite>"
    for n in range(100):
        yield b"".join(
            b'<testcase name="t%d" classname="c" time="0.1"><failure message="E: no" type="E">'
            b"E: no\n  at a.B.c(B.java:12)</failure></testcase>" % (n * 1_000 + i)
            for i in range(1_000)
        )
    yield b"</testsuite>"


def wordy() -> Iterator[bytes]:
    """Names of a megabyte."""
    yield b"<testsuite>"
    for n in range(60):
        yield b'<testcase name="%d%s" classname="%s"/>' % (n, b"n" * MIB, b"c" * MIB)
    yield b"</testsuite>"


def wide() -> Iterator[bytes]:
    """Texts that need four bytes a character."""
    yield b"<testsuite>"
    text = "😀".encode() + b"x" * 60_000
    for n in range(1_500):
        yield b'<testcase name="%d"><system-out>%s</system-out></testcase>' % (n, text)
    yield b"</testsuite>"


def bomb() -> Iterator[bytes]:
    """A billion laughs."""
    names = "abcdefghij"
    made = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names))
    yield f'<!DOCTYPE x [<!ENTITY a "ha">{made}]><testsuite name="&j;"/>'.encode()


def nested() -> Iterator[bytes]:
    """A million lists that nobody asks for, and a million that somebody does."""
    yield b'{"x": ' + b"[" * (MIB // 2) + b"]" * (MIB // 2)
    yield b', "results": {"tests": [{"name": "t", "status": "passed", "steps": ['
    yield b",".join([b"[]"] * (MIB // 2)) + b"]}]}}"


def loud_json() -> Iterator[bytes]:
    """100 MiB of output of one test, in escapes."""
    yield b'{"results": {"tests": [{"name": "t", "status": "failed", "stdout": ["'
    for _ in range(100):
        yield b"\\n" * (MIB // 2)
    yield b'"]}]}}'


@pytest.mark.parametrize(
    ("kind", "content", "outcome", "mib"),
    [
        ("junit", loud, "1 tests", 30),
        ("junit", bomb, "declares a document type", 10),
        ("junit", full, "100000 tests", 300),
        ("ctrf", nested, "1 tests", 60),
        pytest.param("junit", crowded, "more than 100000 test cases", 200, marks=pytest.mark.long),
        pytest.param("junit", wordy, "60 tests", 60, marks=pytest.mark.long),
        pytest.param("junit", wide, "1500 tests", 400, marks=pytest.mark.long),
        pytest.param("ctrf", loud_json, "1 tests", 300, marks=pytest.mark.long),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_memory_stays_bounded(
    tmp_path: Path,
    kind: str,
    content: Callable[[], Iterator[bytes]],
    outcome: str,
    mib: int,
    record_property: Callable[[str, object], None],
) -> None:
    with (tmp_path / "report").open("wb") as file:
        file.writelines(content())
    ended = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/peak.py"), kind, str(tmp_path / "report")],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=170,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    said, seconds, peak = json.loads(ended.stdout)
    record_property("seconds", seconds)
    record_property("mib", peak)
    sys.stderr.write(f"{said[:60]} {seconds:.1f} s {peak:.0f} MiB\n")
    assert outcome in said
    assert peak < mib
