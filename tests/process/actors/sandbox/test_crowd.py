import asyncio
import time
from collections import Counter
from dataclasses import replace
from statistics import median

import pytest

from actors.sandbox.cgroup import find_roots
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.domain.sandbox import Command, Reason, SandboxSpec
from tests.process.actors.sandbox.conftest import SMALL

pytestmark = pytest.mark.process

KINDS = {
    "code": Command(code="print('x')"),
    "daemon": Command(argv=["sh", "-c", "(setsid sleep 100 &); sleep 0.01"]),
    "late": Command(argv=["sleep", "50"], timeout_seconds=0.1),
    "failing": Command(argv=["sh", "-c", "exit 5"]),
}
BOMB = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
EXPECTED = {
    ("code", Reason.EXIT, 0),
    ("daemon", Reason.EXIT, 0),
    ("late", Reason.TIMEOUT, None),
    ("failing", Reason.EXIT, 5),
}
SANDBOXES, ROUNDS = 8, 3


async def test_many_sandboxes_with_many_commands_end_as_each_should(template: Template) -> None:
    found: Counter[tuple[str, Reason, int | None]] = Counter()

    async def run(sandbox_number: int) -> None:
        sandbox = await template.spawn(SandboxSpec("tenant", limits=SMALL))
        for _ in range(ROUNDS):
            results = await asyncio.gather(*map(sandbox.exec, KINDS.values()))
            for name, result in zip(KINDS, results, strict=True):
                found[name, result.reason, result.exit_code] += 1
            bombed = await sandbox.exec(Command(code=BOMB, timeout_seconds=0.1))
            assert bombed.reason is Reason.TIMEOUT, sandbox_number
        await sandbox.close()

    await asyncio.gather(*map(run, range(SANDBOXES)))
    assert dict(found) == dict.fromkeys(EXPECTED, SANDBOXES * ROUNDS)


STARTS = 15


BOMBS = {
    "forks": BOMB,
    "memory": "import os\nwhile True:\n  if os.fork() == 0: b = bytearray(64 << 20)\n  os.wait()",
    "files": (
        "import os\nn = 0\n"
        "while True:\n  n += 1; os.close(os.open(f'/tmp/{n % 400}', os.O_CREAT | os.O_RDWR))"
    ),
    "threads": (
        "import threading\n"
        "while True:\n"
        "  try: threading.Thread(target=int).start()\n"
        "  except RuntimeError: pass"
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
async def test_a_bomb_does_not_slow_another_tenants_start(template: Template, bomb: str) -> None:
    other = await Template.start([], find_roots(), Users.of_this_process())
    try:
        quiet = await start_seconds(other)
        limits = replace(SMALL, cpus=0.5)
        bombed = await template.spawn(SandboxSpec("bomber", limits=limits))
        running = bombed.start(Command(code=bomb, timeout_seconds=120))
        await asyncio.sleep(0.5)
        loud = await start_seconds(other)
        running.end()
        await running.wait()
        await bombed.close()
    finally:
        other.close()
    assert loud < 3 * quiet + 0.03, (quiet, loud)


async def start_seconds(template: Template) -> float:
    """The median from nothing to a result."""
    taken = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        sandbox = await template.spawn(SandboxSpec("neighbour", limits=SMALL))
        assert (await sandbox.exec(Command(code="print(1)"))).ok
        taken.append(time.perf_counter() - begun)
        await sandbox.close()
    return median(taken)
