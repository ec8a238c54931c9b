"""What an environment is made of, read from a suite that may be hostile."""

from pathlib import Path

import pytest

from actors.environments.recipe import Recipe, read_recipe
from harness.domain.python_environment import PythonEnvironment
from harness.errors import InvalidInput

UV_LOCK = """
version = 1
[[package]]
name = "shop"
source = { editable = "." }
[[package]]
name = "member"
source = { virtual = "packages/member" }
[[package]]
name = "pytest"
source = { registry = "https://index.example/simple" }
"""


def recipe(root: Path, name: str = "requirements.txt", **fields: object) -> Recipe:
    return read_recipe(root, PythonEnvironment(name, **fields))  # type: ignore[arg-type]  # of many types


def key(made: Recipe, interpreter: str = "3.11.7", platform: str = "linux", uv: str = "1") -> str:
    return made.key(interpreter, platform, uv)


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_key_depends_on_everything_that_changes_the_environment(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="pytest==9.2.0\n")
    made = recipe(tmp_path)
    others = [
        key(made, interpreter="3.12.1"),
        key(made, platform="macos"),
        key(made, uv="2"),
    ]
    write(tmp_path, requirements_txt="pytest==9.2.1\n")
    others.append(key(recipe(tmp_path)))
    assert len({key(made), *others}) == 5


def test_key_is_the_same_in_another_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, requirements_txt="pytest\n", other_txt="x")
    assert key(recipe(tmp_path / "a")) == key(recipe(tmp_path / "b"))


def test_included_files_belong_to_the_recipe(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements__test_txt="-r ../base.txt\n--constraint=limits.txt  # bounds\npytest\n",
        base_txt="-r requirements/test.txt\nattrs\n",
        requirements__limits_txt="pytest<10\n",
    )
    made = recipe(tmp_path, "requirements/test.txt")
    assert set(made.files) == {"requirements/test.txt", "base.txt", "requirements/limits.txt"}


def test_hashes_on_continued_lines_are_read_as_one(tmp_path: Path) -> None:
    write(tmp_path, requirements_txt="pytest==9.2.0 \\\n    --hash=sha256:abc\n")
    assert set(recipe(tmp_path).files) == {"requirements.txt"}


def test_a_uv_lock_brings_the_projects_it_locks(tmp_path: Path) -> None:
    write(
        tmp_path,
        uv_lock=UV_LOCK,
        pyproject_toml="[project]\nname='shop'\n",
        packages__member__pyproject_toml="[project]\nname='member'\n",
    )
    names = {"uv.lock", "pyproject.toml", "packages/member/pyproject.toml"}
    assert set(recipe(tmp_path, "uv.lock").files) == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-e .\n", "line 1 installs from a folder"),
        ("pytest\n./vendored\n", "line 2 installs from a folder"),
        ("shop @ file:///somewhere\n", "installs from a folder"),
        ("-r https://example.org/r.txt\n", "may change at any time"),
        ("-r ../outside.txt\n", "leads out of the suite"),
        ("-r /etc/passwd\n", "leads out of the suite"),
        ("-r gone.txt\n", "has no file gone.txt"),
    ],
)
def test_what_a_shared_environment_cannot_hold_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "outside.txt").write_text("x")
    root = tmp_path / "suite"
    root.mkdir()
    write(root, requirements_txt=text)
    with pytest.raises(InvalidInput, match=words):
        recipe(root)


def test_a_link_out_of_the_suite_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match="leads out of the suite"):
        recipe(tmp_path)


@pytest.mark.parametrize("lock", ["][", "package = 3\n", "[[package]]\nsource = 1\n"])
def test_a_lock_that_is_none_is_refused(tmp_path: Path, lock: str) -> None:
    write(tmp_path, uv_lock=lock, pyproject_toml="")
    with pytest.raises(InvalidInput, match=r"uv\.lock is no lock"):
        recipe(tmp_path, "uv.lock")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    for number in range(202):
        (tmp_path / f"r{number}.txt").write_text(f"-r r{number + 1}.txt\n")
    with pytest.raises(InvalidInput, match="more than 200"):
        recipe(tmp_path, "r0.txt")
