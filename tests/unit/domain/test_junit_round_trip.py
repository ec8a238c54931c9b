"""What is written as JUnit reads back as the same; whatever is read gives results or our error."""

import io
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.domain.attempt import (
    Attempt,
    AttemptResult,
    AttemptState,
    Failure,
    Phase,
    PhaseName,
    Verdict,
)
from harness.domain.foreign import ForeignResults
from harness.domain.ids import AttemptId, RunId, TestId
from harness.domain.junit import junit_xml
from harness.domain.junit_case import address
from harness.domain.junit_reader import read_junit
from harness.domain.results import RunResults, TestOutcome
from harness.domain.suite import TestCase
from harness.errors import HarnessError
from tests.unit.domain import junit_dialects
from tests.unit.domain.values import a_run

texts = st.text(max_size=40)
names = st.from_regex(r"[a-z_]{1,12}(\[[ -~]{0,8}\])?", fullmatch=True)
failures = st.builds(Failure, st.sampled_from(["", "ValueError"]), texts, text=texts)


def a_failed(place: PhaseName, failure: Failure) -> AttemptResult:
    return AttemptResult(Verdict.FAILED, 0.5, (Phase(place, "failed", 0.5, failure),))


def a_spoilt(verdict: Verdict, failure: Failure) -> AttemptResult:
    return AttemptResult(verdict, 0.5, (Phase("worker", "failed", 0.5, failure),))


results = st.one_of(
    st.just(AttemptResult(Verdict.PASSED, 1.0, (Phase("call", "passed", 1.0),))),
    st.builds(AttemptResult, st.sampled_from([v for v in Verdict if v is not Verdict.FLAKY])),
    st.builds(a_failed, st.sampled_from(["call", "setup", "teardown", "collect"]), failures),
    st.builds(a_spoilt, st.sampled_from([Verdict.ERRORED, Verdict.TIMED_OUT]), failures),
)


def a_test(index: int, name: str, attempts: list[AttemptResult]) -> TestOutcome:
    test_id = TestId(f"tests/test_{index}.py::{name}")
    return TestOutcome(
        TestCase(test_id, index, f"tests/test_{index}.py"),
        tuple(
            Attempt(
                *(AttemptId(f"{index}-{n}"), RunId("r"), test_id, index, n),
                state=AttemptState.FINISHED,
                result=result,
            )
            for n, result in enumerate(attempts, 1)
        ),
    )


tests = st.lists(st.tuples(names, st.lists(results, max_size=4)), max_size=5).map(
    lambda found: tuple(a_test(n, *each) for n, each in enumerate(found))
)


def read(content: bytes) -> ForeignResults:
    return read_junit(io.BytesIO(content), "j.xml")


@given(tests)
@settings(max_examples=300, deadline=None)
def test_results_written_as_junit_read_back_the_same(tests: tuple[TestOutcome, ...]) -> None:
    found = read(b"".join(junit_xml(RunResults(a_run(), tests)))).tests
    assert [test.id for test in found] == [test.case.id for test in tests]
    assert [(t.classname, t.name) for t in found] == [address(t.case.id) for t in tests]
    assert [test.verdict for test in found] == [test.verdict for test in tests]
    for theirs, ours in zip(found, tests, strict=True):
        assert bad(a.result for a in theirs.attempts) == bad(a.result for a in ours.attempts)


def bad(results: object) -> Counter[Verdict]:
    """The attempts that JUnit tells one by one."""
    found = [r.verdict for r in results if isinstance(r, AttemptResult)]  # type: ignore[attr-defined]
    return Counter(v for v in found if v.is_bad or v is Verdict.ERRORED)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_give_results_or_our_error(content: bytes) -> None:
    try_to_read(content)


pieces = st.sampled_from(
    [
        *("<testsuites>", "</testsuites>", '<testsuite name="pytest">', "</testsuite>"),
        *('<testcase name="a" classname="b">', "</testcase>", "<testcase/>", "<failure>"),
        *("</failure>", "<rerunFailure>", "</rerunFailure>", "<stackTrace>", "</stackTrace>"),
        *("<system-out>", "</system-out>", '<property name="ath.run" value="1"/>', "<property>"),
        *("</property>", "<skipped/>", "text", "&#0;", "<![CDATA[", "]]>", "<flakyError>"),
        *("</flakyError>", "<error/>", "[[ATTACHMENT|a]]", "<!-- -->", "<!DOCTYPE a>", "\x00"),
    ]
)


@given(st.lists(pieces, max_size=25))
@settings(max_examples=500)
def test_any_order_of_elements_gives_results_or_our_error(found: list[str]) -> None:
    try_to_read("".join(["<testsuites>", *found, "</testsuites>"]).encode())


DOCUMENTS = [
    value.encode() for name, value in sorted(vars(junit_dialects).items()) if name.isupper()
]


@given(st.sampled_from(DOCUMENTS), st.data())
@settings(max_examples=300)
def test_any_damage_gives_results_or_our_error(document: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(document)))
    patch = data.draw(st.binary(max_size=5))
    try_to_read(document[:place] + patch + document[place + data.draw(st.integers(0, 20)) :])


def try_to_read(content: bytes) -> None:
    try:
        results = read(content)
    except HarnessError:
        return
    assert len({test.id for test in results.tests}) == len(results.tests)
