"""Where the tasks of a validation run: threads of this process, or the Ray cluster by Dask-on-Ray.

Dask decides by its own setting `scheduler`; threads where nothing is set.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Generic, TypeVar

import dask
from dask.base import compute
from dask.delayed import delayed
from dask.system import CPU_COUNT

from harness.errors import HarnessError, InvalidInput, Unavailable
from harness.ports.clock import Clock

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What a task gave, or why it could not; errors travel as values, so that none is wrapped."""

    value: Result | None = None
    error: HarnessError | None = None
    is_left_out: bool = False


@dataclass(slots=True)
class Tasks:
    """Runs the tasks of one validation; after an error or too long, those not begun do nothing."""

    scratch: Path
    clock: Clock
    seconds: float | None = None
    """How long all of them together may take."""
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.clock.monotonic() + (self.seconds or 0)

    def results(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """What each task gave, in order.

        Raises:
            HarnessError: the first error in the order of the tasks.
            Unavailable: there was not enough time.
        """
        stop = self.scratch / "stop"
        # Dask begins tasks with the last of their names; files are read best in order.
        last = len(tasks)
        waiting = [
            delayed(partial(_attempt, task, stop), pure=False)(
                dask_key_name=f"rows-{last - number:09}"
            )
            for number, task in enumerate(tasks)
        ]
        with self._alarm(stop):
            outcomes: Sequence[Outcome[Result]] = compute(*waiting)  # type: ignore[no-untyped-call]
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        if any(outcome.is_left_out for outcome in outcomes):
            raise Unavailable(f"the validation was not done within {self.seconds:g} s")
        return [outcome.value for outcome in outcomes if outcome.value is not None]

    @contextmanager
    def _alarm(self, stop: Path) -> Iterator[None]:
        """Has tasks of any process see that the time is over."""
        if self.seconds is None:
            yield
            return
        timer = Timer(max(0.0, self._end - self.clock.monotonic()), stop.touch)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def workers() -> int:
    """How many tasks run at once."""
    return int(dask.config.get("num_workers", None) or CPU_COUNT)


@contextmanager
def on_ray() -> Iterator[None]:
    """Has validations within run their tasks on the Ray cluster that this process belongs to.

    The tasks stay on this process's node: the suite's folder is there, and what they spool.
    """
    import ray
    from ray.util.dask import ray_dask_get
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    node = ray.get_runtime_context().get_node_id()
    here = {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}
    cpus = int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
    get = partial(ray_dask_get, ray_remote_args=here)
    with dask.config.set(scheduler=get, num_workers=cpus):
        yield


def _attempt(task: Callable[[], Result], stop: Path) -> Outcome[Result]:
    if stop.exists():
        return Outcome(is_left_out=True)
    try:
        return Outcome(task())
    except HarnessError as error:
        stop.touch()
        return Outcome(error=error)
    except Exception as problem:  # a task's border: what it says may hold values of rows
        stop.touch()
        where = traceback.extract_tb(problem.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        kind = type(problem).__name__
        return Outcome(error=InvalidInput(f"rows could not be judged: {kind} at {place}"))
