"""The calls of one lease: decided by policy, paid before they begin, and written down."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from actors.broker.ledger import Ledger
from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.record import Recording, result_of, size_of
from actors.broker.tools.tool import Tool, ToolAnswer, ToolFailed, failure
from harness.domain.account import Measure
from harness.domain.decision import Decision, Denial, refused
from harness.domain.policy import Policy
from harness.errors import HarnessError, InvalidInput, QuotaExceeded
from harness.events.effect import Effect, EffectKind
from harness.ports.clock import Clock
from harness.ports.effects import EffectJournal

_log = logging.getLogger(__name__)

LEAST_ANSWER = 1024
"""Bytes that a budget must have left beside a call's arguments."""
_MOST_NAME = 200


@dataclass(slots=True)
class ToolCalls:
    """Carries out what agents ask for, and says why it does not."""

    lease: str
    policy: Policy
    ledger: Ledger
    journal: EffectJournal
    recording: Recording
    clock: Clock
    tools: Sequence[Tool]
    bounds: ToolBounds
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """As many turns as calls may be under way."""
        self._turns = asyncio.Semaphore(self.bounds.calls)

    def offered(self) -> Sequence[Tool]:
        """The tools that the policy allows and that can be used here."""
        allowed = [each for each in self.tools if self.policy.tool(each.name).is_allowed]
        return [each for each in allowed if not each.lacks]

    async def call(self, name: str, given: Mapping[str, object]) -> ToolAnswer:
        """What the tool gives, or an error that says what was refused and what would allow it."""
        named = self.recording.words(name[:_MOST_NAME])
        try:
            effect = Effect(EffectKind.TOOL, named, self.recording.arguments(given))
        except InvalidInput as wrong:
            decision = refused(Denial.MALFORMED, str(wrong))
            return self._refused(Effect(EffectKind.TOOL, named), decision)
        tool = next((each for each in self.tools if each.name == name), None)
        decision = self._decided(named, tool)
        if tool is None or not decision.is_allowed:
            return self._refused(effect, decision)
        try:
            async with asyncio.timeout(self.bounds.call_seconds):
                await self._turns.acquire()
        except TimeoutError:
            return failure(f"{self.bounds.calls} calls are under way; wait until one has ended.")
        try:
            return await self._paid(tool, given, effect)
        finally:
            self._turns.release()

    async def close(self) -> None:
        """Close the tools."""
        for tool in self.tools:
            await tool.close()

    def _decided(self, name: str, tool: Tool | None) -> Decision:
        decision = self.policy.tool(name)
        if not decision.is_allowed:
            asked = f"Each policy that applies must have {name!r} under `tools`."
            return replace(decision, reason=f"{decision.reason} {asked}")
        if tool is None:
            known = ", ".join(each.name for each in self.offered()) or "none"
            return refused(Denial.TOOL, f"There is no tool {name!r}; there are: {known}.")
        if tool.lacks:
            return refused(Denial.TOOL, f"{name} cannot be used here: {tool.lacks}")
        return decision

    async def _paid(self, tool: Tool, given: Mapping[str, object], effect: Effect) -> ToolAnswer:
        sent = len(json.dumps(given))
        try:
            room, reservation = self._reserved(tool, sent)
        except QuotaExceeded as spent:
            told = f"{tool.name} is refused: {spent} A larger `budget` would allow it."
            return self._refused(effect, refused(Denial.BUDGET, told))
        try:
            number = self.journal.begin(effect)
        except QuotaExceeded as full:
            self.ledger.release(reservation)
            return self._refused(effect, refused(Denial.BUDGET, str(full)))
        answer, error = failure("The call was given up."), "CancelledError"
        begun = self.clock.monotonic()
        try:
            answer, error = await self._carried(tool, given, room)
        finally:
            used = {} if tool.pays_itself else _amounts(sent + size_of(answer))
            self.ledger.settle(reservation, used)
            self.journal.end(number, result_of(answer), error)
            facts = {"lease": self.lease, "tool": tool.name, "error": error}
            _log.info("tool called", extra={**facts, "seconds": self.clock.monotonic() - begun})
        return answer

    def _reserved(self, tool: Tool, sent: int) -> tuple[int, str]:
        """How many bytes the answer may have, and the call's reservation.

        Raises:
            QuotaExceeded: the budget does not have what it takes.
        """
        most = max(self.bounds.answer_bytes, self.bounds.picture_bytes)
        left = self.ledger.account.left(Measure.BYTES)
        if tool.pays_itself:
            return most, self.ledger.reserve({})
        room = most if left is None else max(LEAST_ANSWER, min(most, left - sent))
        return room, self.ledger.reserve(_amounts(sent + room))

    async def _carried(
        self, tool: Tool, given: Mapping[str, object], room: int
    ) -> tuple[ToolAnswer, str]:
        """Its answer, and the class of what went wrong."""
        error = ""
        try:
            async with asyncio.timeout(self.bounds.call_seconds):
                answer = self.recording.answer(await tool.call(given), room)
        except TimeoutError as late:
            seconds = f"{self.bounds.call_seconds:g} s"
            answer, error = failure(f"{tool.name} did not end within {seconds}."), _kind(late)
        except ToolFailed as failed:
            answer, error = failed.answer, _kind(failed)
        except HarnessError as failed:
            answer, error = failure(str(failed)), _kind(failed)
        except Exception as broken:
            # A tool's own mistake must not end the server; its words may hold anything.
            _log.error("a tool broke", extra={"tool": tool.name, "error": _kind(broken)})
            words = f"{tool.name} broke ({_kind(broken)}); it is not known what it has done."
            answer, error = failure(words), _kind(broken)
        return (self.recording.answer(answer, room) if error else answer), error

    def _refused(self, effect: Effect, decision: Decision) -> ToolAnswer:
        reason = self.recording.words(decision.reason)
        self.journal.refuse(effect, replace(decision, reason=reason))
        return failure(reason)


def _amounts(count: int) -> dict[Measure, int]:
    return {Measure.REQUESTS: 1, Measure.BYTES: count}


def _kind(failed: BaseException) -> str:
    return type(failed).__name__
