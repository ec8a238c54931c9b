"""A Chromium for browser tests: the one that is there, or one that may be installed."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import command
from cluster.headless_shell import HeadlessShell, runs

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START_SECONDS = 30
_DOWNLOAD_SECONDS = 240
_SYSTEM_SECONDS = 900
_ASK_PLAYWRIGHT = (
    "from playwright.sync_api import sync_playwright\n"
    "with sync_playwright() as p: print(p.chromium.executable_path)"
)
NONE_FOUND = """\
no browser found, so browser tests cannot run here. Everything else works.
  Install Chromium or Chrome (on Debian: apt-get install chromium), or set ATH_BROWSER to one's
  path, or let this command install the system's package: make browser ATH_INSTALL_SYSTEM=yes"""


class NotABrowser(Exception):
    """ATH_BROWSER names something that does not run."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """Searches and remembers, in two files beside the interpreter.

    Attributes:
        environment: The virtual environment's folder.
        named: A path the user has named, which then is the only candidate.
        may_install: Asked once before a system package is installed.
        say: Takes a line of progress.
    """

    environment: Path
    named: str | None
    may_install: Callable[[], bool]
    say: Callable[[str], None]

    def is_known(self) -> bool:
        """Whether there is nothing to do. Costs no process."""
        known = self._known()
        return os.access(known, os.X_OK) and self.named in (None, known)

    def find(self, *, again: bool = False) -> None:
        """Records a browser's path, or says how to get one; a download is tried once.

        Raises:
            NotABrowser: The one that the user has named does not run.
        """
        found = self._named() if self.named else self._installed() or self._obtained(again=again)
        if found:
            self.say(f"browser: {found}")
            shell = "" if self.named else self._shell(found)
            if shell:
                self.say(f"for headless tests: {shell}")
            self._record.write_text("".join(f"{path}\n" for path in (shell, found) if path))
            self._tried.unlink(missing_ok=True)
        else:
            self._record.unlink(missing_ok=True)
            self._tried.touch()
            self.say(NONE_FOUND)

    @property
    def _record(self) -> Path:
        return self.environment / "ath-browser"

    @property
    def _tried(self) -> Path:
        return self.environment / "ath-browser-tried"

    def _known(self) -> str:
        """What headless tests use."""
        lines = self._record.read_text().splitlines() if self._record.exists() else []
        return lines[0] if lines else ""

    def _shell(self, found: str) -> str:
        if Path(found).name != "chromium":
            return ""
        return HeadlessShell(self.environment / "ath-headless-shell", self.say).find()

    def _named(self) -> str:
        path = str(self.named)
        if not runs(path):
            raise NotABrowser(f"ATH_BROWSER is {path}, which does not run: correct or unset it")
        return path

    def _installed(self) -> str:
        paths = (shutil.which(name) for name in _NAMES)
        return next((path for path in paths if path and runs(path)), "")

    def _obtained(self, *, again: bool) -> str:
        if self._tried.exists() and not again:
            return ""
        return self._playwrights() or self._download() or self._system_package()

    def _playwrights(self) -> str:
        try:
            path = command.run([self._python, "-c", _ASK_PLAYWRIGHT], seconds=_START_SECONDS)
        except command.CommandFailed:  # playwright has no driver for this machine
            return ""
        return path.strip() if runs(path.strip()) else ""

    def _download(self) -> str:
        self.say(f"no browser here; trying Playwright's download, {_DOWNLOAD_SECONDS} s at most")
        argv = [self._python, "-m", "playwright", "install", "chromium"]
        return self._playwrights() if self._done(argv, _DOWNLOAD_SECONDS) else ""

    def _system_package(self) -> str:
        if not shutil.which("apt-get") or not self.may_install():
            return ""
        self.say("installing the system's chromium with apt-get")
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
        apt = apt if os.geteuid() == 0 else ["sudo", "-n", *apt]
        # An old index may still do where the network refuses a new one.
        self._done([*apt, "update"], _SYSTEM_SECONDS)
        package = ["install", "--no-install-recommends", "chromium"]
        return self._installed() if self._done([*apt, *package], _SYSTEM_SECONDS) else ""

    def _done(self, argv: list[str], seconds: int) -> bool:
        try:
            command.run(argv, seconds=seconds)
        except command.CommandFailed as failure:
            self.say(str(failure))
            return False
        return True

    @property
    def _python(self) -> str:
        return str(self.environment / "bin" / "python")
