"""What a program asks of a model, as far as the gateway must understand it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from harness.domain.account import Measure
from harness.domain.price import Price
from harness.errors import InvalidInput

MOST_COMPLETION = 1_000_000
_DATA_TOKENS = 16_000
"""Counted for a picture or a recording, whatever its bytes."""
_LIMITS = ("max_completion_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What a call used."""

    prompt: int = 0
    completion: int = 0

    def amounts(self, price: Price) -> Mapping[Measure, int]:
        """The same as budgets count."""
        return {
            Measure.TURNS: 1,
            Measure.TOKENS: self.prompt + self.completion,
            Measure.COST: price.of(self.prompt, self.completion),
        }


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A request to `chat/completions` or `embeddings`."""

    kind: str
    """`chat/completions` or `embeddings`."""
    model: str
    """As `provider/name`."""
    body: Mapping[str, Any]  # Any: JSON of the OpenAI API, passed on
    is_streamed: bool
    wants_usage: bool
    """Whether the program itself asked a stream for its usage."""

    @classmethod
    def parse(cls, kind: str, data: bytes) -> Self:
        """The call in a request's body.

        Raises:
            InvalidInput: it is none.
        """
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            raise InvalidInput("The body is not JSON.") from None
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            raise InvalidInput("The body must be a JSON object with `model` as provider/name.")
        needed = "messages" if kind == "chat/completions" else "input"
        if needed not in body or (kind == "chat/completions" and not _is_list(body[needed])):
            raise InvalidInput(f"The body must have `{needed}`.")
        options = body.get("stream_options")
        wants = isinstance(options, dict) and options.get("include_usage") is True
        is_streamed = kind == "chat/completions" and body.get("stream") is True
        return cls(kind, body["model"], body, is_streamed, wants)

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return self.model.partition("/")[0]

    def most(self, left: int | None) -> ModelUsage:
        """An upper bound of what it may use; `left` is what the budget still has.

        Raises:
            InvalidInput: it asks for a completion of a length that makes no sense.
        """
        prompt = sum(map(_tokens, _texts(self.body)))
        if self.kind == "embeddings":
            return ModelUsage(prompt)
        count = _whole(self.body.get("n"), 1, 128, "n")
        asked = next((self.body[name] for name in _LIMITS if self.body.get(name)), None)
        if asked is not None:
            return ModelUsage(prompt, count * _whole(asked, 1, MOST_COMPLETION, "max_tokens"))
        room = MOST_COMPLETION if left is None else max(1, left - prompt)
        return ModelUsage(prompt, min(room, MOST_COMPLETION))

    def upstream(self, most: ModelUsage, *, bounded: bool) -> dict[str, Any]:  # Any: JSON
        """The body for the provider: its own name of the model, and a length that is bounded."""
        body = {**self.body, "model": self.model.partition("/")[2]}
        if self.kind == "chat/completions" and bounded and not any(map(body.get, _LIMITS)):
            count = _whole(self.body.get("n"), 1, 128, "n")
            body["max_completion_tokens"] = max(1, most.completion // count)
        if self.is_streamed:
            body["stream_options"] = {"include_usage": True}
        return body


def usage_of(answer: object) -> ModelUsage | None:
    """What an answer, or the last part of a stream, says that it used."""
    told = answer.get("usage") if isinstance(answer, dict) else None
    if not isinstance(told, dict):
        return None
    prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens", 0)
    if type(prompt) is int and type(completion) is int and prompt >= 0 and completion >= 0:
        return ModelUsage(prompt, completion)
    return None


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _whole(value: object, least: int, most: int, name: str) -> int:
    if value is None:
        return least
    if type(value) is not int or not least <= value <= most:
        raise InvalidInput(f"`{name}` must be a whole number from {least} to {most}.")
    return value


def _texts(value: object) -> Iterator[str]:
    """All texts at any depth; a message costs something beside its words."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting.extend([*found, *found.values()])
        elif isinstance(found, list):
            waiting.extend(found)
        else:
            yield str(found)


def _tokens(text: str) -> int:
    """At most so many: no tokenizer makes more tokens than bytes."""
    if text.startswith("data:"):
        return _DATA_TOKENS
    return len(text.encode(errors="replace")) + 1
