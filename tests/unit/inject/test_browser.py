"""Which Chromium a pytest-playwright suite is pointed at."""

import json
import os
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import pytest

from harness.inject._ath_pytest.browser import Browsers, own_browser

CHOICE = {"path": "/shell", "headed": "/chromium", "named": False, "pool": True, "door": "/door"}
BROWSERS = {
    "browsers": [
        {"name": "chromium", "revision": "7"},
        {"name": "chromium-headless-shell", "revision": "7"},
    ]
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stand-ins are made, as in a suite's process: a folder that goes with its session."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Playwright would keep browsers; none is there yet."""
    package = tmp_path / "playwright"
    (package / "driver" / "package").mkdir(parents=True)
    (package / "driver" / "package" / "browsers.json").write_text(json.dumps(BROWSERS))
    module = types.ModuleType("playwright")
    module.__file__ = str(package / "__init__.py")
    monkeypatch.setitem(sys.modules, "playwright", module)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "registry"))
    return tmp_path / "registry"


def install(registry: Path, *, complete: bool = True) -> str:
    folder = registry / "chromium_headless_shell-7"
    program = folder / "chrome-headless-shell-linux64" / "chrome-headless-shell"
    program.parent.mkdir(parents=True)
    program.touch()
    if complete:
        (folder / "INSTALLATION_COMPLETE").touch()
    return str(program)


def launched(
    plain: dict[str, object], name: str = "chromium", **choice: object
) -> dict[str, object]:
    browsers: Any = typed(Browsers)({**CHOICE, **choice})
    browsers.worker = "w1"
    arguments: dict[str, object] = browsers.launch_args(plain, name)
    return arguments


def typed(untyped: Any) -> Any:
    """The injected package has no annotations."""
    return untyped


def real(arguments: dict[str, object]) -> str:
    """What the stand-in becomes when there is no warm browser."""
    script = Path(str(arguments["executable_path"])).read_text()
    assert "stand_in.py /door w1 " in script
    return script.split()[-2]


@pytest.mark.usefixtures("registry")
def test_stand_in_takes_the_place_of_the_platforms_browser() -> None:
    assert real(launched({})) == "/shell"


@pytest.mark.usefixtures("registry")
def test_stand_ins_are_removed_at_the_end_of_the_session(temporary: Path) -> None:
    browsers: Any = typed(Browsers)(CHOICE)
    for _ in range(2):
        assert Path(browsers.launch_args({}, "chromium")["executable_path"]).is_file()
    browsers.clear()
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("registry")
def test_stand_in_is_made_in_the_sessions_temporary_folder(temporary: Path) -> None:
    made = Path(str(launched({})["executable_path"]))
    assert made.parent.parent == temporary


def test_playwrights_own_browser_goes_first(registry: Path) -> None:
    own = install(registry)
    arguments = launched({})
    assert real(arguments) == own
    assert "args" not in arguments


def test_named_browser_goes_before_playwrights_own(registry: Path) -> None:
    install(registry)
    assert real(launched({}, named=True)) == "/shell"


def test_half_installed_browser_is_none(registry: Path) -> None:
    install(registry, complete=False)
    assert typed(own_browser)(False, os.environ) is None


@pytest.mark.usefixtures("registry")
def test_headed_suite_gets_a_browser_with_windows() -> None:
    assert launched({"headless": False})["executable_path"] == "/chromium"


@pytest.mark.usefixtures("registry")
def test_nothing_stands_in_without_a_pool() -> None:
    assert launched({}, pool=False)["executable_path"] == "/shell"


@pytest.mark.parametrize("plain", [{"channel": "chrome"}, {"executable_path": "/mine"}])
def test_what_the_suite_chose_stays(plain: dict[str, object]) -> None:
    assert launched(plain) == plain


@pytest.mark.parametrize("name", ["chromium", "firefox"])
@pytest.mark.parametrize("plain", [{}, {"proxy": {"server": "x"}}, {"executable_path": "/mine"}])
def test_every_browser_of_a_run_goes_out_through_its_proxy(
    plain: dict[str, object], name: str
) -> None:
    browsers: Any = typed(Browsers)(None, "http://127.0.0.1:9")
    assert browsers.launch_args(plain, name) == {**plain, "proxy": {"server": "http://127.0.0.1:9"}}


def test_other_browsers_stay() -> None:
    assert launched({}, "firefox") == {}
