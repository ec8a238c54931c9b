"""A provider that plays a given transcript, for tests and demos; no model answers."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from actors.broker.model_provider import ModelAnswer
from harness.domain.price import Price
from harness.domain.script import Reply

DIMENSIONS = 64


class ScriptedProvider:
    """Gives its replies one after the other, whatever model is named."""

    def __init__(self, replies: Sequence[Reply], price: Price | None = None) -> None:
        """A transcript from its beginning."""
        self._replies = list(replies)
        self._price = price or Price()
        self._played = 0

    def price(self, model: str) -> Price:
        """The same for every model."""
        return self._price

    @asynccontextmanager
    async def call(
        self, kind: str, body: dict[str, Any]
    ) -> AsyncIterator[ModelAnswer]:  # Any: JSON of the OpenAI API
        """The script's next reply; status 409 where it has none that fits."""
        if kind == "embeddings":
            yield _whole(200, _embeddings(body))
            return
        wrong = self._wrong(body)
        if wrong:
            yield _whole(409, {"error": {"message": wrong, "type": "script"}})
            return
        reply = self._replies[self._played]
        self._played += 1
        if body.get("stream") is True:
            yield ModelAnswer(200, "text/event-stream", _streamed(reply, body, self._played))
        else:
            yield _whole(200, _completion(reply, body, self._played))

    def _wrong(self, body: Mapping[str, Any]) -> str:  # Any: as above
        if self._played >= len(self._replies):
            return f"The script has no further reply after {self._played}."
        expected = self._replies[self._played].expects
        last = json.dumps(body["messages"][-1], ensure_ascii=False)
        if expected and expected not in last:
            return f"Reply {self._played + 1} of the script expects {expected!r} in {last[:300]}."
        return ""


def _whole(status: int, value: object) -> ModelAnswer:
    async def parts() -> AsyncIterator[bytes]:
        yield json.dumps(value).encode()

    return ModelAnswer(status, "application/json", parts())


def _completion(reply: Reply, body: Mapping[str, Any], number: int) -> dict[str, object]:
    message: dict[str, object] = {"role": "assistant", "content": reply.text or None}
    if reply.tools:
        message["tool_calls"] = _tool_calls(reply, number)
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return {
        **_frame("chat.completion", body, number),
        "choices": [choice],
        "usage": _usage(reply, body),
    }


async def _streamed(reply: Reply, body: Mapping[str, Any], number: int) -> AsyncIterator[bytes]:
    words = reply.text.split(" ") if reply.text else []
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if i == 0 else f" {word}"} for i, word in enumerate(words)]
    for index, call in enumerate(_tool_calls(reply, number)):
        deltas.append({"tool_calls": [{"index": index, **call}]})
    frame = _frame("chat.completion.chunk", body, number)
    for delta in deltas:
        yield _event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    last = {"index": 0, "delta": {}, "finish_reason": _finish(reply)}
    yield _event({**frame, "choices": [last]})
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _event({**frame, "choices": [], "usage": _usage(reply, body)})
    yield b"data: [DONE]\n\n"


def _event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _frame(kind: str, body: Mapping[str, Any], number: int) -> dict[str, object]:
    return {
        "id": f"scripted-{number}",
        "object": kind,
        "created": 0,
        "model": str(body.get("model", "")),
        "system_fingerprint": "scripted",
    }


def _tool_calls(reply: Reply, number: int) -> list[dict[str, object]]:
    return [
        {
            "id": f"call_{number}_{index}",
            "type": "function",
            "function": {"name": tool.name, "arguments": json.dumps(dict(tool.arguments))},
        }
        for index, tool in enumerate(reply.tools)
    ]


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tools else "stop"


def _usage(reply: Reply, body: Mapping[str, Any]) -> dict[str, int]:
    """Words stand for tokens."""
    prompt = len(json.dumps(body.get("messages"), ensure_ascii=False).split())
    said = [reply.text, *(json.dumps(dict(tool.arguments)) for tool in reply.tools)]
    completion = len(" ".join(said).split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _embeddings(body: Mapping[str, Any]) -> dict[str, object]:
    given = body["input"]
    texts = [str(each) for each in given] if isinstance(given, list) else [str(given)]
    words = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "model": str(body.get("model", "")),
        "data": [
            {"object": "embedding", "index": index, "embedding": _vector(text)}
            for index, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }


def _vector(text: str) -> list[float]:
    """The same for the same text; nearness means nothing."""
    digest = hashlib.shake_256(text.encode(errors="replace")).digest(DIMENSIONS)
    return [byte / 127.5 - 1 for byte in digest]
