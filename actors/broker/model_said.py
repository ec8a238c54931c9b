"""What a model said, put together from the parts in which it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.events.canonical import Json

MOST_CHOICES = 128
MOST_CALLS = 512


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Choice:
    content: list[str] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    finish: str = ""

    def take(self, message: Mapping[str, object], finish: object) -> None:
        """Add a message, or a part of one."""
        if isinstance(text := message.get("content"), str):
            self.content.append(text)
        self.finish = finish if isinstance(finish, str) else self.finish
        calls = message.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else []):
            if isinstance(call, dict):
                self._call(call.get("index", place), call)

    def _call(self, index: object, part: Mapping[str, object]) -> None:
        if type(index) is not int or (index not in self.calls and len(self.calls) >= MOST_CALLS):
            return
        call = self.calls.setdefault(index, _Call())
        function = part.get("function")
        given = function if isinstance(function, dict) else {}
        call.id = call.id or _text(part.get("id"))
        call.name = call.name or _text(given.get("name"))
        call.arguments.append(_text(given.get("arguments")))

    def plain(self) -> dict[str, Json]:
        """As JSON: what it said, what it called, and why it stopped."""
        calls: list[Json] = [
            {"id": call.id, "name": call.name, "arguments": "".join(call.arguments)}
            for _, call in sorted(self.calls.items())
        ]
        said: dict[str, Json] = {"content": "".join(self.content), "finish": self.finish}
        return said | ({"calls": calls} if calls else {})


@dataclass(slots=True)
class ModelSaid:
    """The choices of one answer."""

    _choices: dict[int, _Choice] = field(default_factory=dict)

    def take(self, told: object) -> None:
        """Add a whole answer or one event of a stream; what is neither adds nothing."""
        choices = told.get("choices") if isinstance(told, dict) else None
        for place, each in enumerate(choices if isinstance(choices, list) else []):
            if not isinstance(each, dict):
                continue
            index = each.get("index", place)
            message = each.get("message", each.get("delta"))
            if type(index) is not int or (index not in self._choices and self._is_full):
                continue
            choice = self._choices.setdefault(index, _Choice())
            choice.take(message if isinstance(message, dict) else {}, each.get("finish_reason"))

    def plain(self) -> list[Json]:
        """Every choice as JSON, in order."""
        return [choice.plain() for _, choice in sorted(self._choices.items())]

    @property
    def _is_full(self) -> bool:
        return len(self._choices) >= MOST_CHOICES


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
