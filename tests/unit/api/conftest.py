"""One application per test."""

from pathlib import Path

import pytest

from tests.unit.api.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
