import pytest

from actors.sandbox.cgroup import find_roots
from actors.sandbox.landlock import landlock_abi
from actors.sandbox.tier_probe import probe_namespace_tier, probe_process_tier, probe_tiers
from actors.sandbox.users import Users
from harness.domain.sandbox_tier import Control, Hold, Tier

pytestmark = pytest.mark.process


async def test_every_tier_is_told_of() -> None:
    assert set(await probe_tiers()) == set(Tier)


async def test_the_namespace_tier_is_found_by_running_it() -> None:
    report = await probe_namespace_tier(find_roots(), Users.of_this_process())
    if not report.is_available:
        pytest.skip(report.reason)
    absent = {one for one in Control if report.holds(one) is Hold.ABSENT}
    assert absent <= {Control.OWN_USER, Control.CPU}


async def test_without_cgroups_memory_is_only_watched() -> None:
    report = await probe_namespace_tier(None, Users.of_this_process())
    if not report.is_available:
        pytest.skip(report.reason)
    assert report.holds(Control.MEMORY) is Hold.WATCHDOG
    assert report.holds(Control.CPU) is Hold.ABSENT
    assert "cgroup" in report.reason


@pytest.mark.skipif(landlock_abi() == 0, reason="needs Landlock")
async def test_the_process_tier_protects_files_network_and_calls() -> None:
    report = await probe_process_tier()
    for control in (
        Control.READ_PROTECTION,
        Control.NETWORK,
        Control.PRIVILEGES,
        Control.SYSTEM_CALLS,
    ):
        assert report.holds(control) is Hold.ENFORCED, control
    scoped = Hold.ENFORCED if landlock_abi() >= 6 else Hold.ABSENT
    assert report.holds(Control.OWN_PROCESSES) is scoped
    assert report.holds(Control.OWN_USER) is Hold.ABSENT
