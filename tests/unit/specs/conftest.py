"""Closes what the tests' worlds opened."""

from collections.abc import Iterator

import pytest

from tests.unit.specs import world


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while world.SESSIONS:
        world.SESSIONS.pop().close()
