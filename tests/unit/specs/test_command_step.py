"""Programs are run without a shell, and end in a clear verdict whatever they do."""

import sys
from pathlib import Path
from typing import Any

import pytest

from actors.specs.budget import Budget
from actors.specs.context import TestContext
from actors.specs.failure import StepFailed
from actors.specs.program import KEPT
from actors.specs.steps.command import CommandStep, run
from tests.unit.specs.world import a_step, a_test

pytestmark = pytest.mark.process

REPORT = """\
<testsuite name="pay"><testcase classname="Pay" name="by card" time="0.5">
<failure message="card refused">at Pay.card</failure></testcase>
<testcase classname="Pay" name="by cash"/>
<testcase classname="Pay" name="later"><skipped/></testcase>
</testsuite>
"""
WRITES = "import sys, pathlib; pathlib.Path('out.xml').write_text(sys.argv[1])"


def step_of(*argv: str, **parts: Any) -> CommandStep:  # Any: as YAML holds it
    return CommandStep.model_validate({"run": argv, **parts})


def python(code: str, *argv: str, **parts: Any) -> CommandStep:  # Any: as above
    return step_of("python", "-c", code, *argv, **parts)


def failed(step: CommandStep, folder: Path, seconds: float = 20, **test: Any) -> StepFailed:
    with pytest.raises(StepFailed) as caught:  # Any: arguments of a_test
        run(step, a_step(a_test(folder, **test), seconds))
    return caught.value


def passed(step: CommandStep, folder: Path) -> TestContext:
    test = a_test(folder)
    run(step, a_step(test))
    return test


def test_program_gets_arguments_input_folder_and_environment(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    code = "import os, sys; print(sys.argv[1], input(), os.getcwd()[-5:], os.environ['A'])"
    step = python(code, "$HOME; ls", stdin="typed", folder="inner", env={"A": "b"})
    wanted = {"stdout": "$HOME; ls typed inner b"}
    passed(step.model_copy(update={"expect": type(step.expect).model_validate(wanted)}), tmp_path)


def test_output_is_checked_and_saved(tmp_path: Path) -> None:
    code = "import sys; print('{\"id\": 7}'); print('odd', file=sys.stderr); sys.exit(3)"
    expect = {"exit": 3, "json": {"$.id": 7}, "stderr": {"contains": "odd"}}
    test = passed(python(code, expect=expect, save={"id": "$.id"}), tmp_path)
    assert test.values == {"id": 7}


def test_mismatches_are_told_with_the_end_of_the_output(tmp_path: Path) -> None:
    step = python("print('no luck'); exit(2)", expect={"stdout": {"contains": "yes"}})
    error = failed(step, tmp_path)
    assert str(error) == (
        'exit code is 2, expected 0; stdout is "no luck", expected one that contains "yes"'
    )
    assert error.details == {"stdout": "no luck"}


def test_hundred_megabytes_of_output_cost_no_memory(tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(100): sys.stdout.write('x' * (1 << 20))\nprint('the end')"
    error = failed(python(code, expect={"stdout": {"matches": "the start"}}), tmp_path, 60)
    assert "bytes left out" in str(error) or "characters)" in str(error)
    assert str(error.details["stdout"]).endswith("the end")
    assert len(str(error)) < 2 * KEPT


def test_output_that_was_not_kept_whole_is_not_looked_into(tmp_path: Path) -> None:
    error = failed(
        python("print('[' + '1,' * 200_000 + '1]')", expect={"json": {"$[0]": 1}}), tmp_path
    )
    assert "too many to look into" in str(error)


def test_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    code = "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    assert "did not end within its time" in str(failed(python(code), tmp_path, 1))


def test_output_kept_open_by_a_child_does_not_hold_the_step(tmp_path: Path) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True); print(1)"
    passed(python(code, expect={"stdout": "1"}), tmp_path)


def test_closed_output_does_not_end_the_wait(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.5); os._exit(4)"
    passed(python(code, expect={"exit": 4}), tmp_path)


def test_budget_of_bytes_ends_a_program(tmp_path: Path) -> None:
    error = failed(python("while True: print('x' * 1000)"), tmp_path, budget=Budget(bytes=5000))
    assert str(error) == "the test's budget of 5000 bytes is spent"


@pytest.mark.parametrize(
    ("argv", "message"),
    [(["no-such-program"], "cannot be started"), (["a\x00b"], "cannot be started")],
)
def test_program_that_cannot_be_started_is_told(
    argv: list[str], message: str, tmp_path: Path
) -> None:
    assert message in str(failed(step_of(*argv), tmp_path))


def test_folder_outside_the_suite_is_refused(tmp_path: Path) -> None:
    assert "lies outside" in str(failed(step_of("ls", folder=".."), tmp_path))


def test_cases_of_junit_files_are_parts_of_the_step(tmp_path: Path) -> None:
    test = a_test(tmp_path)
    with pytest.raises(StepFailed) as caught, test.recorder.step("command", "pay"):
        run(python(WRITES, REPORT, junit="*.xml"), a_step(test))
    assert str(caught.value) == "1 of 3 cases failed: Pay.by card (card refused)"
    (recorded,) = test.recorder.steps
    assert [(part.kind, part.name, part.outcome) for part in recorded.steps] == [
        ("case", "Pay.by card", "failed"),
        ("case", "Pay.by cash", "passed"),
        ("case", "Pay.later", "skipped"),
    ]
    assert recorded.steps[0].notes == ["card refused"]


def test_junit_file_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "old.xml").write_text(REPORT)
    error = failed(python("pass", junit="*.xml"), tmp_path)
    assert str(error) == "it left no JUnit file '*.xml'; 1 older files are left alone"


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("<testsuite>", "damaged"),
        ("<testsuite></testsuite>", "hold no case"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><testsuite>&x;</testsuite>', "document type"),
    ],
)
def test_bad_junit_file_gets_a_verdict(report: str, message: str, tmp_path: Path) -> None:
    assert message in str(failed(python(WRITES, report, junit="*.xml"), tmp_path))


@pytest.mark.parametrize("pattern", ["../*.xml", "/etc/*", "**/../../*"])
def test_junit_files_outside_the_suite_are_refused(pattern: str, tmp_path: Path) -> None:
    (tmp_path.parent / "other.xml").write_text(REPORT)
    error = failed(python("pass", junit=pattern), tmp_path)
    assert "outside the suite" in str(error) or "no usable pattern" in str(error)


def test_python_is_the_interpreter_that_runs_the_specs(tmp_path: Path) -> None:
    expect = {"stdout": sys.executable}
    passed(python("import sys; print(sys.executable)", expect=expect), tmp_path)
