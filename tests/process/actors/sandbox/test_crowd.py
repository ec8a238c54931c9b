import asyncio
from collections import Counter

import pytest

from actors.sandbox.template import Template
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
