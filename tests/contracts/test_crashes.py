"""What was acknowledged survives a killed process and a full disk."""

import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness.bus.segment_log import SegmentLog
from harness.domain.scope import DEFAULT_SCOPE
from harness.events.envelope import verify_chain
from harness.ports.entropy import SystemEntropy
from harness.stores.sql.records import SqlRecords
from tests.fakes.clock import FakeClock
from tests.support.samples import a_run, an_event

pytestmark = pytest.mark.process

ROUNDS = [1, 7, 40, 150]
"""After how many acknowledgements the writer is killed, in the middle of the next."""


@pytest.mark.parametrize("lines", ROUNDS)
def test_every_acknowledged_event_is_on_the_bus(tmp_path: Path, lines: int) -> None:
    acknowledged = killed_after(lines, "publish", tmp_path)
    with closing(SegmentLog(tmp_path, FakeClock())) as log:
        log.publish([an_event(0)])
        found = [delivery.event.seq for delivery in log.poll("audit", 100_000)]
    assert found.pop() == 0
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= acknowledged


@pytest.mark.parametrize("lines", ROUNDS)
def test_every_acknowledged_commit_is_in_the_database(tmp_path: Path, lines: int) -> None:
    acknowledged = killed_after(lines, "save", tmp_path)
    url = f"sqlite:///{tmp_path / 'records.db'}"
    with closing(SqlRecords(url, SystemEntropy())) as records:
        records.migrate()
        with records.transaction(DEFAULT_SCOPE) as tx:
            run = tx.runs.get(a_run().id)
            events = tx.runs.events(run.id, limit=100_000)
            assert verify_chain(events) == run.chain_head
    assert len(events) == run.seq == 1 + 3 * run.version >= acknowledged


def test_full_disk_is_said_and_spoils_nothing(tmp_path: Path) -> None:
    inside = f"mount -t tmpfs -o size=2m none {tmp_path} && exec {sys.executable} -m"
    command = ["unshare", "-rm", "sh", "-c", f"{inside} tests.support.crash fill {tmp_path}"]
    if not shutil.which("unshare") or not may_mount(tmp_path):
        pytest.skip("This machine lets nobody mount a small disk.")
    done = ended(command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1", "1", "0"]


def may_mount(folder: Path) -> bool:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(folder)]
    return ended(command).returncode == 0


def ended(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def killed_after(lines: int, program: str, folder: Path) -> int:
    """The last number that the program acknowledged before it was killed."""
    command = [sys.executable, "-m", "tests.support.crash", program, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, text=True) as process:
        assert process.stdout
        told = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        told += process.stdout.readlines()
    return int([line for line in told if line.endswith("\n")][-1])
