"""Which browsers tests get on this machine, and how they differ from Playwright's own."""

import json
import os
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from cluster import command
from harness.domain.browser import BrowserChoice

_SECONDS = 30
_SHELL = "chromium-headless-shell"


@dataclass(frozen=True, slots=True)
class PlaywrightsOwn:
    """The headless browser that this interpreter's Playwright is made for.

    Attributes:
        playwright: Version of the package.
        chromium: Version of the browser.
        is_installed: Whether `playwright install` has put it where Playwright looks.
    """

    playwright: str
    chromium: str
    is_installed: bool


def playwrights_own(cache: Path) -> PlaywrightsOwn | None:
    """What Playwright's package says of its browser; None without the package."""
    spec = find_spec("playwright")
    if spec is None or spec.origin is None:
        return None
    listed = Path(spec.origin).parent / "driver" / "package" / "browsers.json"
    try:
        known = {entry["name"]: entry for entry in json.loads(listed.read_text())["browsers"]}
        entry = known.get(_SHELL) or known["chromium"]
        folder = cache / f"{entry['name'].replace('-', '_')}-{entry['revision']}"
        found = (folder / "INSTALLATION_COMPLETE").exists()
        return PlaywrightsOwn(version("playwright"), entry["browserVersion"], found)
    except (OSError, ValueError, KeyError, PackageNotFoundError):
        return None


def describe(choice: BrowserChoice | None, own: PlaywrightsOwn | None) -> str:
    """One line for people: what is used, and what differs."""
    if choice is None or not os.access(choice.path, os.X_OK):
        return f"{choice.path} cannot be run" if choice else "none"
    mine = version_of(choice.path)
    shell = "shell" in Path(choice.path).name
    words = [f"{choice.path} ({mine or 'unknown version'}{', headless shell' if shell else ''})"]
    if choice.headed and choice.headed != choice.path:
        words.append(f"--headed: {choice.headed}")
    if own and not choice.named and own.is_installed:
        words.append(
            f"suites with Playwright {own.playwright} use its own Chromium {own.chromium} instead"
        )
    elif own:
        words.append(_difference(mine, own, shell=shell))
    return "; ".join(words)


def version_of(path: str) -> str:
    """Such as 156.0.8078.108; empty when it does not say."""
    try:
        said = command.run([path, "--version"], seconds=_SECONDS)
    except command.CommandFailed:
        return ""
    found = re.search(r"\d+(\.\d+)+", said)
    return found.group() if found else ""


def _difference(mine: str, own: PlaywrightsOwn, *, shell: bool) -> str:
    made_for = f"Playwright {own.playwright} is made for {own.chromium}"
    if not mine:
        return made_for
    majors = int(own.chromium.partition(".")[0]) - int(mine.partition(".")[0])
    age = "the same major version" if not majors else f"{abs(majors)} major versions "
    age += "older here" if majors > 0 else "newer here" if majors < 0 else ""
    kind = "" if shell else ", and there it is a headless shell, which is faster"
    return f"{made_for}: {age}{kind}"
