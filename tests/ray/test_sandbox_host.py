from pathlib import Path

import pytest

from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from harness.domain.sandbox import Chunk, Command, ExecResult, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold
from harness.errors import NotFound, TierUnavailable
from harness.ports.entropy import SystemEntropy

pytestmark = pytest.mark.ray


async def test_sandboxes_are_used_from_another_process(ray_cluster: None, tmp_path: Path) -> None:
    from actors.sandbox.actor import start_sandbox_host  # Ray reads its settings when imported
    from actors.sandbox.handle import SandboxHostHandle

    folder = tmp_path / "snapshots"
    scratch = tmp_path / "scratch"
    start_sandbox_host(
        lambda: SandboxHost(SystemEntropy(), scratch, Snapshots(folder)), "sandbox-test"
    )
    host = SandboxHostHandle("sandbox-test")
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
