"""Installs what a checkout needs: `python3 -m cluster.install [--browser]`.

Needs the standard library alone, and runs far enough on an old Python to say what is missing.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHECKOUT = Path(__file__).resolve().parent.parent
_OLDEST = (3, 11)


def main(argv: "Sequence[str] | None" = None) -> int:
    """Installs, and gives the exit code: 0 done, 1 not installed, 130 interrupted."""
    wanted = _arguments(argv)
    problem = missing_prerequisite(sys.version_info[:2], importlib.util.find_spec("ensurepip"))
    if problem:
        say(problem)
        return 1
    try:
        return _install(wanted, os.environ)
    except KeyboardInterrupt:
        say("interrupted: the next call begins again")
        return 130


def missing_prerequisite(version: "tuple[int, ...]", ensurepip: object) -> str:
    """What this Python lacks and how to get it; empty where it will do."""
    name = f"python{version[0]}.{version[1]}"
    if version < _OLDEST:
        return (
            f"this is {name}, and 3.11 or newer is needed: install one, with its venv module, and "
            f"run again, or name it: make PYTHON=/path/to/python3"
        )
    if ensurepip is None:
        return (
            f"{name} cannot make virtual environments because `ensurepip` is missing: install it "
            f"(on Debian and Ubuntu: apt-get install {name}-venv) and run again"
        )
    return ""


def may_install(environ: "Mapping[str, str]", *, root_in_container: bool, terminal: bool) -> bool:
    """Whether a system package may be installed; on a terminal, the user is asked."""
    if environ.get("ATH_INSTALL_SYSTEM"):
        return environ["ATH_INSTALL_SYSTEM"] == "yes"
    if root_in_container or environ.get("CI") == "true":
        return True
    return terminal and _agrees("install the system's package chromium with apt-get? [y/N] ")


def say(text: str) -> None:
    """Shows a line of progress."""
    sys.stderr.write(f"install: {text}\n")
    sys.stderr.flush()


def _arguments(argv: "Sequence[str] | None") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m cluster.install", description=__doc__)
    parser.add_argument("--browser", action="store_true", help="find a Chromium too, or get one")
    parser.add_argument("--again", action="store_true", help="retry a browser's failed download")
    return parser.parse_args(argv)


def _install(wanted: argparse.Namespace, environ: "Mapping[str, str]") -> int:
    # Their syntax is newer than the oldest Python that can say why it will not do.
    from cluster.chromium import Chromium, NotABrowser
    from cluster.command import CommandFailed
    from cluster.virtualenv import VirtualEnv

    environment = VirtualEnv(_CHECKOUT, say)
    chromium = Chromium(
        environment.folder, environ.get("ATH_BROWSER"), lambda: _may_install(environ), say
    )
    try:
        if not environment.is_current():
            environment.bring_up_to_date()
        if wanted.browser and (wanted.again or not chromium.is_known()):
            chromium.find(again=wanted.again)
    except (CommandFailed, NotABrowser) as problem:
        say(str(problem))
        return 1
    return 0


def _may_install(environ: "Mapping[str, str]") -> bool:
    marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
    contained = "KUBERNETES_SERVICE_HOST" in environ or any(mark.exists() for mark in marks)
    return may_install(
        environ,
        root_in_container=contained and os.geteuid() == 0,
        terminal=sys.stdin.isatty() and sys.stderr.isatty(),
    )


def _agrees(question: str) -> bool:
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
