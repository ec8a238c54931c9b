"""What a transcript keeps of a journal."""

from dataclasses import replace
from typing import Any

import pytest

from actors.agents.agent_end import AgentEnd
from actors.agents.transcript import MOST_TURNS, Transcript, line_of, spent_of
from harness.domain.account import Measure
from harness.domain.sandbox import ExecResult, Reason, Usage

RESULT = ExecResult(0, None, Reason.EXIT, b"", b"", Usage(1.23456))
END = AgentEnd(RESULT, {Measure.TURNS: 1, Measure.COST: 1500}, 1, {"host": 1})


def asked(number: int, **args: Any) -> dict[str, Any]:
    return {"n": number, "what": "asked", "kind": "llm", "name": "far/a", "args": args}


def answered(number: int, **result: Any) -> dict[str, Any]:
    return {"n": number, "what": "answered", "seconds": 0.5, "result": result}


def test_a_turn_is_told_when_it_is_over() -> None:
    transcript = Transcript("booker", "v1")
    assert transcript.take(asked(1, messages=[{"role": "user", "content": "Hi"}])) is None
    calls = [{"id": "1", "name": "book", "arguments": '{"seat": 4}'}]
    choices = [{"content": "Well.", "finish": "stop", "calls": calls}]
    tokens = {"prompt": 3, "completion": 4}
    turn = transcript.take(answered(1, status=200, tokens=tokens, choices=choices))
    assert turn is not None
    assert (turn["asked"], turn["said"], turn["tokens"]) == ("Hi", "Well.", tokens)
    assert line_of(turn) == 'far/a: Well. -> book {"seat": 4}'
    refused = {"n": 2, "what": "refused", "kind": "http", "name": "GET a:80", "args": {},
               "denial": "host", "reason": "not named"}  # fmt: skip
    told = transcript.take(refused)
    assert told is not None
    assert line_of(told) == "GET a:80: refused: not named"
    whole = transcript.ended(END)
    assert (whole["agent"], whole["policy"], whole["stopped"]) == ("booker", "v1", "exit")
    assert [turn["n"] for turn in whole["turns"]] == [1, 2]
    assert whole["spent"] == {"cost_millionths": 1500, "turns": 1}
    assert whole["seconds"] == 1.235


def test_an_endless_agent_has_a_bounded_transcript() -> None:
    transcript = Transcript("", "")
    for number in range(1, MOST_TURNS + 11):
        transcript.take(asked(number))
    assert transcript.take(answered(MOST_TURNS + 5)) is None
    whole = transcript.ended(END)
    assert (len(whole["turns"]), whole["left_out"]) == (MOST_TURNS, 10)


@pytest.mark.parametrize("messages", [None, "x", [], [1], [{"content": [{"type": "text"}]}]])
def test_whatever_an_agent_asks_has_a_turn(messages: object) -> None:
    transcript = Transcript("", "")
    transcript.take(asked(1, messages=messages))
    assert "asked" not in transcript.ended(END)["turns"][0]


def test_trouble_is_named() -> None:
    transcript = Transcript("", "")
    transcript.take(asked(1))
    turn = transcript.take({**answered(1, status=502), "error": "not_asked"})
    assert turn is not None
    assert line_of(turn) == "far/a: (not_asked) status 502"


def test_what_was_spent_in_words() -> None:
    assert spent_of({"turns": 2, "tokens": 10}) == "2 turns, 10 tokens"
    told = spent_of({"cost_millionths": 1500, "requests": 1, "bytes": 9})
    assert told == "0 turns, 0 tokens, 0.0015 in cost, 1 request, 9 bytes"


def test_a_spent_budget_is_why_it_stopped_only_if_it_failed() -> None:
    spent = replace(END, refused={"budget": 1})
    assert spent.stopped == "exit"
    assert replace(spent, result=replace(RESULT, exit_code=1)).stopped == "budget"
    late = replace(END, result=replace(RESULT, reason=Reason.TIMEOUT, exit_code=None))
    assert (late.stopped, replace(late, over_wall=True).stopped) == ("timeout", "budget")
