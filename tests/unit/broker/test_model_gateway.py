"""What programs get from the model gateway, and what their budgets pay."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.ledger import Ledger
from actors.broker.model_call import ModelCall, ModelUsage
from actors.broker.model_gateway import ModelGateway
from actors.broker.model_provider import ModelProvider
from actors.broker.openai_provider import OpenAIProvider
from actors.broker.scripted_provider import ScriptedProvider
from harness.domain.account import Account, Budget, Measure
from harness.domain.decision import Denial
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.price import Price
from harness.domain.script import Reply, ToolCall
from harness.errors import InvalidInput
from harness.ports.entropy import SystemEntropy
from tests.fakes.journal import Entry, FakeJournal
from tests.unit.broker.door import host

HELLO = Reply("Hello there, Ann.")
CLICK = Reply(tools=(ToolCall("click", {"role": "button"}),))


@dataclass(slots=True)
class World:
    """A gateway on loopback, and a program that uses it."""

    client: httpx.AsyncClient
    ledger: Ledger
    journal: FakeJournal = field(default_factory=FakeJournal)

    @property
    def first(self) -> Entry:
        return self.journal.entries[0]

    @property
    def prompt(self) -> int:
        """Tokens of the first call's prompt."""
        return int(self.told()["tokens"]["prompt"])

    def told(self) -> dict[str, Any]:
        """What came of the first call."""
        assert self.first.result is not None
        return dict(self.first.result)

    @property
    def denial(self) -> Denial | None:
        """Of the first call."""
        return self.first.refused.denial if self.first.refused else None

    async def chat(self, model: str = "scripted/a", **more: object) -> httpx.Response:
        messages = [{"role": "user", "content": "Say hello to Ann."}]
        body = {"model": model, "messages": messages, **more}
        return await self.client.post("/chat/completions", json=body)

    def spent(self, measure: Measure) -> int:
        return self.ledger.account.spent.get(measure, 0)


@contextlib.asynccontextmanager
async def world(
    *replies: Reply,
    models: Sequence[str] = ("*",),
    limits: Mapping[Measure, int] | None = None,
    price: Price | None = None,
    more: Mapping[str, ModelProvider] | None = None,
) -> AsyncIterator[World]:
    ledger = Ledger(Account(Budget(limits or {})), SystemEntropy())
    providers = {"scripted": ScriptedProvider(replies or [HELLO], price), **(more or {})}
    policy = Policy(models=NameSet.parse(models))
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=5) as client:
        here = World(client, ledger)
        gateway = ModelGateway(policy, ledger, providers, here.journal)
        await gateway.serve(listener)
        try:
            yield here
        finally:
            await gateway.close()


def events(answer: httpx.Response) -> list[Any]:
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


async def test_a_chat_is_answered_and_paid() -> None:
    async with world(price=Price(1_000_000, 2_000_000)) as here:
        answer = (await here.chat()).json()
    assert answer["choices"][0]["message"]["content"] == HELLO.text
    assert answer["model"] == "a"
    used = answer["usage"]
    assert here.spent(Measure.TOKENS) == used["total_tokens"]
    assert here.spent(Measure.COST) == used["prompt_tokens"] + 2 * used["completion_tokens"]
    assert here.spent(Measure.TURNS) == 1
    assert here.ledger.account.reserved == {}
    assert here.first.effect.name == "scripted/a"
    assert here.first.effect.args["messages"] == [{"role": "user", "content": "Say hello to Ann."}]
    assert here.told() == {
        "status": 200,
        "tokens": {"prompt": used["prompt_tokens"], "completion": 3},
        "choices": [{"content": HELLO.text, "finish": "stop"}],
        "cost_millionths": used["prompt_tokens"] + 6,
    }


