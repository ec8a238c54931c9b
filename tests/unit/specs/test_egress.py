"""What a spec's allow-list lets its pages reach."""

from ipaddress import ip_address

import pytest

from actors.broker.report import EgressDecided
from actors.specs.allow_list import AllowList
from actors.specs.egress import MOST_DENIALS, PageEgress
from actors.specs.failure import StepFailed
from harness.domain.decision import Denial, refused
from harness.domain.host_name import Endpoint


@pytest.mark.parametrize(
    ("host", "address", "allowed"),
    [
        ("a.example", "1.1.1.1", True),
        ("a.example", "10.0.0.1", True),
        ("a.example", "169.254.169.254", False),
        ("a.example", "::ffff:169.254.169.254", False),
        ("b.c.example", "1.1.1.1", True),
        ("b.c.example", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("169.254.169.254", "169.254.169.254", False),
        ("169.254.0.9", "169.254.0.9", True),
        ("base.example", "127.0.0.1", True),
    ],
)
def test_a_host_that_only_a_pattern_matches_must_be_public(
    host: str, address: str, allowed: bool
) -> None:
    allow = AllowList(
        ["a.example", "*.c.example", "169.254.0.9", "127.*", "169.254.169.*"],
        "http://base.example:8080/x",
    )
    told = PageEgress(allow).address(Endpoint(host, 80), ip_address(address))
    assert told.is_allowed is allowed


def test_what_the_environment_refuses_stays_refused() -> None:
    environ = {"ATH_ALLOW": "a.example", "ATH_BASE_URL": "http://base.example/"}
    allow = AllowList.of(["a.example", "b.example"], "http://base.example", environ)
    for url in ("http://a.example/", "http://base.example/"):
        allow.check(url)
    with pytest.raises(StepFailed, match=r"the environment's `allow` names a\.example"):
        allow.check("http://b.example/")
    with pytest.raises(StepFailed, match=r"the spec's `allow` names a\.example, b\.example"):
        allow.check("http://c.example/")
    own = AllowList.of(None, "http://own.example", {"ATH_ALLOW": ""})
    with pytest.raises(StepFailed, match="the environment's `allow` names no host"):
        own.check("http://own.example/")


def test_without_any_list_everything_is_allowed() -> None:
    allow = AllowList.of(None, "", {})
    assert allow.is_open
    assert allow.permits("http://a.example/")


def test_refusals_are_kept_once_each_and_bounded() -> None:
    egress = PageEgress(AllowList([]))
    for port in [*range(1, 50), 1]:
        told = refused(Denial.HOST, "no")
        egress.decided(EgressDecided("x", "tunnel", "", "a.example", port, told))
    assert len(egress.plain()) == MOST_DENIALS
    assert egress.plain()[0] == {"host": "a.example", "port": 1, "reason": "no"}
