import contextlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.policy_document import load_policy, policy_of_text, read_policy
from actors.specs.problem import InvalidSpec
from harness.domain.account import Measure
from harness.domain.decision import Denial
from harness.domain.host_name import Endpoint
from harness.domain.policy import Policy
from harness.errors import InvalidDocument

WHOLE = b"""\
network:
  allow:
    - host: api.example.com
      methods: [GET, HEAD]
    - {host: "*.internal", ports: [5432], private: ["10.1.0.0/16"]}
    - {host: 10.0.0.7, ports: "*"}
models: [openai/gpt-6, "local/*"]
tools: [browser.click]
budget: {tokens: 200000, cost: 1.5, turns: 50, wall_seconds: 600.5, requests: 9, bytes: 1000}
"""
WITH_SECRET = b"""\
network:
  allow:
    - host: api.example.com
      secret: {header: Authorization, value: "Bearer ${API_TOKEN}"}
"""


def test_a_policy_is_what_its_document_says() -> None:
    policy = read_policy("p.yaml", WHOLE)
    network = policy.network
    assert network.request(Endpoint("api.example.com", 443), "GET").is_allowed
    assert network.request(Endpoint("api.example.com", 443), "POST").denial is Denial.METHOD
    assert network.connection(Endpoint("db.internal", 5432)).is_allowed
    assert network.connection(Endpoint("db.internal", 443)).denial is Denial.PORT
    assert network.connection(Endpoint("10.0.0.7", 9)).is_allowed
    assert policy.model("local/small").is_allowed
    assert policy.model("openai/gpt-7").denial is Denial.MODEL
    assert policy.budget.limits == {
        Measure.TOKENS: 200_000,
        Measure.COST: 1_500_000,
        Measure.TURNS: 50,
        Measure.WALL: 600_500,
        Measure.REQUESTS: 9,
        Measure.BYTES: 1000,
    }


def test_a_line_may_put_in_a_secret() -> None:
    network = read_policy("p.yaml", WITH_SECRET).network
    to = Endpoint("api.example.com", 443)
    (found,) = network.injected(to, "GET").items()
    assert found[0] == "authorization"
    assert found[1] is not None
    assert found[1].filled({"API_TOKEN": "x"}) == "Bearer x"
    assert network.connection(to).must_read
    assert network.reads


def test_an_empty_document_allows_nothing() -> None:
    assert read_policy("p.yaml", b"{}") == Policy()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("network:\n  alow: []\n", "p.yaml:2:3: network.alow: unknown key; did you mean `allow`?"),
        (
            "network:\n  allow:\n    - {host: a.b, secret: {header: Host, value: '${A}'}}\n",
            "'Host' is not a header that can hold a secret",
        ),
        (
            "network:\n  allow:\n    - {host: a.b, secret: {header: X, value: plain}}\n",
            "names no secret; write ${NAME}",
        ),
        (
            "network:\n  allow:\n    - host: a.*\n",
            "p.yaml:3:7: network.allow[0].host: 'a.*' is not a host pattern",
        ),
        (
            "network:\n  allow:\n    - {host: a, private: [10.0.0.1/8]}\n",
            "p.yaml:3:27: network.allow[0].private[0]: '10.0.0.1/8' is not a range",
        ),
        ("network: {allow: [{host: a, ports: [0]}]}", "network.allow[0].ports[0]: input should be"),
        ("network: {allow: [{host: a, methods: [get]}]}", "'get' does not look like"),
        ("network: {mode: all}", "p.yaml:1:11: network.mode: input should be 'none'"),
        ("models: ['*a']", "p.yaml:1:10: models[0]: '*a' is not a name"),
        ("budget: {tokens: -1}", "budget.tokens: input should be greater"),
        ("[]", "a policy is a mapping"),
        ("network: {allow: [{ports: [1]}]}", "host: is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        read_policy("p.yaml", text.encode())
    assert problem in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="cannot be read"):
        load_policy(tmp_path / "none.yaml")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidSpec):
        read_policy("p.yaml", data)


def test_a_text_without_a_file_is_read_and_refused_with_places() -> None:
    assert policy_of_text(WHOLE.decode()) == read_policy("p.yaml", WHOLE)
    with pytest.raises(InvalidDocument) as caught:
        policy_of_text("models: [a b]\ntool: []\n")
    told = pickle.loads(pickle.dumps(caught.value))
    assert [(each.line, each.column, each.path) for each in told.mistakes] == [
        (1, 10, "models[0]"),
        (2, 1, "tool"),
    ]
    assert "2:1: tool: unknown key; did you mean `tools`?" in str(told)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\ud800", "not Unicode"),
        ("models: ['a\0b']", "1:1: "),
        ("models: [" + "a, " * 501 + "]", "at most 500 items"),
        ("network: {allow: [{host: a, ports: [" + "1, " * 1001 + "]}]}", "at most 1000 items"),
        ("network: {allow: [{host: a, private: [" + "10.0.0.0/8, " * 201 + "]}]}", "200 private"),
        ("{" + ", ".join(f"k{n}: 1" for n in range(99)) + "}", "k9: unknown key"),
    ],
)
def test_what_is_too_much_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidDocument, match=words) as caught:
        policy_of_text(text)
    assert len(caught.value.mistakes) <= 50
