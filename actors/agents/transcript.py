"""What an agent did, in the order in which it began, for people and for machines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.agents.agent_end import AgentEnd
from harness.domain.account import Measure

MOST_TURNS = 2000
MOST_TEXT = 4000
LINE_CHARACTERS = 200


@dataclass(slots=True)
class Transcript:
    """Grows with the journal."""

    agent: str
    policy: str
    """The version of the policy that it ran under."""
    _turns: dict[int, dict[str, Any]] = field(default_factory=dict)
    _left_out: int = 0

    def take(self, entry: Mapping[str, Any]) -> dict[str, Any] | None:  # Any: JSON of the journal
        """Add an entry; gives the turn if it is over now."""
        number, what = entry["n"], entry["what"]
        if what == "answered":
            turn = self._turns.get(number)
            if turn is None:
                return None
            turn |= {"seconds": entry["seconds"], **_result(turn["kind"], entry)}
            return turn
        if len(self._turns) >= MOST_TURNS:
            self._left_out += 1
            return None
        turn = {"n": number, "kind": entry["kind"], "name": entry["name"], **_asked(entry)}
        if what == "refused":
            turn |= {"refused": entry["denial"], "why": entry["reason"]}
        self._turns[number] = turn
        return turn if what == "refused" else None

    def ended(self, end: AgentEnd) -> dict[str, Any]:  # Any: JSON
        """All of it, with how it stopped and what it cost."""
        whole: dict[str, Any] = {
            "agent": self.agent,
            "policy": self.policy,
            "stopped": end.stopped,
            "exit_code": end.result.exit_code,
            "seconds": round(end.result.usage.wall_seconds, 3),
            "spent": {str(measure): amount for measure, amount in sorted(end.spent.items())},
            "refused": dict(end.refused),
            "turns": list(self._turns.values()),
        }
        return whole | ({"left_out": self._left_out} if self._left_out else {})


def line_of(turn: Mapping[str, Any]) -> str:  # Any: JSON
    """One turn in a line."""
    words = " ".join(_words(turn))
    return f"{turn['name']}: {words}" if words else str(turn["name"])


def spent_of(spent: Mapping[str, int]) -> str:
    """What an agent spent, in words."""
    found = {measure: spent.get(str(measure), 0) for measure in Measure}
    parts = [_counted(found[Measure.TURNS], "turn"), _counted(found[Measure.TOKENS], "token")]
    if found[Measure.COST]:
        parts.append(f"{found[Measure.COST] / 1_000_000:.4f} in cost")
    more = ((Measure.REQUESTS, "request"), (Measure.BYTES, "byte"))
    parts += [_counted(found[each], word) for each, word in more if found[each]]
    return ", ".join(parts)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _words(turn: Mapping[str, Any]) -> Iterator[str]:
    if "refused" in turn:
        yield f"refused: {turn['why']}"
        return
    if turn.get("error"):
        yield f"({turn['error']})"
    if turn.get("status", 200) not in (0, 200):
        yield f"status {turn['status']}"
    if turn.get("said"):
        yield _short(str(turn["said"]), LINE_CHARACTERS)
    for call in turn.get("calls", ()):
        yield f"-> {call['name']} {_short(call['arguments'], 100)}"


def _asked(entry: Mapping[str, Any]) -> dict[str, Any]:
    messages = entry["args"].get("messages")
    if entry["kind"] != "llm" or not isinstance(messages, list) or not messages:
        return {}
    last = messages[-1]
    content = last.get("content") if isinstance(last, dict) else None
    return {"asked": _short(content, MOST_TEXT)} if isinstance(content, str) else {}


def _result(kind: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    result = entry["result"]
    found = {
        name: result[name] for name in ("status", "tokens", "cost_millionths") if name in result
    }
    if entry.get("error"):
        found["error"] = entry["error"]
    choices = result.get("choices") if kind == "llm" else None
    if choices:
        found["said"] = _short(choices[0]["content"], MOST_TEXT)
        found |= {"calls": choices[0]["calls"]} if choices[0].get("calls") else {}
    return found


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"
