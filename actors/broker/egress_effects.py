"""What goes through the egress proxy, as effects of the sandbox that it comes from."""

import asyncio
from dataclasses import dataclass, field

from actors.broker.report import EgressDecided, EgressEnded
from harness.events.canonical import Json
from harness.events.effect import Effect, EffectKind
from harness.ports.effects import EffectJournal

_KINDS = {"http": EffectKind.HTTP, "https": EffectKind.HTTP, "tunnel": EffectKind.TUNNEL}


@dataclass(slots=True)
class EgressEffects:
    """Writes decisions and ends into a journal.

    One connection has one exchange at a time and is one task, which is how the two are matched.
    """

    journal: EffectJournal
    _open: "dict[asyncio.Task[object] | None, int]" = field(default_factory=dict)

    def decided(self, what: EgressDecided) -> None:
        """Something was allowed or refused."""
        effect = _effect(what)
        if not what.decision.is_allowed:
            self.journal.refuse(effect, what.decision)
            return
        self._open[_task()] = self.journal.begin(effect)

    def ended(self, what: EgressEnded) -> None:
        """Something that was allowed is over."""
        number = self._open.pop(_task(), None)
        if number is None:
            return
        self.journal.end(number, _result(what), "broken" if what.why else "")


def _effect(what: EgressDecided) -> Effect:
    place = f"{what.host}:{what.port}" if what.host else "(no host)"
    kind = _KINDS.get(what.kind, EffectKind.TCP)
    return Effect(
        kind,
        f"{what.method} {place}".strip(),
        {"protocol": what.kind, "method": what.method, "host": what.host, "port": what.port},
    )


def _result(what: EgressEnded) -> dict[str, Json]:
    moved: dict[str, Json] = {"bytes_out": what.bytes_out, "bytes_in": what.bytes_in}
    return {"status": what.status, **moved} | ({"why": what.why} if what.why else {})


def _task() -> "asyncio.Task[object] | None":
    return asyncio.current_task()
