"""How an environment of the machine looks from within a sandbox."""

import sys
from pathlib import Path

import pytest

from actors.agents.packages import PLACE, Packages
from harness.errors import InvalidInput


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One of another Python, with two programs."""
    base = tmp_path / "base"
    (base / "bin").mkdir(parents=True)
    (base / "lib/python3.13").mkdir(parents=True)
    python = base / "bin/python3.13"
    python.write_text("")
    python.chmod(0o755)
    folder = tmp_path / "env"
    (folder / "bin").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = {base}/bin\n")
    (folder / "bin/python").symlink_to(python)
    (folder / "bin/agent").write_text("#!/somewhere/bin/python\n")
    (folder / "bin/tool").write_bytes(b"\x7fELF")
    return folder


def test_an_environment_and_its_python_are_bound(environment: Path) -> None:
    packages = Packages.of(str(environment / "bin/python"))
    base = str(environment.parent / "base")
    assert [(bind.source, bind.target) for bind in packages.binds] == [
        (base, base),
        (str(environment), PLACE),
    ]
    assert not any(bind.writable for bind in packages.binds)
    assert packages.environ()["PATH"].startswith(f"{PLACE}/bin:")


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        (["python", "a.py"], [f"{PLACE}/bin/python", "a.py"]),
        (["python3.13", "-V"], [f"{PLACE}/bin/python", "-V"]),
        (["agent", "x"], [f"{PLACE}/bin/python", f"{PLACE}/bin/agent", "x"]),
        (["tool"], [f"{PLACE}/bin/tool"]),
        (["sh", "-c", "x"], ["sh", "-c", "x"]),
        (["../agent"], ["../agent"]),
    ],
)
def test_programs_are_found_where_the_sandbox_has_them(
    environment: Path, words: list[str], argv: list[str]
) -> None:
    assert Packages.of(str(environment / "bin/python")).argv(words) == argv


def test_without_one_there_is_the_bare_interpreter() -> None:
    assert Packages.of("").argv(["python", "a"]) == ["python3", "a"]
    own = Packages.of(str(Path(sys.executable).resolve()))
    assert (own.binds, own.folder, own.environ()) == ((), None, {})


def test_what_is_no_interpreter_is_refused(tmp_path: Path) -> None:
    for path in ("/etc/passwd", "/bin/sh", str(tmp_path / "python")):
        with pytest.raises(InvalidInput):
            Packages.of(path)
    lonely = tmp_path / "x/python"
    lonely.parent.mkdir()
    lonely.write_text("")
    lonely.chmod(0o755)
    with pytest.raises(InvalidInput, match="no installation"):
        Packages.of(str(lonely))
