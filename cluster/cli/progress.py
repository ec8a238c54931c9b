"""What a run's events add up to, while it runs."""

from collections import Counter
from dataclasses import dataclass, field

from harness.events.envelope import Event


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

    def see(self, event: Event) -> str | None:
        """Take in an event; gives a line worth keeping, if it makes one."""
        kind = event.type.removeprefix("ath.").rpartition(".v")[0]
        data = event.data
        match kind:
            case "run.leased":
                self.step = "unpacking and collecting"
            case "environment.ready":
                return f"{data['environment']} answers at {data['base_url']} after {_s(data['seconds'])}"
            case "run.collected":
                self.total = _int(data["tests"]) + _int(data["errors"])
                self.step = "executing"
                return _collected(data["tests"], data["errors"], data["seconds"], data["warning"])
            case "attempt.finished":
                self.done.add(_int(data["test_index"]))
                self.verdicts[str(data["verdict"])] += 1
                return _trouble(event)
            case "attempts.queued" if data["why"] != "first":
                self.done.difference_update(_indexes(data["tests"]))
                return f"{data['count']} attempts again ({data['why']})"
            case "lease.ended" if data["why"] == "expired":
                return f"host {data['host']} was lost; its work goes to another"
            case "run.cancel_requested":
                self.step = "stopping"
                return f"asked to stop by {data['by']}"
            case "run.finished":
                self.is_over = True
                self.step = str(data["state"])
            case "failure.assigned" if data["is_new"]:
                return f"new failure cluster: {data['title']}"
            case _:
                return None
        return None


def _trouble(event: Event) -> str | None:
    data = event.data
    if data["verdict"] in {"passed", "skipped", "cancelled"}:
        return None
    what = f"{data['exception']}: {data['message']}" if data["exception"] else data["message"]
    return f"{data['verdict']} {data['test_id']} (attempt {data['number']}) {what}"


def _collected(tests: object, errors: object, seconds: object, warning: object) -> str:
    broken = f", {errors} files could not be collected" if errors else ""
    note = f" ({warning})" if warning else ""
    return f"collected {tests} tests{broken} in {_s(seconds)}{note}"


def _s(value: object) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) else "?"


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _indexes(value: object) -> set[int]:
    return {_int(item) for item in value} if isinstance(value, list) else set()
