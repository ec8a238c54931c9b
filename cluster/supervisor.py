"""The supervisor of one machine: starts the platform, brings back what died, leaves nothing.

Ray restarts single actors and Serve restarts replicas; this process answers for what holds them:
the Ray head, the deployment, and an API that does answer. It is the subreaper of everything it
starts, so no process can escape it.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from actors.sandbox.cgroup import find_roots, sweep
from cluster.installation import InstallationFiles, pick_ports
from cluster.processes import adopt_orphans, end_all, reap
from cluster.ray_head import head_command, ray_environ
from harness.domain.installation import Installation, PlatformState, Ports
from harness.errors import Conflict
from harness.settings import Settings
from harness.version import VERSION

_log = logging.getLogger("ath.supervisor")

TICK_SECONDS = 0.25
PROBE_SECONDS = 2.0
PROBE_PATIENCE_SECONDS = 30.0
"""An API silent for longer is deployed again: Serve mends single replicas within this time."""
RESTART_PATIENCE_SECONDS = 90.0
"""An API silent for longer than this gets a new Ray head."""
BACKOFF_SECONDS = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)


@dataclass(slots=True)
class Supervisor:
    """Runs until it is told to stop; `run` is the whole life."""

    settings: Settings
    files: InstallationFiles
    installation: Installation
    _head: subprocess.Popen[bytes] | None = None
    _deploy: subprocess.Popen[bytes] | None = None
    _stopping: bool = False
    _answered: float = 0.0
    _probed: float = 0.0
    _deployed_once: bool = False
    _failures: dict[str, int] = field(default_factory=dict)

    def run(self) -> None:
        """Start everything and keep it up until SIGTERM or SIGINT."""
        adopt_orphans()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        try:
            self._start_head()
            while not self._stopping:
                self._tick()
                time.sleep(TICK_SECONDS)
        finally:
            self._say(PlatformState.DOWN, "stopping")
            end_all(grace_seconds=3.0)
            _sweep_cgroups()
            shutil.rmtree(self.settings.scratch, ignore_errors=True)
            self._say(PlatformState.DOWN, "")

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _tick(self) -> None:
        reap()
        if not self.settings.home.is_dir():
            _log.warning("ending, because the home was removed")
            self._stopping = True
            return
        if self._head is None or self._head.poll() is not None:
            self._restart("ray head", "a process of the Ray head died")
            return
        if self._deploy is not None and self._deploy.poll() is not None:
            self._take_deployment(self._deploy.returncode)
        self._probe()

    def _take_deployment(self, code: int) -> None:
        self._deploy = None
        if code == 0:
            self._deployed_once = True
            self._probed = 0.0
            self._failures.pop("deployment", None)
        else:
            _log.warning("deployment failed", extra={"code": code})
            self._count("deployment")
            self._wait("deployment")
            self._start_deployment()

    def _probe(self) -> None:
        now = time.monotonic()
        if self._is_up and now - self._probed < PROBE_SECONDS:
            return
        self._probed = now
        if self._answers():
            self._answered = time.monotonic()
            if not self._is_up:
                self._failures.pop("ray head", None)
                self._say(PlatformState.UP, "")
            return
        silent = now - self._answered
        if silent > RESTART_PATIENCE_SECONDS and self._deploy is None:
            self._restart("ray head", f"the API was silent for {silent:.0f} s")
        elif silent > PROBE_PATIENCE_SECONDS and self._deploy is None:
            self._say(PlatformState.MENDING, f"the API was silent for {silent:.0f} s")
            self._count("deployment")
            self._start_deployment()

    @property
    def _is_up(self) -> bool:
        return self.installation.state is PlatformState.UP

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(  # noqa: S310  # our own loopback address
                f"{self.installation.url}/healthz", timeout=PROBE_SECONDS
            ) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _restart(self, part: str, why: str) -> None:
        _log.warning("restarting", extra={"part": part, "why": why})
        self._count(part)
        self._say(PlatformState.MENDING, why)
        end_all(grace_seconds=0.0)
        self._head = self._deploy = None
        self._wait(part)
        if not self._stopping:
            self._start_head()

    def _start_head(self) -> None:
        for folder in ("ray", "haproxy", "runs", "sandboxes", "snapshots"):
            shutil.rmtree(self.settings.scratch / folder, ignore_errors=True)
        self.settings.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.settings.scratch / "haproxy").mkdir(mode=0o700)
        self._answered = time.monotonic()
        cpus = self.settings.workers or os.cpu_count() or 1
        command = head_command(self.installation.ports, self.settings, cpus)
        self._head = self._spawn(command, "ray-head.log")
        self._start_deployment()

    def _start_deployment(self) -> None:
        if not self._is_up:
            self._say(self.installation.state, "starting Ray and the API")
        self._deploy = self._spawn([sys.executable, "-m", "serve.deploy"], "deploy.log")

    def _spawn(self, command: Sequence[str], log: str) -> subprocess.Popen[bytes]:
        with (self.files.logs / log).open("ab") as output:
            return subprocess.Popen(  # our own command, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(ray_environ(self.installation.ports, self.settings)),
                cwd=self.settings.home,
            )

    def _count(self, part: str) -> None:
        restarts = dict(self.installation.restarts)
        restarts[part] = restarts.get(part, 0) + 1
        self.installation = replace(self.installation, restarts=restarts)
        self._failures[part] = self._failures.get(part, 0) + 1

    def _wait(self, part: str) -> None:
        """Back off, so that something that dies at once does not burn the machine."""
        step = min(self._failures.get(part, 1) - 1, len(BACKOFF_SECONDS) - 1)
        until = time.monotonic() + BACKOFF_SECONDS[step]
        while time.monotonic() < until and not self._stopping:
            time.sleep(TICK_SECONDS)

    def _say(self, state: PlatformState, step: str) -> None:
        self.installation = replace(self.installation, state=state, step=step)
        try:
            self.files.write(self.installation)
        except OSError as failed:
            # A full disk or a removed home must not keep the platform from being mended or ended.
            _log.warning("state not written", extra={"error": str(failed)})


def _sweep_cgroups() -> None:
    """Remove the empty cgroups of sandboxes whose host was ended with everything else."""
    try:
        roots = find_roots()
        if roots is not None:
            sweep(roots)
    except OSError as failed:
        _log.warning("cgroups not swept", extra={"error": str(failed)})


def supervise(settings: Settings) -> None:
    """Hold the installation and run it until told to stop.

    Raises:
        Conflict: the installation is held by another supervisor, or a port is taken.
    """
    files = InstallationFiles(settings.home)
    files.prepare()
    with files.held():
        ports = _ports(files, settings)
        installation = Installation(
            state=PlatformState.STARTING,
            url=f"http://127.0.0.1:{ports.http}",
            dashboard=f"http://127.0.0.1:{ports.dashboard}",
            pid=os.getpid(),
            started=time.time(),
            version=VERSION,
            code=str(Path(__file__).resolve().parent.parent),
            ports=ports,
        )
        files.write(installation)
        Supervisor(settings, files, installation).run()


def _ports(files: InstallationFiles, settings: Settings) -> Ports:
    """The HTTP port stays the same from start to start while it is free."""
    known = files.read()
    if settings.http_port or known is None:
        return pick_ports(settings.http_port)
    try:
        return pick_ports(known.ports.http)
    except Conflict:
        return pick_ports()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    supervise(Settings.load())
