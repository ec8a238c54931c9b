"""Policies read back from their plain form, `Policy.plain()`."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.domain.account import Budget, Measure
from harness.domain.address_range import AddressRanges
from harness.domain.host_rule import HostPattern, HostRule
from harness.domain.http_secret import HttpSecret
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkMode, NetworkPolicy
from harness.domain.policy import Policy
from harness.errors import Corrupt, InvalidInput

Plain = Mapping[str, Any]  # Any: JSON, checked by use


def policy_of(plain: Plain) -> Policy:
    """The policy whose plain form this is; fields that are not known are ignored.

    Raises:
        Corrupt: it is none.
    """
    try:
        return Policy(
            _network(plain["network"]),
            NameSet.parse(plain["models"]),
            NameSet.parse(plain["tools"]),
            Budget({Measure(name): int(most) for name, most in plain["budget"].items()}),
        )
    except (AttributeError, InvalidInput, KeyError, TypeError, ValueError) as wrong:
        raise Corrupt(f"A stored policy cannot be read ({wrong!r}). Set it again.") from wrong


def _network(plain: Plain) -> NetworkPolicy:
    mode = NetworkMode(plain["mode"])
    if mode is NetworkMode.ALLOW_LIST:
        rules = [_rule(each, each["private"]) for each in plain["allow"]]
        return NetworkPolicy.allowing(rules, map(_secret, plain.get("secrets", ())))
    return NetworkPolicy(mode)


def _secret(plain: Plain) -> HttpSecret:
    return HttpSecret.of(_rule(plain), plain["header"], plain["value"])


def _rule(plain: Plain, private: Sequence[str] = ()) -> HostRule:
    ports, methods = _listed(plain["ports"]), _listed(plain["methods"])
    return HostRule(
        HostPattern.parse(plain["host"]),
        None if ports is None else frozenset(map(int, ports)),
        None if methods is None else frozenset(map(str, methods)),
        AddressRanges.parse(private),
    )


def _listed(plain: Any) -> Sequence[Any] | None:  # Any: JSON
    if plain == "*":
        return None
    if not isinstance(plain, list):
        raise TypeError(f"{plain!r} is no list")
    return plain
