"""The JUnit document, compared with what pytest itself writes."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import cast
from xml.etree import ElementTree

import pytest

from harness.domain.attempt import (
    Attempt,
    AttemptResult,
    AttemptState,
    Failure,
    Phase,
    PhaseName,
    PhaseOutcome,
    Verdict,
)
from harness.domain.ids import AttemptId, RunId, TestId
from harness.domain.junit import junit_xml
from harness.domain.junit_case import address
from harness.domain.results import RunResults, TestOutcome
from harness.domain.suite import TestCase
from tests.unit.domain import junit_zoo
from tests.unit.domain.values import a_run

FAILED = AttemptResult(
    Verdict.FAILED,
    2.0,
    (Phase("call", "failed", 2.0, Failure("AssertionError", "assert 0", text="E  assert 0")),),
    sections=(("Captured stdout call", "out\x1b"), ("Captured stderr call", "err")),
)
PASSED = AttemptResult(Verdict.PASSED, 1.0, (Phase("call", "passed", 1.0),))
LOST = AttemptResult(
    Verdict.ERRORED,
    0.5,
    (Phase("worker", "failed", failure=Failure("InfrastructureError", "host lost")),),
)


def parsed(*tests: TestOutcome) -> ElementTree.Element:
    return ElementTree.fromstring(b"".join(junit_xml(RunResults(a_run(), tests))))


def a_test(*results: AttemptResult | None, name: str = "t.py::test", index: int = 0) -> TestOutcome:
    attempts = tuple(
        Attempt(
            AttemptId(f"a{index}-{number}"),
            RunId("r"),
            TestId(name),
            index,
            number,
            AttemptState.FINISHED if result else AttemptState.QUEUED,
            result=result,
        )
        for number, result in enumerate(results, 1)
    )
    return TestOutcome(TestCase(TestId(name), index, name.partition("::")[0]), attempts)


def inside(*results: AttemptResult | None) -> list[str]:
    return [child.tag for child in parsed(a_test(*results)).iter() if child.tag in KINDS]


KINDS = {"failure", "error", "skipped", "flakyFailure", "flakyError", "rerunFailure", "rerunError"}


@pytest.mark.parametrize(
    ("results", "kinds"),
    [
        ((PASSED,), []),
        ((FAILED,), ["failure"]),
        ((FAILED, PASSED), ["flakyFailure"]),
        ((FAILED, FAILED), ["failure", "rerunFailure"]),
        ((LOST, PASSED), ["flakyError"]),
        ((LOST, FAILED), ["failure", "rerunError"]),
        ((LOST,), ["error"]),
        ((None,), ["skipped"]),
        ((), ["skipped"]),
        ((AttemptResult(Verdict.TIMED_OUT),), ["failure"]),
        ((AttemptResult(Verdict.CANCELLED),), ["skipped"]),
    ],
)
def test_attempts_become_elements(
    results: tuple[AttemptResult | None, ...], kinds: list[str]
) -> None:
    assert inside(*results) == kinds


def test_flaky_test_keeps_what_its_first_attempt_said() -> None:
    flaky = parsed(a_test(FAILED, PASSED)).find(".//flakyFailure")
    assert flaky is not None
    assert flaky.attrib == {"message": "assert 0", "type": "AssertionError"}
    assert flaky.findtext("stackTrace") == "E  assert 0"
    assert "out#x1B" in (flaky.findtext("system-out") or "")
    assert "err" in (flaky.findtext("system-err") or "")


def test_suite_counts_its_cases_and_says_where_it_ran() -> None:
    suite = parsed(a_test(PASSED), a_test(FAILED, name="t.py::b", index=1)).find("testsuite")
    assert suite is not None
    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")}
    assert counted == {
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
        "time": "3.000",
    }
    assert {p.get("name"): p.get("value") for p in suite.findall("properties/property")} == {
        "ath.run": "run1",
        "ath.state": "passed",
        "ath.environment": "stable",
    }


@pytest.mark.parametrize("text", ["\x00\x0b\ud800\ufffe", "]]><&\"'>", "a\r\n\tb", "é😀\u2028"])
def test_any_text_gives_a_document_that_parses(text: str) -> None:
    failure = Failure(text, text, text=text)
    result = replace(
        FAILED,
        phases=(Phase("call", "failed", failure=failure),),
        sections=((text, text),),
        properties={text: text},
    )
    root = parsed(a_test(result, PASSED, name=f"a.py::{text}"))
    assert root.find(".//flakyFailure") is not None


def test_document_is_deterministic_and_streams() -> None:
    results = RunResults(
        a_run(), tuple(a_test(FAILED, PASSED, name=f"t.py::t{n}", index=n) for n in range(10_000))
    )
    start = process_time()
    pieces = list(junit_xml(results))
    assert process_time() - start < 5
    assert len(pieces) > 10_000
    assert pieces == list(junit_xml(results))


@pytest.mark.parametrize(
    ("test_id", "expected"),
    [
        ("a/b/test_x.py::TestC::test_m[a/b.py::c]", ("a.b.test_x.TestC", "test_m[a/b.py::c]")),
        ("test_x.py::test", ("test_x", "test")),
        ("a/test_x.py", ("", "a.test_x")),
        ("cars.list", ("", "cars.list")),
    ],
)
def test_address_splits_as_pytest_does(test_id: str, expected: tuple[str, str]) -> None:
    assert address(TestId(test_id)) == expected


@pytest.mark.process
def test_zoo_reads_as_pytest_writes_it(tmp_path: Path) -> None:
    theirs, seen = run_zoo(tmp_path)
    tests = [a_seen_test(test_id, test, n) for n, (test_id, test) in enumerate(seen.items())]
    ours = parsed(*tests)
    assert told(ours) == told(theirs)
    assert sum(told(ours).values()) > 30


def run_zoo(folder: Path) -> tuple[ElementTree.Element, dict[str, dict[str, object]]]:
    for name, text in {**junit_zoo.FILES, "conftest.py": junit_zoo.CONFTEST}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=j.xml"]
    ended = subprocess.run(
        [*command, "--continue-on-collection-errors"],
        cwd=folder,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        timeout=25,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout.decode()
    seen = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    return ElementTree.parse(folder / "j.xml").getroot(), seen


def a_seen_test(test_id: str, seen: dict[str, object], index: int) -> TestOutcome:
    phases = tuple(map(a_phase, cast("list[dict[str, str]]", seen["phases"])))
    bad = any(phase.outcome == "failed" for phase in phases)
    result = AttemptResult(
        Verdict.FAILED if bad else Verdict.PASSED,
        sum(phase.seconds for phase in phases),
        phases,
        properties=cast("dict[str, str]", seen.get("properties", {})),
    )
    return a_test(result, name=test_id, index=index)


def a_phase(seen: dict[str, str]) -> Phase:
    failed = seen["outcome"] == "failed"
    return Phase(
        cast("PhaseName", seen["name"]),
        cast("PhaseOutcome", seen["outcome"]),
        float(seen["seconds"]),
        Failure("", seen["message"], text=seen["text"]) if failed else None,
        seen["reason"],
    )


def told(root: ElementTree.Element) -> Counter[tuple[object, ...]]:
    """Each testcase with all that decides how a CI system shows it."""
    return Counter(
        (
            case.get("classname"),
            case.get("name"),
            tuple((child.tag, child.get("type"), child.get("message")) for child in case
                  if child.tag != "properties"),
            tuple(tuple(prop.attrib.values()) for prop in case.iter("property")),
        )
        for case in root.iter("testcase")
    )  # fmt: skip


def test_quarantined_failure_is_told_as_skipped() -> None:
    plain = a_test(FAILED)
    harmless = replace(plain, case=replace(plain.case, quarantined="SHOP-1"))
    suite = parsed(harmless)[0]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    skipped = suite.find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "failed, but quarantined: SHOP-1"
    assert skipped.text == "E  assert 0"


def test_quarantined_test_that_passes_is_told_as_passed() -> None:
    plain = a_test(PASSED)
    harmless = replace(plain, case=replace(plain.case, quarantined="SHOP-1"))
    assert parsed(harmless)[0].find("testcase/skipped") is None
