"""A folder of wheels as the only index, and a cache that uses it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from actors.environments.build import BuildLimits
from actors.environments.cache import EnvironmentCache, HeldEnvironment
from actors.environments.folders import EnvironmentFolders
from harness.domain.ids import TenantId
from harness.domain.python_environment import PythonEnvironment
from harness.events.facts import Fact
from tests.support.wheels import index_of, wheel, wheels_of_pytest

ANN = TenantId("ann")


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    wheels_of_pytest(folder)
    wheel(folder, "tiny", "1.0", {"tiny.py": "WORD = 'one'\n"})
    wheel(folder, "tiny", "2.0", {"tiny.py": "WORD = 'two'\n"})
    return folder


@dataclass(frozen=True, slots=True)
class Node:
    """One node with its cache, and what it said happened."""

    cache: EnvironmentCache
    suite: Path
    facts: list[Fact] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, requirements: str, tenant: TenantId = ANN) -> HeldEnvironment:
        """The environment of a suite with this requirements file."""
        file = self.suite / "requirements.txt"
        if not file.exists() or file.read_text() != requirements:
            file.write_text(requirements)
        wanted = PythonEnvironment("requirements.txt")
        return await self.cache.hold(tenant, self.suite, wanted, self.observe)

    def said(self) -> list[str]:
        """The facts' names."""
        return [type(fact).__name__.removeprefix("PythonEnvironment") for fact in self.facts]

    async def observe(self, fact: Fact) -> None:
        """Takes what the cache says."""
        self.facts.append(fact)
        self.began.set()


NodeMaker = Callable[..., Node]


@pytest.fixture
def node_with(tmp_path: Path, index: Path) -> NodeMaker:
    """Makes nodes over one and the same folder."""
    (tmp_path / "suite").mkdir()

    def make(limits: BuildLimits | None = None, found: Path = index) -> Node:
        folders = EnvironmentFolders(tmp_path / "environments")
        folders.prepare()
        cache = EnvironmentCache(folders, index_of(found), limits or BuildLimits())
        return Node(cache, tmp_path / "suite")

    return make


@pytest.fixture
def node(node_with: NodeMaker) -> Node:
    return node_with()
