"""A browser is found, named, obtained, or plainly missing."""

import os
from pathlib import Path

import pytest

from cluster.chromium import NONE_FOUND, Chromium, NotABrowser

pytestmark = pytest.mark.process

WORKS = "#!/bin/sh\nexit 0\n"
FAILS = "#!/bin/sh\nexit 1\n"
COUNTS = '#!/bin/sh\necho "$@" >> "$0.calls"\nexit 1\n'
INSTALLS = '#!/bin/sh\ncase "$*" in *install*chromium) ln -s /bin/true "${0%/*}/chromium";; esac\n'


class Machine:
    """A machine whose only programs are those put on it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.environment = folder / ".venv"
        (self.environment / "bin").mkdir(parents=True)
        self.python = self._write(self.environment / "bin" / "python", COUNTS)
        self.said: list[str] = []
        monkeypatch.setenv("PATH", str(self.programs))

    def put(self, name: str, script: str) -> str:
        return self._write(self.programs / name, script)

    def chromium(self, *, named: str | None = None, consent: bool = False) -> Chromium:
        return Chromium(self.environment, named, lambda: consent, self.said.append)

    def found(self) -> str:
        return (self.environment / "ath-browser").read_text()

    def _write(self, path: Path, script: str) -> str:
        path.write_text(script)
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_the_first_browser_that_runs_is_found(machine: Machine) -> None:
    machine.put("chromium-browser", FAILS)
    chrome = machine.put("google-chrome", WORKS)
    machine.chromium().find()
    assert machine.found() == f"{chrome}\n"
    assert machine.chromium().is_known()


def test_a_named_browser_wins(machine: Machine) -> None:
    machine.put("chromium", WORKS)
    mine = machine.put("mine", WORKS)
    machine.chromium(named=mine).find()
    assert machine.found() == f"{mine}\n"


def test_another_name_is_searched_anew(machine: Machine) -> None:
    machine.put("chromium", WORKS)
    machine.chromium().find()
    assert not machine.chromium(named="/else").is_known()


def test_a_named_browser_must_run(machine: Machine) -> None:
    machine.put("chromium", WORKS)
    with pytest.raises(NotABrowser, match="ATH_BROWSER is /no/browser"):
        machine.chromium(named="/no/browser").find()


def test_a_removed_browser_is_searched_anew(machine: Machine) -> None:
    Path(machine.put("chromium", WORKS))
    machine.chromium().find()
    (machine.programs / "chromium").unlink()
    assert not machine.chromium().is_known()


def test_a_download_is_tried_once(machine: Machine) -> None:
    machine.chromium().find()
    tried = Path(f"{machine.python}.calls").read_text()
    machine.chromium().find()
    assert "-m playwright install chromium" in tried
    assert Path(f"{machine.python}.calls").read_text() == tried
    assert machine.said[-1] == NONE_FOUND


def test_a_download_is_tried_again_on_request(machine: Machine) -> None:
    machine.chromium().find()
    machine.chromium().find(again=True)
    assert Path(f"{machine.python}.calls").read_text().count("playwright install") == 2


@pytest.mark.parametrize("consent", [True, False])
def test_system_package_is_installed_with_consent_alone(machine: Machine, consent: bool) -> None:
    machine.put("apt-get", INSTALLS)
    machine.put("env", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.put("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.put("ln", '#!/bin/sh\nexec /bin/ln "$@"\n')
    machine.chromium(consent=consent).find()
    assert os.access(machine.programs / "chromium", os.X_OK) is consent
    assert machine.chromium().is_known() is consent
