"""What `ath.toml` and the command line say of a suite's packages."""

from pathlib import Path

import pytest

from cluster.cli.suite_folder import SuiteFolder, find_suite
from harness.domain.python_environment import PythonEnvironment
from harness.errors import InvalidInput


def suite(root: Path, config: str = "", *, below: str = ".") -> SuiteFolder:
    (root / "ath.toml").write_text(config)
    (root / below).mkdir(exist_ok=True)
    (root / below / "r.txt").write_text("pytest\n")
    return find_suite(root / below)


def test_packages_are_those_of_the_configuration(tmp_path: Path) -> None:
    found = suite(tmp_path, '[python]\nrequirements = "uv.lock"\ngroups = ["test"]\n')
    assert found.packages(None, None) == PythonEnvironment("uv.lock", groups=("test",))
    assert found.packages(None, "3.12") == PythonEnvironment("uv.lock", "3.12", ("test",))


def test_a_file_named_where_the_command_runs_is_relative_to_the_suite(tmp_path: Path) -> None:
    found = suite(tmp_path, '[python]\nrequirements = "uv.lock"\n', below="sub")
    assert found.packages(Path("r.txt"), "3.12") == PythonEnvironment("sub/r.txt", "3.12")


@pytest.mark.parametrize("name", ["gone.txt", "/etc/passwd", "../../outside.txt"])
def test_a_file_that_is_not_in_the_suite_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="no file in the suite"):
        suite(tmp_path).packages(Path(name), None)


def test_without_any_the_interpreter_has_the_packages(tmp_path: Path) -> None:
    assert suite(tmp_path).packages(None, None) is None


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[python]\n", "python.requirements must name"),
        ("[python]\nrequirements = 1\n", "python.requirements must be a string"),
        ('[python]\nrequirements = "r.txt"\nversion = 3.12\n', "python.version must be a string"),
        ('[python]\nrequirements = "uv.lock"\ngroups = "dev"\n', "must be a list of words"),
        ('[python]\nrequirement = "r.txt"\n', "python has an unknown field"),
        ('[environments.x]\nallow = "a"\n', "environments.x.allow must be a list of words"),
        ('[environments.x]\nallow = ["a.*"]\n', r"environments.x.allow: 'a\.\*' is not a host"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, config: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        suite(tmp_path, config)
