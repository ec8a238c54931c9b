"""CTRF out and in."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.domain.attempt import ArtifactRef, AttemptResult, Failure, Phase, Verdict
from harness.domain.ctrf import ctrf_json
from harness.domain.ctrf_reader import read_ctrf
from harness.domain.foreign import DEFAULT_LIMITS, ForeignResults
from harness.domain.ids import Digest
from harness.domain.results import RunResults, TestOutcome
from harness.errors import HarnessError, InvalidInput, TooLarge
from tests.unit.domain import a_ctrf
from tests.unit.domain.test_junit_round_trip import a_test, bad
from tests.unit.domain.test_junit_round_trip import tests as any_tests
from tests.unit.domain.values import a_run

PYTEST = {
    "reportFormat": "CTRF",
    "specVersion": "1.0.0",
    "results": {
        "tool": {"name": "pytest", "version": "9.2.0"},
        "summary": {"tests": 2, "start": 1795635095582},
        "environment": {"osPlatform": "linux"},
        "tests": [
            {
                "name": "test_a.py::test_flaky",
                "status": "passed",
                "duration": 1,
                "suite": ["test_a.py"],
                "retries": 1,
                "retryAttempts": [
                    {
                        "attempt": 1,
                        "status": "failed",
                        "duration": 13,
                        "message": "assert 1 == 2",
                        "trace": "E       assert 1 == 2\n\ntest_a.py:7: AssertionError",
                    }
                ],
                "flaky": True,
                "filePath": "test_a.py",
                "tags": ["smoke", "slow"],
                "steps": [{"name": "open", "status": "passed"}],
            }
        ],
    },
}
PLAYWRIGHT = {
    "results": {
        "tool": {"name": "playwright"},
        "summary": {},
        "tests": [
            {"name": "waits", "status": "failed", "rawStatus": "timedOut", "duration": 302,
             "suite": "one > shop.spec.js", "message": "\x1b[31mTest timeout\x1b[39m",
             "attachments": [{"name": "a", "contentType": "text/plain", "path": "/x/a.txt"}]},
            {"name": "is flaky", "status": "passed", "duration": 1, "flaky": True},
            {"name": "is odd", "status": "other", "rawStatus": "broken", "duration": 1},
            {"name": "is todo", "status": "pending", "duration": 0, "stdout": ["a", "b"]},
        ],
    }
}  # fmt: skip
DOCUMENT = json.dumps(PYTEST).encode()


def read(document: object) -> ForeignResults:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_ctrf(io.BytesIO(content), "c.json")


def written(*tests: TestOutcome) -> Any:
    return json.loads(b"".join(ctrf_json(RunResults(a_run(), tests))))


def test_retries_become_attempts() -> None:
    results = read(PYTEST)
    (test,) = results.tests
    assert (test.id, test.verdict, results.tool) == (
        "test_a.py::test_flaky",
        Verdict.FLAKY,
        "pytest",
    )
    failure = test.attempts[0].result.failure
    assert failure is not None
    assert (failure.exception, failure.message) == ("AssertionError", "assert 1 == 2")
    last = test.attempts[1].result
    assert (last.properties, last.sections) == (
        {"tags": "smoke slow"},
        (("steps", "passed  open"),),
    )


def test_older_drafts_and_other_tools_are_read() -> None:
    found = {str(test.id): test for test in read(PLAYWRIGHT).tests}
    assert {name: str(test.verdict) for name, test in found.items()} == {
        "one > shop.spec.js::waits": "timed_out",
        "is flaky": "flaky",
        "is odd": "errored",
        "is todo": "skipped",
    }
    waits = found["one > shop.spec.js::waits"].attempts[0]
    assert waits.attachments[0].path == "/x/a.txt"
    assert waits.result.failure == Failure("", "Test timeout", text="Test timeout")
    assert found["is todo"].attempts[0].result.sections == (("stdout", "a\nb"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends in the middle at line 1"),
        (DOCUMENT[:300], "c.json ends in the middle|is no JSON at line 1"),
        (b"[1, 2]", "no CTRF report: it has no results.tests"),
        (b'{"results": {"tests": [1]}}', "a test is no object"),
        (b'{"reportFormat": "X", "results": {"tests": []}}', "no CTRF report"),
        (b'{"results": {"tests": []}} x', "is no JSON"),
        (b'{"results": {"tests": [1, ]}}', "is no JSON|no object"),
        (b'{"results": {"tests": [{"name": }]}}', "is no JSON"),
        (b"\xff\xfe{\x00}\x00", "is no JSON"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(content)


def test_depth_is_bounded_where_values_are_built_and_free_where_not() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert read(b'{"x": ' + deep + b', "results": {"tests": []}}').tests == ()
    with pytest.raises(TooLarge, match="nests more than 100"):
        read(b'{"results": {"tests": [{"suite": ' + deep + b"}]}}")


@given(
    st.sampled_from(["\\\\", "\\n", "\\u00e9", '\\"', "x", "\\ud83d\\ude00"]), st.integers(0, 12)
)
@settings(max_examples=15, deadline=None)
def test_long_strings_are_cut_between_escapes(piece: str, shift: int) -> None:
    text = "y" * shift + piece * (4 << 20 >> len(piece).bit_length() - 1) + "z" * shift
    (test,) = read(
        f'{{"results": {{"tests": [{{"name": "t", "message": "{text}"}}]}}}}'.encode()
    ).tests
    failure = test.attempts[0].result.failure
    assert failure is not None
    assert failure.message.startswith("y" * shift)
    assert len(failure.message) < 70_000


def test_limits_are_named() -> None:
    for limits, message in (
        (replace(DEFAULT_LIMITS, bytes=100), "more than 0 MiB"),
        (replace(DEFAULT_LIMITS, elements=20), "more than 20 values"),
        (replace(DEFAULT_LIMITS, tests=0), "more than 0 tests"),
    ):
        with pytest.raises(TooLarge, match=message):
            read_ctrf(io.BytesIO(DOCUMENT), "c.json", limits)


def test_every_verdict_has_its_status() -> None:
    failed = AttemptResult(
        Verdict.FAILED,
        0.25,
        (Phase("call", "failed", 0.25, Failure("E", "no", text="trace")),),
        (("Captured stdout call", "out"), ("Captured stderr call", "err")),
        artifacts=(ArtifactRef("tests/0/a/shot.png", Digest("a" * 64), 3, "image/png"),),
    )
    verdicts = [v for v in Verdict if v is not Verdict.FLAKY]
    tests = [a_test(n, "t", [AttemptResult(v)]) for n, v in enumerate(verdicts)]
    document = written(*tests, a_test(7, "t", [failed, AttemptResult(Verdict.PASSED)]),
                       a_test(8, "t", []))  # fmt: skip
    assert a_ctrf.document(document)
    assert [test["status"] for test in document["results"]["tests"]] == [
        *("passed", "failed", "other", "skipped", "failed", "other", "passed", "pending"),
    ]
    flaky = document["results"]["tests"][6]
    assert flaky["flaky"]
    assert flaky["retryAttempts"] == [
        {
            "attempt": 1,
            "attemptId": "7-1",
            "status": "failed",
            "duration": 250,
            "message": "no",
            "trace": "trace",
            "stdout": ["out"],
            "stderr": ["err"],
            "attachments": [
                {
                    "name": "shot.png",
                    "contentType": "image/png",
                    "path": "tests/0/a/shot.png",
                    "extra": {"digest": "a" * 64, "size": 3},
                }
            ],
            "extra": {"verdict": "failed"},
        }
    ]
    counts = {"passed": 2, "failed": 2, "skipped": 1, "other": 2, "pending": 1, "flaky": 1}
    times = {"start": 1893499200000, "stop": 1893499200000}
    assert document["results"]["summary"] == {"tests": 8, **counts, **times}


@given(any_tests)
@settings(max_examples=300, deadline=None)
def test_results_written_as_ctrf_are_valid_and_read_back_the_same(
    tests: tuple[TestOutcome, ...],
) -> None:
    document = written(*tests)
    assert a_ctrf.document(document)
    found = read(document).tests
    assert [test.id for test in found] == [test.case.id for test in tests]
    assert [test.verdict for test in found] == [test.verdict for test in tests]
    for theirs, ours in zip(found, tests, strict=True):
        assert bad(a.result for a in theirs.attempts) == bad(a.result for a in ours.attempts)
        assert len(theirs.attempts) == len(ours.attempts)


@given(st.binary(max_size=200))
def test_any_bytes_give_results_or_our_error(content: bytes) -> None:
    try_to_read(content)


NAMES = st.sampled_from(["name", "status", "suite", "retryAttempts", "steps", "flaky", "line"])
leaves = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["passed", "failed", "CTRF"])
)
branches = st.lists(leaves, max_size=4) | st.dictionaries(NAMES, leaves, max_size=5)
trees = st.lists(branches, max_size=4) | st.dictionaries(NAMES, branches | leaves, max_size=5)
values = leaves | branches | trees


@given(st.lists(values, max_size=4))
def test_any_values_give_results_or_our_error(tests: list[object]) -> None:
    try_to_read(json.dumps({"results": {"tests": tests}}).encode())


@given(st.integers(0, len(DOCUMENT)), st.binary(max_size=4), st.integers(0, 9))
def test_any_damage_gives_results_or_our_error(place: int, patch: bytes, lost: int) -> None:
    try_to_read(DOCUMENT[:place] + patch + DOCUMENT[place + lost :])


def try_to_read(content: bytes) -> None:
    try:
        read(content)
    except HarnessError:
        return
