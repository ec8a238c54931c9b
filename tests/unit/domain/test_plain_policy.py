"""Plain forms that are none, and lists that are too long to be compared."""

import pytest

from harness.domain.host_rule import HostPattern, HostRule
from harness.domain.network_policy import MOST_MET, NetworkPolicy
from harness.domain.plain_policy import policy_of
from harness.domain.policy import Policy
from harness.errors import Corrupt, InvalidInput

PLAIN = Policy().plain()


@pytest.mark.parametrize(
    "plain",
    [
        {},
        PLAIN | {"network": None},
        PLAIN | {"network": {"mode": "some", "allow": []}},
        PLAIN | {"network": {"mode": "allow-list", "allow": [{"host": "a"}]}},
        PLAIN
        | {
            "network": {
                "mode": "allow-list",
                "allow": [{"host": "a", "ports": None, "methods": "*", "private": []}],
            }
        },
        PLAIN | {"models": ["a b"]},
        PLAIN | {"budget": {"love": 1}},
        PLAIN | {"budget": {"tokens": -1}},
        PLAIN | {"budget": []},
    ],
)
def test_what_is_no_policy_is_not_guessed(plain: dict[str, object]) -> None:
    with pytest.raises(Corrupt, match="Set it again"):
        policy_of(plain)


def test_lists_that_meet_in_too_many_rules_are_refused() -> None:
    one = NetworkPolicy.allowing(
        HostRule(HostPattern("*"), frozenset({n, n + 500})) for n in range(1, 500)
    )
    other = NetworkPolicy.allowing(
        HostRule(HostPattern(f"h{n}.example"), frozenset({1, 2, 3, n + 3, n + 503}))
        for n in range(400)
    )
    with pytest.raises(InvalidInput, match=f"more than {MOST_MET} rules in common"):
        one.meet(other)