@pytest.mark.parametrize("wants", [True, False])
async def test_a_stream_comes_in_events_and_is_paid_by_its_usage(wants: bool) -> None:
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wants else {}
    async with world() as here:
        answer = await here.chat(stream=True, **options)
    found = events(answer)
    deltas = [each["choices"][0]["delta"] for each in found if each["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == HELLO.text
    assert len(deltas) > 3
    assert ("usage" in found[-1]) is wants
    assert "is_estimated" not in here.told()
    assert here.told()["choices"] == [{"content": HELLO.text, "finish": "stop"}]
    assert here.spent(Measure.TOKENS) == here.prompt + 3


async def test_tools_are_called_whole_and_streamed() -> None:
    async with world(CLICK, CLICK) as here:
        whole = (await here.chat()).json()["choices"][0]
        streamed = events(await here.chat(stream=True))
    assert whole["finish_reason"] == "tool_calls"
    assert whole["message"]["tool_calls"][0]["function"] == {
        "name": "click",
        "arguments": '{"role": "button"}',
    }
    (delta,) = [
        each["choices"][0]["delta"]["tool_calls"][0]
        for each in streamed
        if "tool_calls" in each["choices"][0]["delta"]
    ]
    assert delta["function"]["name"] == "click"
    called = [{"id": "call_2_0", "name": "click", "arguments": '{"role": "button"}'}]
    told = here.journal.entries[1].result or {}
    assert told["choices"] == [{"content": "", "finish": "tool_calls", "calls": called}]


async def test_embeddings_are_the_same_for_the_same_text() -> None:
    async with world() as here:
        body = {"model": "scripted/a", "input": ["one", "two", "one"]}
        data = (await here.client.post("/embeddings", json=body)).json()["data"]
    first, second, third = (each["embedding"] for each in data)
    assert first == third != second
    assert here.spent(Measure.TOKENS) == 3


async def test_a_script_that_ends_or_is_left_says_so() -> None:
    async with world(Reply("a", expects="Bob"), HELLO) as here:
        told = await here.chat()
        assert told.status_code == 409
        assert "expects 'Bob'" in told.text
    async with world() as here:
        await here.chat()
        assert "no further reply after 1" in (await here.chat()).text
    assert here.spent(Measure.TOKENS) == here.prompt + 3


@pytest.mark.parametrize("model", ["scripted/b", "other/a", "a", "none/x"])
async def test_a_model_that_no_policy_names_is_not_asked(model: str) -> None:
    async with world(models=["scripted/a", "none/*"]) as here:
        answer = await here.chat(model)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "policy_denied"
        assert (await here.chat()).status_code == 200
    assert here.denial is Denial.MODEL
    assert here.spent(Measure.TURNS) == 1


async def test_a_call_that_may_cost_too_much_is_not_made() -> None:
    async with world(limits={Measure.TOKENS: 1000}) as here:
        answer = await here.chat(max_tokens=1001)
        assert answer.status_code == 403
        assert "1000 of 1000 tokens left" in answer.json()["error"]["message"]
        assert here.denial is Denial.BUDGET
        assert (await here.chat()).status_code == 200
    async with world(limits={Measure.COST: 10}, price=Price(1_000_000, 1_000_000)) as here:
        assert (await here.chat()).status_code == 403


async def test_calls_side_by_side_never_overspend() -> None:
    async with world(*[HELLO] * 20, limits={Measure.TURNS: 5}) as here:
        answers = await asyncio.gather(*(here.chat(max_tokens=9) for _ in range(20)))
    assert sorted(each.status_code for each in answers) == [200] * 5 + [403] * 15
    assert here.spent(Measure.TURNS) == 5


async def test_what_cannot_be_written_down_is_not_asked() -> None:
    async with world() as here:
        here.journal.most = 0
        answer = await here.chat()
        assert answer.status_code == 403
        assert "journal is full" in answer.text
        assert here.ledger.account.reserved == {}
    assert here.spent(Measure.TURNS) == 0


async def test_any_server_of_the_same_kind_is_a_provider_and_its_key_stays_inside() -> None:
    async with world(HELLO, HELLO) as far:
        provider = OpenAIProvider(
            str(far.client.base_url), "sk-secret", {"scripted/a": Price(1, 1)}
        )
        async with world(more={"far": provider}) as here:
            whole = await here.chat("far/scripted/a")
            streamed = await here.chat("far/scripted/a", stream=True)
        await provider.close()
    assert whole.json()["choices"][0]["message"]["content"] == HELLO.text
    assert len(events(streamed)) > 3
    assert here.spent(Measure.TOKENS) == far.spent(Measure.TOKENS) > 0
    assert "sk-secret" not in whole.text + str(whole.headers)


async def test_the_provider_gets_its_own_key_and_a_bounded_length() -> None:
    body = b'{"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 6}}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with host(answer) as server:
        provider = OpenAIProvider(f"http://127.0.0.1:{server.port}/v1", "sk-ours")
        async with world(more={"far": provider}, limits={Measure.TOKENS: 5000}) as here:
            here.client.headers["Authorization"] = "Bearer sk-theirs"
            assert (await here.chat("far/m")).status_code == 200
        await provider.close()
    assert b"Bearer sk-ours" in server.heads[0]
    assert b"sk-theirs" not in server.heads[0]
    sent = json.loads(server.bodies[0])
    assert sent["model"] == "m"
    assert 0 < sent["max_completion_tokens"] < 5000
    assert here.spent(Measure.TOKENS) == 11


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_that_a_provider_quotes_stays_inside(stream: bool) -> None:
    key = "sk-ours-4711-canary"
    told = json.dumps({"error": {"message": f"Incorrect API key: {key}", "b": key.encode().hex()}})
    body = (f"data: {told}\n\ndata: [DONE]\n\n" if stream else told).encode()
    kind = b"text/event-stream" if stream else b"application/json"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    async with host(head % (kind, len(body)) + body) as server:
        provider = OpenAIProvider(f"http://127.0.0.1:{server.port}/v1", key)
        async with world(more={"far": provider}) as here:
            answer = await here.chat("far/m", stream=stream)
        await provider.close()
    assert "Incorrect API key: \u2039secret key\u203a" in answer.text
    for form in (key, key.encode().hex()):
        assert form not in answer.text + str(here.journal.entries)


async def test_a_provider_that_is_away_costs_no_tokens() -> None:
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    provider = OpenAIProvider(f"http://127.0.0.1:{port}/v1")
    async with world(more={"far": provider}) as here:
        answer = await here.chat("far/m", max_tokens=9)
    await provider.close()
    assert answer.status_code == 502
    assert (here.spent(Measure.TOKENS), here.spent(Measure.TURNS)) == (0, 1)


async def test_a_stream_that_is_cut_short_is_seen_and_paid_in_full() -> None:
    cut = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n"
        b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'
    )
    async with host(cut) as server:
        provider = OpenAIProvider(f"http://127.0.0.1:{server.port}/v1")
        async with world(more={"far": provider}) as here:
            messages = [{"role": "user", "content": "Hi"}]
            body = {"model": "far/m", "messages": messages, "stream": True, "max_tokens": 500}
            way = here.client.stream("POST", "/chat/completions", json=body)
            async with way as answer:
                lines = answer.aiter_lines()
                assert "content" in await anext(lines)
                await provider.close()
                with pytest.raises(httpx.RemoteProtocolError):
                    [line async for line in lines]
    assert here.told()["is_estimated"]
    assert here.told()["tokens"]["completion"] == 500
    assert here.told()["choices"][0]["content"] == "a"
    assert here.first.error == "broken"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"model": 1, "messages": [{}]}',
        b'{"model": "a"}',
        b'{"model": "scripted/a", "messages": []}',
        b'{"model": "scripted/a", "messages": [{}], "max_tokens": -1}',
        b'{"model": "scripted/a", "messages": [{}], "n": 1000}',
    ],
)
async def test_what_is_no_call_is_refused(body: bytes) -> None:
    async with world() as here:
        answer = await here.client.post("/chat/completions", content=body)
        assert answer.status_code == 400, answer.text
        assert (await here.client.get("/models")).status_code == 404
    assert here.ledger.account.spent == {}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)
def test_a_bound_is_never_below_what_words_could_cost(content: object) -> None:
    body = {"model": "a/b", "messages": [{"role": "user", "content": content}]}
    call = ModelCall.parse("chat/completions", json.dumps(body).encode())
    assert call.most(None).prompt >= len(json.dumps(content, ensure_ascii=False).split())


def test_a_call_asks_for_no_more_than_is_left() -> None:
    call = ModelCall.parse("chat/completions", b'{"model": "a/b", "messages": [{"x": "y"}]}')
    most = call.most(100)
    assert most.prompt + most.completion == 100
    with pytest.raises(InvalidInput):
        ModelCall.parse("embeddings", b'{"model": "a/b"}')
    assert ModelUsage(3, 4).amounts(Price(1, 1))[Measure.COST] == 1
