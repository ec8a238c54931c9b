"""What an MCP client gets from the broker's tools, and what is written down of it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.broker.tools.arguments import Arguments
from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.record import storable
from actors.broker.tools.tool import ToolAnswer, told
from harness.domain.account import Measure
from harness.domain.decision import Denial
from harness.errors import Conflict
from tests.unit.broker.tools.desk import CANARY, desk, text_of


class Said(Arguments):
    text: str = ""
    times: int = 1
    more: dict[str, Any] | None = None


@dataclass(slots=True)
class Echo:
    """Says what it hears."""

    name: str = "echo.say"
    description: str = "Says it again."
    lacks: str = ""
    pays_itself: bool = False
    wait: asyncio.Event = field(default_factory=asyncio.Event)
    begun: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    ended: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    under_way: int = 0
    most_under_way: int = 0
    is_closed: bool = False

    @property
    def schema(self) -> Mapping[str, Any]:
        return Said.described()

    async def call(self, given: Mapping[str, object]) -> ToolAnswer:
        asked = Said.read(given)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.begun.put_nowait(asked.text)
        try:
            if asked.text == "wait":
                await self.wait.wait()
            if asked.text == "refuse":
                raise Conflict(f"It changed meanwhile; {CANARY}.")
            if asked.text == "break":
                raise KeyError(CANARY)
        finally:
            self.under_way -= 1
            self.ended.put_nowait(asked.text)
        return told(asked.text * asked.times)

    async def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_a_client_lists_and_calls_tools(mode: str) -> None:
    async with desk(Echo()) as here, here.client(mode) as client:
        listed = await client.list_tools()
        answer = await client.call_tool("echo.say", {"text": "Hello ", "times": 2})
    (tool,) = listed.tools
    assert (tool.name, tool.description) == ("echo.say", "Says it again.")
    assert sorted(tool.input_schema["properties"]) == ["more", "text", "times"]
    assert (text_of(answer), answer.is_error) == ("Hello Hello ", False)


async def test_an_effect_is_written_before_and_after() -> None:
    async with desk(Echo()) as here:
        await here.call("echo.say", text="Hi")
    (first, effect), (last, end) = here.journal.lines
    assert (first, last) == ("begin", "end")
    assert (effect.kind, effect.name, effect.args) == ("tool", "echo.say", {"text": "Hi"})
    content = [{"type": "text", "text": "Hi", "is_untrusted": False}]
    assert end == (1, {"content": content, "is_error": False}, "")
    assert here.spent(Measure.REQUESTS) == 1
    assert here.spent(Measure.BYTES) == len('{"text": "Hi"}') + 2
    assert here.ledger.account.reserved == {}


async def test_only_what_the_policy_allows_is_listed_and_called() -> None:
    tools = [Echo(), Echo("echo.other"), Echo("echo.later", lacks="install something")]
    async with desk(*tools, names=["echo.say", "echo.later"]) as here:
        async with here.client() as client:
            listed = await client.list_tools()
        refused = await here.call("echo.other", text="Hi")
        unknown = await here.call("echo.none")
        lacking = await here.call("echo.later")
    assert [tool.name for tool in listed.tools] == ["echo.say"]
    assert refused.is_error
    assert "'echo.other' is refused" in text_of(refused)
    assert "must have 'echo.other' under `tools`" in text_of(refused)
    assert unknown.is_error
    assert "install something" in text_of(lacking)
    assert here.journal.kinds == ["refuse"] * 3
    assert {each.denial for each in here.journal.refusals} == {Denial.TOOL}
    assert here.spent(Measure.REQUESTS) == 0


async def test_a_tool_that_is_not_there_is_named_with_those_that_are() -> None:
    async with desk(Echo()) as here:
        answer = await here.call("echo.none")
    assert text_of(answer) == "There is no tool 'echo.none'; there are: echo.say."


async def test_a_spent_budget_refuses_before_the_call() -> None:
    async with desk(Echo(), limits={Measure.REQUESTS: 2}) as here:
        answers = [await here.call("echo.say", text="Hi") for _ in range(3)]
    assert [answer.is_error for answer in answers] == [False, False, True]
    assert "0 of 2 requests left" in text_of(answers[2])
    assert here.journal.kinds == ["begin", "end", "begin", "end", "refuse"]
    assert here.journal.refusals[0].denial is Denial.BUDGET


async def test_an_answer_is_cut_to_the_bytes_that_are_left() -> None:
    async with desk(Echo(), limits={Measure.BYTES: 5_000}) as here:
        answer = await here.call("echo.say", text="x", times=100_000)
        refused = await here.call("echo.say", text="Hi")
    assert "bytes left out" in text_of(answer)
    assert 4_000 < here.spent(Measure.BYTES) <= 5_000
    assert refused.is_error


async def test_a_full_journal_lets_nothing_happen() -> None:
    async with desk(Echo(), most_effects=1) as here:
        first = await here.call("echo.say", text="Hi")
        second = await here.call("echo.say", text="Hi")
    assert (first.is_error, second.is_error) == (False, True)
    assert "takes no more" in text_of(second)
    assert here.journal.kinds == ["begin", "end", "refuse"]
    assert here.spent(Measure.REQUESTS) == 1
    assert here.ledger.account.reserved == {}


async def test_what_goes_wrong_is_told_and_written_without_secrets() -> None:
    async with desk(Echo()) as here:
        told_ = [await here.call("echo.say", text=word) for word in ("refuse", "break")]
    assert all(answer.is_error for answer in told_)
    assert text_of(told_[0]) == "It changed meanwhile; \u2039secret TOKEN\u203a."
    assert text_of(told_[1]).startswith("echo.say broke (KeyError)")
    assert here.journal.errors == ["Conflict", "KeyError"]
    assert CANARY not in repr(here.journal.lines)


async def test_secrets_are_hidden_in_arguments_names_and_answers() -> None:
    async with desk(Echo()) as here:
        answer = await here.call(
            "echo.say",
            text=f"<{CANARY}>",
            more={CANARY: [{"a": CANARY}], "b": CANARY.encode().hex()},
        )
        await here.call(CANARY)
        await here.call("echo.say", text=CANARY * 400)
    assert text_of(answer) == "<\u2039secret TOKEN\u203a>"
    assert CANARY not in repr(here.journal.lines)
    assert CANARY.encode().hex() not in repr(here.journal.lines)


async def test_long_arguments_are_kept_as_head_tail_and_digest() -> None:
    async with desk(Echo()) as here:
        await here.call("echo.say", text="a" * 9_000 + "b", times=0)
        await here.call("echo.say", text="a" * 9_001 + "b", times=0)
    effects = [value for kind, value in here.journal.lines if kind == "begin"]
    assert all(len(str(each.args["text"])) < 4_200 for each in effects)
    assert effects[0].args_hash != effects[1].args_hash


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"more": {"a": nested(40)}}, "deeper than 32"),
        ({"more": {"a": [0] * 20_000}}, "more than 10000 values"),
        ({"more": {"a": 2**60}}, "53 bits"),
        ({"text": 5}, "text: Input should be a valid string"),
        ({"times": "2"}, "times: Input should be a valid integer"),
        ({"other": 1}, "other: Extra inputs are not permitted"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused(args: dict[str, Any], words: str) -> None:
    async with desk(Echo()) as here:
        answer = await here.call("echo.say", **args)
    assert answer.is_error
    assert words in text_of(answer)


def said(arguments: str) -> bytes:
    """A call in the form of earlier revisions, its arguments as they stand."""
    head = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo.say","arguments":'
    return f"{head}{arguments}}}}}".encode()


@pytest.mark.parametrize(
    "arguments",
    [
        '{"text":"a\\u0000b\\ud800"}',
        '{"\\ud83d":"x"}',
        '{"more":{"\\u0000":"x"}}',
        '{"times":NaN}',
        '{"times":1e999}',
        '{"times":' + "9" * 5000 + "}",
        "[]",
        '"text"',
        "null",
        '{"more":' + '{"a":' * 5000 + "1" + "}" * 5001,
        "[" * 100_000,
        '{"text":"\u202e\u2066\U0001f4a9"}',
    ],
)
async def test_odd_arguments_end_in_an_answer(arguments: str) -> None:
    async with desk(Echo()) as here:
        found = await here.post(said(arguments))
        after = await here.call("echo.say", text="Hi")
    assert found.status_code in {200, 202, 400}
    assert "Traceback" not in found.text
    assert text_of(after) == "Hi"
    json.dumps([repr(line) for line in here.journal.lines]).encode()


async def test_what_stores_cannot_keep_is_written_out() -> None:
    async with desk(Echo()) as here:
        found = await here.post(said('{"text":"a\\u0000b"}'))
    assert found.status_code == 200
    effect = here.journal.lines[0][1]
    assert effect.args == {"text": "a\\x00b"}
    assert storable("\ud800") == "?"


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with desk(Echo()) as here:
        found = await here.post(b"[" + b"1," * (1 << 19))
    assert found.status_code == 413
    assert here.journal.lines == []


async def test_there_is_nothing_beside_the_path() -> None:
    async with desk(Echo()) as here:
        here.url = here.url.replace("/mcp", "/mcp/")
        beside = await here.post(said("{}"))
        here.url = here.url.replace("/mcp/", "/")
        root = await here.post(said("{}"))
    assert (beside.status_code, root.status_code) == (404, 404)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"origin": "http://localhost:3000"}, 200),
        ({"content_type": "text/plain"}, 400),
    ],
)
@pytest.mark.parametrize("revision", ["2025-06-18", "2026-07-28"])
async def test_foreign_pages_cannot_speak_for_the_agent(
    headers: dict[str, str], status: int, revision: str
) -> None:
    async with desk(Echo()) as here:
        found = await here.post(said('{"text":"Hi"}'), mcp_protocol_version=revision, **headers)
    if status != 200 or revision == "2025-06-18":
        assert found.status_code == status
    assert (here.journal.lines == []) is (status != 200 or revision == "2026-07-28")


async def test_only_so_many_calls_are_under_way() -> None:
    echo = Echo()
    async with desk(echo, bounds=ToolBounds(calls=3)) as here, asyncio.TaskGroup() as group:
        tasks = [group.create_task(here.call("echo.say", text="wait")) for _ in range(8)]
        for _ in range(3):
            await echo.begun.get()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(echo.begun.get(), 0.1)
        echo.wait.set()
        answers = [await task for task in tasks]
    assert echo.most_under_way == 3
    assert [text_of(answer) for answer in answers] == ["wait"] * 8


async def test_a_call_has_its_time_and_so_has_its_turn() -> None:
    bounds = ToolBounds(calls=1, call_seconds=0.2)
    async with desk(Echo(), bounds=bounds) as here:
        both = [here.call("echo.say", text="wait") for _ in range(2)]
        answers = await asyncio.gather(*both)
    assert all(answer.is_error for answer in answers)
    assert "did not end within 0.2 s" in text_of(answers[0])
    assert here.ledger.account.reserved == {}


async def test_a_call_whose_client_leaves_is_given_up() -> None:
    echo = Echo()
    async with desk(echo) as here:
        task = asyncio.create_task(here.call("echo.say", text="wait"))
        await echo.begun.get()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.wait_for(echo.ended.get(), 5)
    assert here.journal.errors == ["CancelledError"]
    assert here.ledger.account.reserved == {}


async def test_connections_beyond_the_bound_are_closed_at_once() -> None:
    async with desk(Echo()) as here:
        port = int(here.url.split(":")[2].split("/")[0])
        ends = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        async with asyncio.timeout(5):
            while sum(reader.at_eof() for reader, _ in ends) < 8:
                await asyncio.gather(
                    *(asyncio.wait_for(end[0].read(), 0.05) for end in ends[32:]),
                    return_exceptions=True,
                )
        for _, writer in ends:
            writer.transport.abort()


async def test_closing_ends_calls_and_tools() -> None:
    echo = Echo()
    async with desk(echo) as here:
        task = asyncio.create_task(here.call("echo.say", text="wait"))
        await echo.begun.get()
        await here.server.close()
        (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, BaseException) or ended.is_error
    assert echo.is_closed
    assert here.journal.errors == ["CancelledError"]
