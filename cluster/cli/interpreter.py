"""Which Python a command such as `pytest` would run in, if the shell ran it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import InvalidInput

# The package behind `pytest` knows its version without importing all of it.
_PROBE = "import sys, _pytest; print(sys.executable); print(_pytest.__version__)"


def find_interpreter(argv: Sequence[str], named: str | None, env: Mapping[str, str]) -> str:
    """The absolute path of the interpreter that has the suite's packages.

    Looks at, in this order: the one named, the script that the shell would find, the active
    virtual environment, the one that `ath` itself runs in.

    Raises:
        InvalidInput: it does not exist, or has no pytest of version 7 or newer.
    """
    if named:
        found = shutil.which(named, path=env.get("PATH"))
        if found is None:
            raise InvalidInput(f"--python names {named!r}, which is not an executable file.")
        return _checked(str(Path(found).absolute()))
    for candidate in _candidates(argv, env):
        if _has_pytest(candidate):
            return str(candidate)
    raise InvalidInput(
        "No interpreter with pytest 7 or newer was found: neither `pytest` on PATH nor the active "
        "virtual environment has one. Name it with --python."
    )


def program_python(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """The interpreter whose packages a program has when the shell runs it; empty if none runs."""
    for python in _candidates(argv, env):
        try:
            # What PATH names may be a script that chooses one.
            asked = [python, "-c", "import sys; print(sys.executable)"]
            told = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if told.returncode == 0:
            return told.stdout.strip()
    return ""


def _candidates(argv: Sequence[str], env: Mapping[str, str]) -> Sequence[str]:
    program = shutil.which(argv[0], path=env.get("PATH"))
    found = []
    if program and Path(argv[0]).name.startswith("python"):
        found.append(program)
    elif program:
        found += _shebang(program)
        found += [str(p) for p in [Path(program).with_name("python")] if os.access(p, os.X_OK)]
    if env.get("VIRTUAL_ENV"):
        found.append(str(Path(env["VIRTUAL_ENV"]) / "bin" / "python"))
    return [*found, sys.executable]


def _shebang(script: str) -> Sequence[str]:
    with Path(script).open("rb") as file:
        first = file.readline(512)
    word = first[2:].split()[:1] if first.startswith(b"#!") else []
    path = os.fsdecode(word[0]) if word else ""
    return [path] if "python" in Path(path).name else []


def _has_pytest(python: str) -> bool:
    try:
        return bool(_checked(python))
    except InvalidInput:
        return False


def _checked(python: str) -> str:
    try:
        probe = subprocess.run(
            [python, "-c", _PROBE], capture_output=True, text=True, timeout=60, cwd="/", check=False
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise InvalidInput(f"{python} cannot be run: {failed}.") from failed
    lines = probe.stdout.split()
    if probe.returncode or len(lines) != 2:
        raise InvalidInput(
            f"{python} has no pytest. Install it there, or name another interpreter with --python."
        )
    if int(lines[1].partition(".")[0]) < 7:
        raise InvalidInput(f"{python} has pytest {lines[1]}; version 7 or newer is needed.")
    return python
