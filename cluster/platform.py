"""The platform on this machine from the outside: start it, find it, end it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from cluster.installation import InstallationFiles
from harness.domain.installation import Installation, PlatformState
from harness.errors import Conflict, Unavailable
from harness.settings import Settings, caller_environ
from harness.version import VERSION

POLL_SECONDS = 0.05
DOWN_SECONDS = 30.0
HOPELESS = 3
"""A first deployment that failed so often will fail again."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One installation, as `ath up`, `ath down` and `ath status` see it."""

    settings: Settings

    @property
    def files(self) -> InstallationFiles:
        """Where it keeps itself."""
        return InstallationFiles(self.settings.home)

    def look(self) -> Installation | None:
        """What it is doing; None when it is not running."""
        if not self.settings.home.is_dir() or not self.files.is_running():
            return None
        return self.files.read()

    def up(self, progress: Callable[[str], None]) -> Installation:
        """Start it unless it is up; returns when the API answers.

        Raises:
            Conflict: code of another version runs from the same home.
            Unavailable: it did not come up in time, or its supervisor ended.
        """
        supervisor = None if self.look() else self._spawn()
        until = time.monotonic() + self.settings.up_seconds
        while True:
            found = self.look()
            if found and found.state is PlatformState.UP:
                return self._same_version(found)
            if found:
                progress(found.step or str(found.state))
            if found and supervisor and found.restarts.get("deployment", 0) >= HOPELESS:
                self.down()
                raise Unavailable(f"The platform cannot be deployed.\n{self._last_words()}")
            if supervisor and supervisor.poll() is not None and not self.look():
                raise Unavailable(f"The platform ended while it started.\n{self._last_words()}")
            if time.monotonic() > until:
                raise Unavailable(
                    f"The platform did not come up within {self.settings.up_seconds:g} s. "
                    f"See {self.files.logs} and `ath doctor`, then `ath down`.\n"
                    f"{self._last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def down(self) -> bool:
        """End exactly what was started; gives whether anything ran.

        Raises:
            Unavailable: it did not end in time.
        """
        found = self.look()
        if found is None:
            return self._sweep()
        try:
            os.kill(found.pid, signal.SIGTERM)
        except ProcessLookupError:
            return self._sweep()
        until = time.monotonic() + DOWN_SECONDS
        while self.files.is_running():
            if time.monotonic() > until:
                raise Unavailable(
                    f"The supervisor (pid {found.pid}) did not end within {DOWN_SECONDS:g} s; "
                    f"see {self.files.logs / 'supervisor.log'}."
                )
            time.sleep(POLL_SECONDS)
        return True

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self.files.prepare()
        self._sweep()
        with (self.files.logs / "supervisor.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "cluster.supervisor"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=caller_environ() | self.settings.environ(),
                cwd=self.settings.home,
                start_new_session=True,
            )

    def _sweep(self) -> bool:
        """End what a supervisor that was killed left behind."""
        # Here, because loading psutil takes as long as a request, and most commands need none.
        from cluster.remains import end_remains

        return end_remains(self.settings.home)

    def _same_version(self, found: Installation) -> Installation:
        if found.version != VERSION:
            raise Conflict(
                f"Version {found.version} runs from {self.settings.home}, this is {VERSION}. "
                "Run `ath down`, then `ath up`."
            )
        return found

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("supervisor.log", "deploy.log"):
            path = self.files.logs / name
            if path.exists():
                lines += path.read_text(errors="replace").splitlines()[-8:]
        return "\n".join(lines)
