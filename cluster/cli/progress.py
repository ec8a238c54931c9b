"""What a run's events add up to, while it runs."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.domain.attempt import Verdict
from harness.events.envelope import Event, Json


@dataclass(slots=True)
class Progress:
    """A fold of control events for people who watch."""

    step: str = "waiting for a host"
    total: int | None = None
    done: set[int] = field(default_factory=set)
    """Indexes of tests with a finished attempt."""
    verdicts: Counter[str] = field(default_factory=Counter)
    """Of attempts."""
    is_over: bool = False
    ended: Mapping[Verdict, int] | None = None
    """How many tests came to which verdict, once the run has ended."""

    def see(self, event: Event) -> str | None:
        """Take in an event; gives a line worth keeping, if it makes one."""
        kind = event.type.removeprefix("ath.").rpartition(".v")[0]
        handler = _HANDLERS.get(kind)
        return handler(self, event.data) if handler else None


def _leased(state: Progress, _: Mapping[str, Json]) -> None:
    state.step = "unpacking and collecting"


def _building(state: Progress, data: Mapping[str, Json]) -> str:
    state.step = f"installing {data['requirements']}"
    return f"installing {data['requirements']} for Python {data['python']}"


def _packages_awaited(state: Progress, data: Mapping[str, Json]) -> str:
    state.step = f"waiting for {data['requirements']}"
    return f"another run installs the same {data['requirements']}; waiting for it"


def _installed(state: Progress, data: Mapping[str, Json]) -> str | None:
    state.step = "unpacking and collecting"
    if not data["was_built"]:
        return None
    size = _int(data["bytes"]) >> 20
    return f"installed {data['packages']} packages ({size} MiB) in {_s(data['seconds'])}"


def _ready(_: Progress, data: Mapping[str, Json]) -> str:
    seconds = _s(data["seconds"])
    return f"{data['environment']} answers at {data['base_url']} after {seconds}"


def _collected(state: Progress, data: Mapping[str, Json]) -> str:
    state.total = _int(data["tests"]) + _int(data["errors"])
    state.step = "executing"
    broken = f", {data['errors']} files could not be collected" if data["errors"] else ""
    note = f" ({data['warning']})" if data["warning"] else ""
    return f"collected {data['tests']} tests{broken} in {_s(data['seconds'])}{note}"


def _reopened(state: Progress, data: Mapping[str, Json]) -> str:
    state.total = len(_indexes(data["tests"]))
    state.done.clear()
    state.verdicts.clear()
    state.step = "waiting for a host"
    return f"{state.total} tests again, in round {_int(data['round']) + 1}"


def _finished_attempt(state: Progress, data: Mapping[str, Json]) -> str | None:
    state.done.add(_int(data["test_index"]))
    state.verdicts[str(data["verdict"])] += 1
    if data["verdict"] in {"passed", "skipped", "cancelled"}:
        return None
    what = f"{data['exception']}: {data['message']}" if data["exception"] else data["message"]
    return f"{data['verdict']} {data['test_id']} (attempt {data['number']}) {what}"


def _awaited(_: Progress, data: Mapping[str, Json]) -> str:
    return f"worker {data['worker']} waits for a browser, place {data['place']} in the queue"


def _browser_lost(_: Progress, data: Mapping[str, Json]) -> str:
    return f"the browser of worker {data['worker']} was lost ({data['why']})"


def _queued(state: Progress, data: Mapping[str, Json]) -> str | None:
    if data["why"] == "first":
        return None
    state.done.difference_update(_indexes(data["tests"]))
    return f"{data['count']} attempts again ({data['why']})"


def _lease_ended(_: Progress, data: Mapping[str, Json]) -> str | None:
    if data["why"] != "expired":
        return None
    return f"host {data['host']} was lost; its work goes to another"


def _cancelled(state: Progress, data: Mapping[str, Json]) -> str:
    state.step = "stopping"
    return f"asked to stop by {data['by']}"


def _ended(state: Progress, data: Mapping[str, Json]) -> None:
    state.is_over = True
    state.step = str(data["state"])
    counts = data["counts"]
    if isinstance(counts, dict):
        state.ended = {Verdict(name): _int(count) for name, count in counts.items()}


def _assigned(_: Progress, data: Mapping[str, Json]) -> str | None:
    return f"new failure cluster: {data['title']}" if data["is_new"] else None


def _denied(_: Progress, data: Mapping[str, Json]) -> str:
    return f"policy: {data['reason']}"


def _noted(_: Progress, data: Mapping[str, Json]) -> str:
    return f"note: {data['note']}"


def _left_out(_: Progress, data: Mapping[str, Json]) -> str:
    most = _int(data["most_bytes"]) >> 20
    return f"{data['count']} artifacts were left out: a run may keep {most} MiB"


_HANDLERS: Mapping[str, Callable[[Progress, Mapping[str, Json]], str | None]] = {
    "run.leased": _leased,
    "python.begun": _building,
    "python.awaited": _packages_awaited,
    "python.ready": _installed,
    "environment.ready": _ready,
    "run.collected": _collected,
    "run.reopened": _reopened,
    "suite.noted": _noted,
    "policy.denied": _denied,
    "attempt.finished": _finished_attempt,
    "attempts.queued": _queued,
    "artifacts.left_out": _left_out,
    "browser.awaited": _awaited,
    "browser.lost": _browser_lost,
    "lease.ended": _lease_ended,
    "run.cancel_requested": _cancelled,
    "run.finished": _ended,
    "failure.assigned": _assigned,
}


def _s(value: object) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) else "?"


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _indexes(value: object) -> set[int]:
    return {_int(item) for item in value} if isinstance(value, list) else set()
