"""`ath validate` and `ath schema` as a shell sees them."""

import json
from pathlib import Path

import pytest

from cluster.cli.validate import schema, validate
from harness.domain.exit_code import ExitCode
from harness.errors import InvalidInput

GOOD = "tests: [{id: a, steps: [{command: {run: [ls]}}]}]\n"


def test_good_specs_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.ath.yaml").write_text(GOOD)
    assert validate([tmp_path]) == ExitCode.PASSED
    assert capsys.readouterr().err == "1 spec, 0 with mistakes\n"


def test_mistakes_are_told_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "a.ath.yaml"
    spec.write_text(GOOD.replace("run:", "rum:"))
    assert validate([spec]) == ExitCode.USAGE
    place = f"{spec}:1:36: tests[0].steps[0].command.rum: unknown key; did you mean `run`?"
    assert place in capsys.readouterr().out.splitlines()


def test_mistakes_are_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "a.ath.yaml"
    spec.write_text("tests: 1")
    assert validate([spec], as_json=True) == ExitCode.USAGE
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == [str(spec)]
    assert told["problems"][0] == {
        "file": str(spec),
        "line": 1,
        "column": 1,
        "path": "tests",
        "message": "input should be a valid list",
    }


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_nothing_to_validate_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        validate([tmp_path / name])


def test_other_packages_specs_are_passed_by(tmp_path: Path) -> None:
    for folder in ("node_modules", ".venv"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "bad.ath.yaml").write_text("x")
    (tmp_path / "a.ath.yaml").write_text(GOOD)
    assert validate([tmp_path]) == ExitCode.PASSED


def test_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema() == ExitCode.PASSED
    assert "tests" in json.loads(capsys.readouterr().out)["properties"]
    with pytest.raises(InvalidInput):
        schema("run")
