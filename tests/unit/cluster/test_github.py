"""What GitHub Actions shows of a run."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.cli.github import SHOWN, Step, summary_of
from harness.client.runs import Highlights
from harness.domain.assessment import Assessment, Readiness
from harness.domain.attempt import AttemptResult, Failure, Frame, Phase, Verdict
from harness.domain.results import TestOutcome
from harness.domain.run import RunState
from tests.unit.domain.values import a_result, a_run, an_outcome

HOSTILE = "first\n::stop-commands::x\r\n100% | `a` <img src=x> @everyone *b*"


def failed(index: int, message: str = "no") -> TestOutcome:
    frames = (Frame("helper", "lib.py", 9), Frame("test", f"t{index}.py", 7))
    phase = Phase("call", "failed", 1.0, Failure("KeyError", message, frames))
    return an_outcome(index, AttemptResult(Verdict.FAILED, 1.0, (phase,)))


def found(*tests: TestOutcome) -> Highlights:
    return Highlights({Verdict.PASSED: 3, Verdict.FAILED: len(tests)}, tests)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    folder = tmp_path / "checkout" / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "t1.py").touch()
    return Step(tmp_path / "checkout", folder / "tests")


def test_outside_of_github_there_is_no_step(tmp_path: Path) -> None:
    assert Step.of({}, tmp_path) is None
    assert Step.of({"GITHUB_ACTIONS": "true"}, tmp_path) == Step(tmp_path, tmp_path)


def test_annotation_points_at_the_line_of_the_test(step: Step) -> None:
    assert list(step.annotations(found(failed(1)))) == [
        "::error file=shop/t1.py,line=7,title=t1.py%3A%3Atest failed::KeyError: no"
    ]


def test_annotation_of_a_file_that_is_not_in_the_checkout_names_none(step: Step) -> None:
    assert list(step.annotations(found(failed(2)))) == [
        "::error title=t2.py%3A%3Atest failed::KeyError: no"
    ]


def test_hostile_text_is_one_command(step: Step) -> None:
    (line,) = step.annotations(found(failed(1, HOSTILE)))
    assert "\n" not in line
    assert line.endswith("first%0A::stop-commands::x%0D%0A100%25 | `a` <img src=x> @everyone *b*")


def test_flaky_tests_are_warnings(step: Step) -> None:
    flaky = an_outcome(1, a_result(Verdict.FAILED), a_result(Verdict.PASSED))
    (line,) = step.annotations(found(flaky))
    assert line.startswith("::warning file=shop/t1.py,title=t1.py%3A%3Atest flaky::KeyError")


def test_quarantined_tests_are_warnings(step: Step) -> None:
    plain = failed(1)
    harmless = replace(plain, case=replace(plain.case, quarantined="SHOP-1"))
    (line,) = step.annotations(found(harmless))
    assert line.startswith("::warning ")


@pytest.mark.parametrize(("tests", "lines"), [(SHOWN, SHOWN), (SHOWN + 1, SHOWN), (500, SHOWN)])
def test_what_github_would_drop_is_counted(step: Step, tests: int, lines: int) -> None:
    shown = list(step.annotations(found(*(failed(n) for n in range(tests)))))
    assert len(shown) == lines
    said = f"{tests - SHOWN + 1} more" in shown[-1]
    assert said == (tests > SHOWN)


def test_summary_tells_counts_failures_and_readiness() -> None:
    assessment = Assessment(Readiness.NOT_READY, 0.9, ("t1 fails (90 %).",))
    text = summary_of(a_run(RunState.FAILED), found(failed(1)), assessment)
    assert text.startswith("### Run failed: 3 passed, 1 failed\n")
    assert "| failed | <code>KeyError&#58; no</code> |" in text
    assert "**Readiness: not_ready**" in text


def test_summary_shows_hostile_text_as_text() -> None:
    run = replace(a_run(RunState.FAILED), message=HOSTILE)
    text = summary_of(run, found(failed(1, HOSTILE)), None)
    assert "<img" not in text
    assert "@everyone" not in text
    row = next(line for line in text.splitlines() if line.startswith("| <code>"))
    assert row.count("|") == 4


def test_summary_of_many_failures_is_bounded() -> None:
    text = summary_of(a_run(), found(*(failed(n, "x" * 10_000) for n in range(1000))), None)
    assert len(text.encode()) < 256 * 1024
    assert "and 800 more" in text
