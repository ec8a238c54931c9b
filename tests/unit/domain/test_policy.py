import json
from ipaddress import ip_address
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.account import Budget, Measure
from harness.domain.address_range import AddressRanges
from harness.domain.decision import Denial
from harness.domain.host_name import Address, Endpoint
from harness.domain.host_rule import HostPattern, HostRule
from harness.domain.http_secret import HttpSecret
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkPolicy
from harness.domain.plain_policy import policy_of
from harness.domain.policy import Policy, effective
from harness.errors import InvalidInput

Question: TypeAlias = tuple[Endpoint, str | None, Address]

_HOSTS = ["a.example", "b.example", "x.a.example", "y.x.a.example", "10.0.0.1", "::1"]
_PATTERNS = [*_HOSTS, "*", "*.example", "*.a.example", "*.x.a.example"]
_METHODS = ["GET", "POST", "DELETE"]
_PORTS = [80, 443, 5432]
_RANGES = ["10.0.0.0/8", "10.0.0.0/16", "10.0.0.1/32", "127.0.0.0/8", "::1/128", "0.0.0.0/0"]
_ADDRESSES = ["10.0.0.1", "10.0.7.1", "10.9.0.1", "127.0.0.1", "1.1.1.1", "::1"]


def _some(values: list[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values), max_size=3)


_rules = st.builds(
    HostRule,
    st.sampled_from(_PATTERNS).map(HostPattern.parse),
    st.none() | st.frozensets(st.sampled_from(_PORTS), min_size=1),
    st.none() | st.frozensets(st.sampled_from(_METHODS), min_size=1),
    _some(_RANGES).map(AddressRanges.parse),
)
_secrets = st.builds(
    HttpSecret.of,
    _rules.filter(lambda rule: rule.hosts.text != "*"),
    st.sampled_from(["Authorization", "X-Key"]),
    st.sampled_from(["Bearer ${ONE}", "Bearer ${TWO}"]),
)
_networks = st.one_of(
    st.just(NetworkPolicy()),
    st.just(NetworkPolicy.host()),
    st.builds(
        NetworkPolicy.allowing,
        st.lists(_rules, max_size=4),
        st.lists(_secrets, max_size=3),
    ),
)
_names = _some(["*", "openai/*", "openai/gpt*", "openai/gpt-6", "local", "lo*"]).map(NameSet.parse)
_budgets = st.dictionaries(st.sampled_from(list(Measure)), st.integers(0, 9)).map(Budget)
_policies = st.builds(Policy, _networks, _names, _names, _budgets)
_questions = st.tuples(
    st.builds(Endpoint, st.sampled_from(_HOSTS), st.sampled_from(_PORTS)),
    st.none() | st.sampled_from(_METHODS),
    st.sampled_from(_ADDRESSES).map(ip_address),
)


def _allows(network: NetworkPolicy, question: Question) -> bool:
    to, method, address = question
    if method is None:
        decision = network.connection(to)
        may = decision.is_allowed and not decision.must_read
    else:
        may = network.request(to, method).is_allowed
    return may and network.address(to, address, method).is_allowed


@given(_policies, _policies, _questions)
def test_the_intersection_allows_what_both_sides_allow(
    one: Policy,
    other: Policy,
    question: Question,
) -> None:
    both = one.meet(other)
    sides = _allows(one.network, question) and _allows(other.network, question)
    assert _allows(both.network, question) == sides
    for name in ("openai/gpt-6", "openai/o9", "local", "lo", "z"):
        sides = one.models.holds(name) and other.models.holds(name)
        assert both.models.holds(name) == sides
    for measure in Measure:
        limits = [p.budget.limits[measure] for p in (one, other) if measure in p.budget.limits]
        assert both.budget.limits.get(measure) == (min(limits) if limits else None)


@given(_policies)
def test_intersecting_with_itself_changes_nothing(policy: Policy) -> None:
    assert policy.meet(policy) == policy
    assert policy.meet(policy).version == policy.version


@given(_policies, _policies)
def test_intersection_knows_no_order(one: Policy, other: Policy) -> None:
    assert one.meet(other) == other.meet(one)


