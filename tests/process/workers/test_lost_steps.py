"""A test that ends its own process has told of its steps before."""

import os
import sys
from pathlib import Path

import pytest

from actors.workers.steps_under_way import StepsUnderWay
from actors.workers.suite_process import Launch
from actors.workers.suite_session import SuiteSession, SuiteSpec
from actors.workers.suite_worker import StepTold, WorkerEvent, WorkerLost
from actors.workers.warm_processes import Kind, WarmProcesses
from harness.domain.ids import TenantId
from tests.architecture.source import ROOT

pytestmark = pytest.mark.process

TEST = """\
import os, signal

def test_it(ath):
    with ath.step("sign in"):
        pass
    with ath.step("buy"), ath.step("pay"):
        os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_steps_of_a_killed_test_are_known(tmp_path: Path) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_it.py").write_text(TEST)
    environ = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    kind = Kind(TenantId("t"), Launch(sys.executable, environ, 1 << 30, None))
    spec = SuiteSpec(
        kind, ("pytest", "-q"), suite, None, tmp_path / "door", tmp_path / "session", tmp_path
    )
    session = SuiteSession(spec, WarmProcesses(tmp_path, most=0))
    try:
        await session.collect(60)
        worker = await session.open_worker("w1")
        worker.run([0])
        worker.finish()
        told: list[WorkerEvent] = [event async for event in worker.events()]
    finally:
        await session.close()
    under_way = StepsUnderWay()
    for event in told:
        if isinstance(event, StepTold):
            under_way.take(event.told)
    signed, bought = under_way.steps()
    assert (signed.name, signed.outcome) == ("sign in", "passed")
    assert [step.name for step in bought.failed_path()] == ["buy", "pay"]
    assert isinstance(told[-1], WorkerLost)
    assert told[-1].exit_code == -9
