"""One real server and one client per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.services import ApiSettings
from harness.client import Client
from tests.unit.api.world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, ApiSettings(poll_seconds=0.01, idle_seconds=0.05))


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    with world.serving() as url, Client(url, world.member) as connected:
        yield connected
