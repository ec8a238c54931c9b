"""The attacks of the namespace tier, tried in the gvisor tier."""

from collections.abc import AsyncIterator

import pytest

from actors.sandbox.gvisor import GvisorSandbox
from actors.sandbox.template import Template
from harness.domain.sandbox import Command, Limits, Reason, SandboxSpec
from tests.process.actors.sandbox.test_attacks import (
    is_usable,
    outside,
    test_a_daemon_ends_with_its_command,
    test_a_file_that_is_too_large_ends_its_writer,
    test_a_foreign_call_ends_its_process,
    test_a_fork_bomb_is_bounded_and_ended,
    test_a_full_volume_is_told_and_can_be_emptied,
    test_a_large_bomb_with_little_cpu_ends_with_its_command_alone,
    test_a_neighbours_files_and_processes_are_not_there,
    test_every_attack_ends_blocked,
    test_inodes_run_out_alone,
    test_one_process_too_many_is_told,
)
from tests.support.runsc import gvisor_template

__all__ = [
    "outside",
    "test_a_daemon_ends_with_its_command",
    "test_a_file_that_is_too_large_ends_its_writer",
    "test_a_foreign_call_ends_its_process",
    "test_a_fork_bomb_is_bounded_and_ended",
    "test_a_full_volume_is_told_and_can_be_emptied",
    "test_a_large_bomb_with_little_cpu_ends_with_its_command_alone",
    "test_a_neighbours_files_and_processes_are_not_there",
    "test_every_attack_ends_blocked",
    "test_inodes_run_out_alone",
    "test_one_process_too_many_is_told",
]
pytestmark = [pytest.mark.process, pytest.mark.long]
SMALL = Limits(
    memory_bytes=384 << 20,  # its kernel hands memory out in larger pieces
    processes=32,
    file_bytes=16 << 20,
    disk_bytes=32 << 20,
    inodes=512,
    shm_bytes=4 << 20,
)


@pytest.fixture
async def template() -> AsyncIterator[Template]:
    found = await gvisor_template()
    yield found
    found.close()


@pytest.fixture
async def sandbox(template: Template) -> AsyncIterator[GvisorSandbox]:
    async for made in spawned(template):
        yield made


@pytest.fixture
async def neighbour(template: Template) -> AsyncIterator[GvisorSandbox]:
    async for made in spawned(template):
        yield made


async def spawned(template: Template) -> AsyncIterator[GvisorSandbox]:
    made = await template.spawn(SandboxSpec("tenant", limits=SMALL))
    assert isinstance(made, GvisorSandbox)
    yield made
    await made.close()


@pytest.mark.parametrize(
    "hog",
    [
        "b = bytearray(1 << 30)",
        "import mmap; m = mmap.mmap(-1, 1 << 30); [m.write(b'x' * (1 << 20)) for _ in range(1024)]",
        "import os, signal\nwhile os.fork(): pass\nb = bytearray(48 << 20); signal.pause()",
        "import os\nwhile True: os.write(os.memfd_create('f'), b'x' * (8 << 20))",
    ],
)
async def test_a_memory_hog_is_ended(
    sandbox: GvisorSandbox, neighbour: GvisorSandbox, hog: str
) -> None:
    result = await sandbox.exec(Command(code=hog, timeout_seconds=60))
    assert (result.ok, result.reason) == (False, Reason.OOM)
    assert await is_usable(neighbour)
    assert await is_usable(sandbox)
