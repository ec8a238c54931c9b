"""What may be asked of a suite's Python environment."""

import pytest

from harness.domain.python_environment import LockKind, PythonEnvironment
from harness.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("uv.lock", LockKind.UV),
        ("sub/uv.lock", LockKind.UV),
        ("pylock.toml", LockKind.PYLOCK),
        ("pylock.test.toml", LockKind.PYLOCK),
        ("requirements/test.txt", LockKind.REQUIREMENTS),
        ("dev.lock", LockKind.REQUIREMENTS),
    ],
)
def test_kind_is_told_by_the_name(name: str, kind: LockKind) -> None:
    assert PythonEnvironment(name).kind is kind


@pytest.mark.parametrize("name", ["", "/etc/r.txt", "../r.txt", "a/../../r.txt", "a\\r.txt", "\0"])
def test_a_path_out_of_the_suite_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="not within the suite"):
        PythonEnvironment(name)


@pytest.mark.parametrize("version", ["3", "2.7", "3.12; rm", "--help", "3.123"])
def test_a_version_that_is_none_is_refused(version: str) -> None:
    with pytest.raises(InvalidInput, match="no version of Python 3"):
        PythonEnvironment("r.txt", version)


def test_groups_are_for_locks_that_have_them() -> None:
    assert PythonEnvironment("uv.lock", groups=("test",)).groups == ("test",)
    with pytest.raises(InvalidInput, match="no groups"):
        PythonEnvironment("r.txt", groups=("test",))
    with pytest.raises(InvalidInput, match="no name"):
        PythonEnvironment("uv.lock", extras=("--all",))
