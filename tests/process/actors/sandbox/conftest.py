from collections.abc import AsyncIterator

import pytest

from actors.sandbox.cgroup import find_roots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.domain.sandbox import Limits, SandboxSpec
from harness.errors import TierUnavailable

SMALL = Limits(
    memory_bytes=128 << 20,
    processes=32,
    file_bytes=16 << 20,
    disk_bytes=32 << 20,
    inodes=512,
    shm_bytes=4 << 20,
)


@pytest.fixture
async def template() -> AsyncIterator[Template]:
    try:
        found = await Template.start([], find_roots(), Users.of_this_process())
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    yield found
    found.close()


@pytest.fixture
async def sandbox(template: Template) -> AsyncIterator[NamespaceSandbox]:
    made = await template.spawn(SandboxSpec("tenant", limits=SMALL))
    yield made
    await made.close()


@pytest.fixture
async def neighbour(template: Template) -> AsyncIterator[NamespaceSandbox]:
    made = await template.spawn(SandboxSpec("tenant", limits=SMALL))
    yield made
    await made.close()
