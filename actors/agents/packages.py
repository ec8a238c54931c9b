"""The Python environment of an agent's program, as its sandbox sees it."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.domain.sandbox import Bind
from harness.errors import InvalidInput

PLACE = "/opt/agent"
"""Where the environment is seen, wherever it lies."""
_PYTHON = re.compile(r"python[0-9.]*")
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_SHEBANG_BYTES = 512


@dataclass(frozen=True, slots=True)
class Packages:
    """An interpreter with its packages, read-only."""

    interpreter: str
    """As it is called within the sandbox."""
    binds: Sequence[Bind] = ()
    folder: Path | None = None
    """The environment outside, if it is one."""

    @classmethod
    def of(cls, interpreter: str) -> "Packages":
        """The environment around an interpreter, with whatever Python that was made from.

        Raises:
            InvalidInput: it is none, or lies where no sandbox could see it.
        """
        if not interpreter:
            return cls("python3")
        python = Path(interpreter)
        if not os.access(python, os.X_OK) or not python.name.startswith("python"):
            raise InvalidInput(f"{interpreter} is no interpreter that an agent could run in.")
        base = _base(python)
        folder = python.parent.parent
        if not (folder / "pyvenv.cfg").is_file():
            return cls(str(python.resolve()), base)
        binds = (*base, Bind(str(folder), PLACE))
        return cls(f"{PLACE}/bin/{python.name}", binds, folder)

    def argv(self, words: Sequence[str]) -> list[str]:
        """A command with its program where the sandbox has it."""
        program, *rest = words
        if _PYTHON.fullmatch(program):
            return [self.interpreter, *rest]
        script = self.folder / "bin" / program if self.folder and "/" not in program else None
        if script is None or not script.is_file():
            return [program, *rest]
        # Its first line names a place that the sandbox does not have.
        inside = f"{PLACE}/bin/{program}"
        return [self.interpreter, inside, *rest] if _is_python(script) else [inside, *rest]

    def environ(self) -> dict[str, str]:
        """Variables of an active environment."""
        if self.folder is None:
            return {}
        return {"VIRTUAL_ENV": PLACE, "PATH": f"{PLACE}/bin:{_DEFAULT_PATH}"}


def _base(python: Path) -> Sequence[Bind]:
    """What holds the interpreter itself, unless every sandbox sees it."""
    real = python.resolve()
    prefix = real.parent.parent
    if any(real.is_relative_to(seen) for seen in ("/usr", sys.base_prefix)):
        return ()
    if not list(prefix.glob("lib/python3*")):
        raise InvalidInput(f"{python} leads to {real}, which is no installation of Python.")
    return (Bind(str(prefix), str(prefix)),)


def _is_python(script: Path) -> bool:
    with script.open("rb") as file:
        first = file.readline(_SHEBANG_BYTES)
    return first.startswith(b"#!") and b"python" in first
