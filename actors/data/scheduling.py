"""Where the tasks of a validation run: threads of this process, or the Ray cluster by Dask-on-Ray.

Dask decides by its own setting `scheduler`; threads where nothing is set.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import dask
from dask.base import compute
from dask.delayed import delayed
from dask.system import CPU_COUNT

from harness.errors import HarnessError, InvalidInput

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What a task gave, or why it could not; errors travel as values, so that none is wrapped."""

    value: Result | None = None
    error: HarnessError | None = None


@dataclass(frozen=True, slots=True)
class Tasks:
    """Runs the tasks of one validation; after the first error, those not begun do nothing."""

    scratch: Path

    def results(self, tasks: Sequence[Callable[[], Result]]) -> list[Result]:
        """What each task gave, in order.

        Raises:
            HarnessError: the first error in the order of the tasks.
        """
        stop = self.scratch / "stop"
        waiting = [delayed(partial(_attempt, task, stop), pure=False)() for task in tasks]
        outcomes: Sequence[Outcome[Result]] = compute(*waiting)  # type: ignore[no-untyped-call]
        for outcome in outcomes:
            if outcome.error is not None:
                raise outcome.error
        return [outcome.value for outcome in outcomes if outcome.value is not None]


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
        return Outcome()
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
