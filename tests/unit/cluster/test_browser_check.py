"""The doctor says which browser tests get, and how it differs from Playwright's own."""

from pathlib import Path

import pytest

from cluster.browser_check import PlaywrightsOwn, describe, playwrights_own
from harness.domain.browser import BrowserChoice

pytestmark = pytest.mark.process

OWN = PlaywrightsOwn("1.65.2", "159.0.8154.6", is_installed=False)


def program(folder: Path, name: str, said: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho {said}\n")
    path.chmod(0o755)
    return str(path)


def test_older_system_browser_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "chromium", "Chromium 156.0.8078.108 built on Debian")
    said = describe(BrowserChoice(path, path), OWN)
    assert said.startswith(f"{path} (156.0.8078.108); ")
    assert "made for 159.0.8154.6: 3 major versions older here" in said
    assert "headless shell, which is faster" in said


def test_headless_shell_is_told(tmp_path: Path) -> None:
    path = program(tmp_path, "chromium-headless-shell", "Chromium 159.0.1")
    said = describe(BrowserChoice(path, "/usr/bin/chromium"), OWN)
    assert "(159.0.1, headless shell); --headed: /usr/bin/chromium" in said
    assert said.endswith("the same major version")


def test_playwrights_own_goes_first_unless_one_is_named(tmp_path: Path) -> None:
    path = program(tmp_path, "chromium", "Chromium 156.0.1")
    own = PlaywrightsOwn("1.65.2", "159.0.8154.6", is_installed=True)
    assert "use its own Chromium 159.0.8154.6 instead" in describe(BrowserChoice(path), own)
    named = describe(BrowserChoice(path, named=True), own)
    assert "instead" not in named
    assert "3 major versions older" in named


def test_none_is_none() -> None:
    assert describe(None, OWN) == "none"
    assert describe(BrowserChoice("/no/browser"), OWN) == "/no/browser cannot be run"


def test_playwrights_own_is_read_from_its_package(tmp_path: Path) -> None:
    found = playwrights_own(tmp_path)
    assert found
    assert not found.is_installed
    assert found.chromium.count(".") == 3
