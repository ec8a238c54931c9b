"""The runsc of tests that need one, and templates of it."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from actors.sandbox.cgroup import find_roots
from actors.sandbox.doorway import Doorway
from actors.sandbox.gvisor import gvisor_kind
from actors.sandbox.host import SandboxHost
from actors.sandbox.snapshots import Snapshots
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from actors.sandbox.warm import WarmLimits
from harness.domain.sandbox import Bind, SandboxRef, SandboxSpec
from harness.domain.sandbox_tier import Control, Hold, Tier
from harness.errors import TierUnavailable
from harness.ports.entropy import Entropy

HOW = (
    "needs runsc: install a release of gVisor, or CGO_ENABLED=0 go install "
    "gvisor.dev/gvisor/runsc@go, and name it by ATH_TEST_RUNSC"
)


def runsc() -> str:
    """Its path; skips the test where there is none."""
    found = shutil.which(os.environ.get("ATH_TEST_RUNSC", "runsc"))
    if found is None:
        pytest.skip(HOW)
    return found


async def gvisor_template(binds: Sequence[Bind] = ()) -> Template:
    """A template that the caller closes; skips the test where none comes up."""
    users = Users.of_this_process()
    try:
        return await Template.start(binds, find_roots(), users, gvisor_kind(runsc(), users))
    except TierUnavailable as missing:
        pytest.skip(str(missing))


class GvisorHost(SandboxHost):
    """Its sandboxes are gVisor's unless another tier is named."""

    async def create(
        self,
        spec: SandboxSpec,
        demands: Mapping[Control, Hold] | None = None,
        snapshot: str | None = None,
        tier: Tier = Tier.GVISOR,
        most: int | None = None,
    ) -> SandboxRef:
        """See `SandboxHost.create`."""
        return await SandboxHost.create(self, spec, demands, snapshot, tier, most)


def gvisor_host(
    entropy: Entropy, scratch: Path, snapshots: Snapshots, doorway: Doorway | None = None
) -> SandboxHost:
    """A host without spares; skips the test where there is no runsc."""
    return GvisorHost(
        entropy, scratch, snapshots, doorway, warm=WarmLimits(spares=0), runsc=runsc()
    )