@given(_policies, _policies, _policies)
def test_intersection_knows_no_grouping(one: Policy, two: Policy, three: Policy) -> None:
    assert one.meet(two).meet(three) == one.meet(two.meet(three))
    assert effective(three, one, two) == effective(one, two, three)


@given(_policies)
def test_a_policy_is_read_back_from_its_plain_form(policy: Policy) -> None:
    read = policy_of(json.loads(json.dumps(policy.plain())))
    assert read == policy
    assert read.version == policy.version


@given(_networks, _networks, _questions)
def test_a_secret_goes_out_only_if_all_who_name_one_agree(
    one: NetworkPolicy, other: NetworkPolicy, question: Question
) -> None:
    to, method = question[0], question[1] or "GET"
    both = one.meet(other)
    if not both.request(to, method).is_allowed:
        return
    sides = [one.injected(to, method), other.injected(to, method)]
    together = both.injected(to, method)
    assert together.keys() == {name for each in sides for name in each}
    for name, told in together.items():
        claims = [each[name] for each in sides if name in each]
        agreed = {each.value if each else None for each in claims}
        assert (told.value if told else None) == (agreed.pop() if len(agreed) == 1 else None)
        assert told is None or both.connection(to).must_read


def test_an_empty_policy_refuses_everything() -> None:
    policy = Policy()
    assert policy.network.connection(Endpoint("a.example", 443)).denial is Denial.NETWORK
    assert policy.model("openai/gpt-6").denial is Denial.MODEL
    assert policy.tool("sql.read").denial is Denial.TOOL


@pytest.mark.parametrize(
    ("to", "method", "denial"),
    [
        ("a.example:443", "GET", Denial.NONE),
        ("a.example:443", "POST", Denial.METHOD),
        ("a.example:22", "GET", Denial.PORT),
        ("b.example:443", "GET", Denial.HOST),
        ("x.b.example:443", "POST", Denial.NONE),
    ],
)
def test_a_refusal_says_which_part_of_a_rule_is_missing(
    to: str, method: str, denial: Denial
) -> None:
    network = NetworkPolicy.allowing(
        [
            HostRule(HostPattern.parse("a.example"), methods=frozenset({"GET"})),
            HostRule(HostPattern.parse("*.b.example")),
        ]
    )
    assert network.request(Endpoint.parse(to), method).denial is denial


def test_a_host_of_which_methods_are_named_must_be_read() -> None:
    network = NetworkPolicy.allowing(
        [HostRule(HostPattern.parse("a.example"), methods=frozenset({"GET"}))]
    )
    assert network.connection(Endpoint("a.example", 443)).must_read


def test_a_written_address_and_localhost_may_be_private() -> None:
    for host, address in (("10.1.2.3", "10.1.2.3"), ("localhost", "127.0.0.1"), ("[::1]", "::1")):
        rule = HostRule.naming(host, frozenset({5432}))
        network = NetworkPolicy.allowing([rule])
        to = Endpoint(rule.hosts.text, 5432)
        assert network.address(to, ip_address(address)).is_allowed
    named = NetworkPolicy.allowing([HostRule.naming("a.example")])
    refused = named.address(Endpoint("a.example", 443), ip_address("10.1.2.3"))
    assert refused.denial is Denial.ADDRESS


@pytest.mark.parametrize("text", ["a.*", "*a", "**", "*.", "*.10.0.0.1", "a.*.b", "", "0x7f.1"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        HostPattern.parse(text)


@pytest.mark.parametrize("text", ["", "a b", "*a", "a**", "-a", "a\n"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        NameSet.parse([text])


def test_a_version_depends_on_the_meaning_alone() -> None:
    rules = [HostRule.naming("a.example"), HostRule.naming("b.example")]
    one, other = (Policy(NetworkPolicy.allowing(each)) for each in (rules, rules[::-1]))
    assert one.version == other.version != Policy().version
    secret = HttpSecret.of(rules[0], "X-Key", "${TOKEN}")
    assert Policy(NetworkPolicy.allowing(rules, [secret])).version != one.version
