import pickle

import pytest

from harness.domain.sandbox_tier import Control, Hold, Tier, TierReport
from harness.errors import TierUnavailable

HALF = TierReport(
    Tier.NAMESPACE,
    {Control.MEMORY: Hold.WATCHDOG, Control.NETWORK: Hold.ENFORCED},
    "No cgroup can be made here.",
    "Run as root.",
)


def test_what_holds_well_enough_is_granted() -> None:
    HALF.demand({})
    HALF.demand({Control.MEMORY: Hold.WATCHDOG, Control.NETWORK: Hold.WATCHDOG})
    HALF.demand({Control.CPU: Hold.ABSENT})


def test_all_that_is_missing_is_named_with_reason_and_fix() -> None:
    wanted = {Control.MEMORY: Hold.ENFORCED, Control.CPU: Hold.WATCHDOG}
    with pytest.raises(TierUnavailable) as raised:
        HALF.demand(wanted)
    assert raised.value.tier == "namespace"
    assert raised.value.missing == (
        "memory (watchdog, not enforced)",
        "cpu (absent, not watchdog)",
    )
    assert (raised.value.reason, raised.value.fix) == (HALF.reason, HALF.fix)


def test_a_tier_that_is_not_there_is_refused_even_without_demands() -> None:
    with pytest.raises(TierUnavailable, match="no such tier"):
        TierReport(Tier.VM, reason="This version has no such tier.").demand({})


def test_the_error_travels_between_processes() -> None:
    error = TierUnavailable("vm", ["cpu"], "Why.", "Fix.")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.missing, copy.fix) == (str(error), ("cpu",), "Fix.")


def test_every_control_is_described() -> None:
    assert set(HALF.described()) == {str(one) for one in Control}
    assert HALF.described()["cpu"] == "absent"
