"""The Python that an environment is built on, and the uv that builds it."""

import asyncio
import importlib.metadata
import os
import platform
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from harness.errors import InvalidInput, Unavailable

FIND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An installed Python."""

    path: str
    version: str
    """Whole, such as 3.12.4."""


def uv_version() -> str:
    """Of the uv that builds."""
    return importlib.metadata.version("uv")


def platform_tag() -> str:
    """What compiled packages depend on."""
    libc = "-".join(platform.libc_ver())
    return f"{sysconfig.get_platform()}-{libc}"


async def find_interpreter(version: str | None) -> Interpreter:
    """An installed Python of a version; None means the one that the platform runs on.

    Raises:
        InvalidInput: this node has none.
    """
    own = Interpreter(_own_path(), platform.python_version())
    if version is None or f"{own.version}.".startswith(f"{version}."):
        return own
    return await asyncio.to_thread(_found, version)


def _found(version: str) -> Interpreter:
    options = ["--no-project", "--no-config", "--no-python-downloads", "--system"]
    search = os.pathsep.join([str(Path(_own_path()).parent), "/usr/local/bin", os.defpath])
    words = [find_uv_bin(), "python", "find", "--color=never", *options]
    # Only trusted programs run here, so HOME may lead uv to the Pythons that it installed before.
    env = {"PATH": search, "HOME": str(Path.home()), "UV_NO_PROGRESS": "1"}
    try:
        found = _answer([*words, version], env)
        told = _answer([*words, "--show-version", found], env) if found else ""
    except (OSError, subprocess.TimeoutExpired) as trouble:
        raise Unavailable(f"uv could not look for Python {version}: {trouble}.") from trouble
    if not told:
        raise InvalidInput(
            f"This node has no Python {version}. Have its operator install it "
            f"(`uv python install {version}` does), or name another version."
        )
    return Interpreter(found, told)


def _answer(argv: list[str], env: dict[str, str]) -> str:
    ran = subprocess.run(
        argv, env=env, capture_output=True, text=True, timeout=FIND_SECONDS, cwd="/", check=False
    )
    return ran.stdout.strip() if ran.returncode == 0 else ""


def _own_path() -> str:
    """The installed Python below the platform's virtual environment."""
    name = "python{}.{}".format(*sys.version_info)
    return str(Path(sys.base_prefix, "bin", name))
