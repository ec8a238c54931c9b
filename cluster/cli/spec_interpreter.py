"""Which Python runs a command where specs are: only one that has the platform's plugin can."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster.cli.console import err
from cluster.cli.interpreter import find_interpreter

MOST_FOLDERS = 20_000
_PROBE = """\
import sys
from importlib.metadata import entry_points
sys.exit(all(found.value != "_ath_specs" for found in entry_points(group="pytest11")))
"""
_PASSED_BY = {"node_modules", "__pycache__", "site-packages"}


def interpreter_for(
    argv: Sequence[str], named: str | None, env: Mapping[str, str], here: Path
) -> str:
    """The interpreter of the suite; the platform's own where the command runs nothing but specs.

    Raises:
        InvalidInput: none of the interpreters has pytest.
    """
    found = find_interpreter(argv, named, env)
    if named:
        return found
    kinds = _kinds(here, argv)
    if "spec" not in kinds or _has_plugin(found):
        return found
    if "python" not in kinds:
        return sys.executable
    err.print(
        f"note: specs (*.ath.yaml) are left out, for {found} has no plugin of the platform. "
        f"Run them by themselves: ath run --python {sys.executable} -- pytest FOLDER",
        markup=False,
    )
    return found


def _has_plugin(python: str) -> bool:
    if python == sys.executable:
        return True
    try:
        probe = subprocess.run([python, "-c", _PROBE], timeout=60, cwd="/", check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def _kinds(here: Path, argv: Sequence[str]) -> set[str]:
    """Which kinds of test files the command names, or the folder has if it names none."""
    named = [here / word.partition("::")[0] for word in argv[1:] if not word.startswith("-")]
    kinds: set[str] = set()
    for name in _names([path for path in named if path.exists()] or [here]):
        if name.endswith(".ath.yaml"):
            kinds.add("spec")
        elif name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py")):
            kinds.add("python")
        if len(kinds) == 2:
            break
    return kinds


def _names(paths: Sequence[Path]) -> Iterator[str]:
    seen = 0
    for path in paths:
        if path.is_file():
            yield path.name
            continue
        for _, folders, files in os.walk(path):
            yield from files
            folders[:] = [n for n in folders if not n.startswith(".") and n not in _PASSED_BY]
            seen += 1
            if seen > MOST_FOLDERS:
                return
