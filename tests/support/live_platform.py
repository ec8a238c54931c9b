"""A whole platform of its own for tests: started and driven as a person would."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from actors.workers.suite_process import WAIT
from cluster.installation import InstallationFiles
from harness.client import Client
from harness.domain.installation import Installation
from harness.domain.run import Run, RunRequest
from harness.events.envelope import verify_chain
from harness.settings import Settings, index_environ

ROOT = Path(__file__).resolve().parents[2]
ATH = [sys.executable, "-c", "from cluster.cli import main; main()"]
COMMAND_SECONDS = 120.0
MARK = "ATH_SUPERVISED"
_INHERITED = ("HOME", "PATH", "LANG", "VIRTUAL_ENV", *index_environ())


@dataclass(frozen=True, slots=True)
class LivePlatform:
    """One installation in a folder of its own."""

    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """What its commands see; nothing of the caller's that could steer or slow them."""
        mine = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return mine | {
            "ATH_HOME": str(self.home),
            "ATH_WORKERS": "2",
            "PYTHONPATH": str(ROOT),
        }

    @property
    def settings(self) -> Settings:
        """As its commands load them."""
        return Settings.load(self.environ)

    def ath(
        self,
        *words: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        seconds: float = COMMAND_SECONDS,
        told: str | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """One command to its end; `told` is what stands on its standard input."""
        return subprocess.run(
            [*ATH, *words],
            cwd=cwd or self.home.parent,
            env=self.environ | dict(env or {}),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            input=told,
        )

    def begin(self, *words: str, cwd: Path, env: Mapping[str, str]) -> "subprocess.Popen[str]":
        """A command that the test interrupts."""
        return subprocess.Popen(
            [*ATH, *words],
            cwd=cwd,
            env=self.environ | dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def client(self) -> Client:
        """The SDK, signed in as the owner."""
        return Client(installation(self.home).url, (self.home / "token").read_text())

    def submit(
        self, client: Client, suite: Path, *argv: str, test_seconds: float | None = None
    ) -> Run:
        """A run of a suite, not waited for."""
        uploaded = client.suites.upload(suite)
        return client.runs.submit(
            RunRequest(
                suite=uploaded.suite,
                argv=argv,
                interpreter=sys.executable,
                workers=2,
                test_seconds=test_seconds,
            )
        )

    def processes(self) -> Sequence[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(installation(self.home).pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def running(self, title: Callable[[str], bool]) -> Sequence[psutil.Process]:
        """Its processes with such a command line."""
        return [process for process in self.processes() if title(_line(process))]

    def kill(self, title: Callable[[str], bool]) -> str:
        """SIGKILL to the first process with such a command line; gives that line.

        Interpreters that wait for a suite, and their wardens, are passed over.
        """
        for process in self.processes():
            line = _line(process)
            try:
                if title(line) and not _waits(process):
                    process.send_signal(signal.SIGKILL)
                    return line
            except psutil.NoSuchProcess:
                continue
        raise AssertionError("no such process is running")

    def leftovers(self) -> Sequence[str]:
        """Processes that carry this installation's mark."""
        return [str(process) for process in psutil.process_iter() if self._carries(process)]

    def _carries(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == str(self.home)
        except (psutil.Error, OSError):
            return False


def _waits(process: psutil.Process) -> bool:
    """Whether it is, or guards, an interpreter that has no suite yet."""
    return any(
        WAIT in each.cmdline() and each.cwd() == "/" for each in (process, *process.children())
    )


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def installation(home: Path) -> Installation:
    """How the installation describes itself."""
    found = InstallationFiles(home).read()
    assert found is not None
    return found


def assert_consistent(client: Client, run: Run) -> None:
    """Events are gapless and chained, with one end; each attempt finished once."""
    events = list(client.runs.events(run.id, until="finished", seconds=60))
    verify_chain(events)
    ends = [event for event in events if event.type == "ath.run.finished.v1"]
    assert [event.data["state"] for event in ends] == [str(run.state)]
    finished = [e.data["attempt_id"] for e in events if e.type == "ath.attempt.finished.v1"]
    assert len(finished) == len(set(finished))
