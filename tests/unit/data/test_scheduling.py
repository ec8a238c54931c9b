"""Tasks end in order, with one clear error, and within their time."""

from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import dask
import pytest

from actors.data.scheduling import Tasks
from harness.errors import InvalidInput, NotFound, Unavailable
from harness.ports.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable


def test_results_come_in_the_order_of_the_tasks(tmp_path: Path) -> None:
    squares = [partial(pow, number, 2) for number in range(20)]
    assert Tasks(tmp_path, SystemClock()).results(squares) == [n * n for n in range(20)]


def test_the_first_error_is_raised_and_the_rest_is_left_out(tmp_path: Path) -> None:
    done: list[int] = []

    def fails() -> int:
        raise NotFound("gone")

    tasks: list[Callable[[], int]] = [fails, *(partial(_add, done, n) for n in range(9))]
    with dask.config.set(num_workers=1), pytest.raises(NotFound, match="gone"):
        Tasks(tmp_path, SystemClock()).results(tasks)
    assert done == []


def test_an_error_of_ours_is_told_by_its_place_alone(tmp_path: Path) -> None:
    def fails() -> int:
        raise ValueError("secret")

    with pytest.raises(InvalidInput, match=r"^rows could not be judged: ValueError at test_sched"):
        Tasks(tmp_path, SystemClock()).results([fails])


def test_tasks_that_have_not_begun_in_time_are_left_out(tmp_path: Path) -> None:
    begun = Event()

    def waits() -> int:
        begun.wait(0.2)
        return 1

    tasks = Tasks(tmp_path, SystemClock(), seconds=0.05)
    with dask.config.set(num_workers=1), pytest.raises(Unavailable, match=r"not done within 0\.05"):
        tasks.results([waits] * 3)


def _add(done: list[int], number: int) -> int:
    done.append(number)
    return number
