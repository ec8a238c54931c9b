from pathlib import Path

import pytest

from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from harness.domain.sandbox import Chunk, Command, ExecResult, SandboxRef, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold
from harness.errors import NotFound, TierUnavailable
from harness.ports.entropy import SystemEntropy
from harness.ports.sandboxes import SandboxNode

pytestmark = pytest.mark.ray

WRITES = """
import os
open("pid", "w").write(str(os.getpid()))
sum = 0
while True:
    sum += os.write(1, b"x" * 65536)
    with open("next", "w") as file:
        file.write(str(sum))
    os.replace("next", "written")
"""
STEADY = """
import time
last = None
while (now := open("written").read()) != last:
    last = now
    time.sleep(0.5)
"""


def a_host(folder: Path) -> SandboxHost:
    return SandboxHost(SystemEntropy(), folder / "scratch", Snapshots(folder / "snapshots"))


async def test_sandboxes_are_used_from_another_process(ray_cluster: None, tmp_path: Path) -> None:
    from actors.sandbox.actor import start_sandbox_host  # Ray reads its settings when imported
    from actors.sandbox.handle import SandboxHostHandle

    start_sandbox_host(lambda: a_host(tmp_path), "sandbox-test")
    host = SandboxHostHandle(name="sandbox-test")
    try:
        ref = await host.create(SandboxSpec("tenant"))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    await host.write(ref, "file", b"hello")
    result = await host.exec(ref, Command(argv=["cat", "file"]))
    assert (result.stdout, result.ok) == (b"hello", True)
    items = [
        item async for item in host.exec_stream(ref, Command(argv=["sh", "-c", "echo a; echo b"]))
    ]
    assert b"".join(one.data for one in items if isinstance(one, Chunk)) == b"a\nb\n"
    assert isinstance(items[-1], ExecResult)
    assert (await host.events(ref))[0].kind == "sandbox.started"
    with pytest.raises(TierUnavailable) as raised:
        await host.create(SandboxSpec("tenant"), {Control.DEADLINE: Hold.ENFORCED})
    assert raised.value.missing == ("deadline (watchdog, not enforced)",)
    await host.kill(ref)
    with pytest.raises(NotFound):
        await host.exec(ref, Command(argv=["true"]))
    await host.close()


async def test_a_host_is_begun_with_the_first_sandbox(ray_cluster: None, tmp_path: Path) -> None:
    from actors.sandbox.handle import SandboxHostHandle  # Ray reads its settings when imported

    host = SandboxHostHandle(lambda: a_host(tmp_path), "sandbox-lazy-test")
    assert await host.statuses("tenant") == []
    await host.drop_snapshot("tenant", "none")
    with pytest.raises(NotFound, match="no sandbox x"):
        await host.kill(SandboxRef("tenant", "x"))
    try:
        ref = await host.create(SandboxSpec("tenant"))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    assert [one.id for one in await host.statuses("tenant")] == [ref.id]
    await read_a_little_of_much(host, ref)
    await host.close()


async def read_a_little_of_much(host: SandboxNode, ref: SandboxRef) -> None:
    """Its writer is slowed down meanwhile, and ended when nobody reads any more."""
    command = Command(code=WRITES, output_limit_bytes=1 << 30)
    items = host.exec_stream(ref, command)
    assert isinstance(await anext(items), Chunk)
    steady = Command(code=STEADY)
    assert (await host.exec(ref, steady)).ok
    assert int(await host.read(ref, "written")) < 64 << 20
    await items.aclose()
    gone = 'while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.01; done'
    assert (await host.exec(ref, Command(argv=["sh", "-c", gone], timeout_seconds=20))).ok
