"""A platform of the benchmark's own: a private home, started and ended here."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.installation import InstallationFiles
from harness.domain.installation import Installation
from harness.settings import caller_environ

ATH = str(Path(sys.executable).with_name("ath"))
UP_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class OwnPlatform:
    """One private home; several starts may follow each other in it."""

    home: Path

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment in which `ath` means this platform."""
        # Bytecode is kept on both sides, as for everybody who does not ask for anything else.
        left_out = ("ATH_", "RAY_", "PYTHONDONTWRITEBYTECODE")
        kept = {k: v for k, v in caller_environ().items() if not k.startswith(left_out)}
        return kept | {
            "ATH_HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(ATH).parent), kept.get("PATH", os.defpath)]),
        }

    @property
    def installation(self) -> Installation:
        """Where it is.

        Raises:
            RuntimeError: it was never started.
        """
        found = InstallationFiles(self.home).read()
        if found is None:
            raise RuntimeError(f"No platform was started in {self.home}. Call `up` first.")
        return found

    @property
    def token(self) -> str:
        """Its owner's API key."""
        return InstallationFiles(self.home).token.read_text()

    def up(self) -> None:
        """Start it; returns when its API answers."""
        self.ath("up")

    def down(self) -> None:
        """End it, if it runs."""
        self.ath("down")

    def ath(self, *words: str) -> None:
        """One command of the CLI.

        Raises:
            RuntimeError: it ended with another code than 0; the message has what it said.
        """
        ended = subprocess.run(
            [ATH, *words],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(
                f"`ath {' '.join(words)}` ended with {ended.returncode}.\n"
                f"{ended.stdout}{ended.stderr}"
            )


@contextmanager
def own_platform() -> Iterator[OwnPlatform]:
    """A platform that is not up yet; it is ended and its home removed at the end."""
    with tempfile.TemporaryDirectory(prefix="ath-bench-") as folder:
        platform = OwnPlatform(Path(folder) / "home")
        try:
            yield platform
        finally:
            platform.down()
