"""The tests' policy: which may start processes, and how long each may take."""

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

_STARTERS = frozenset({"process", "postgres", "ray", "serve", "browser", "e2e", "services"})
_STARTER_SECONDS = 180
_STARTS = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system"}
)


@dataclass(slots=True, eq=False)
class ProcessGuard:
    """Fails the running test when it starts a process without a marker that says so."""

    test: str = ""

    def __call__(self, event: str, _arguments: object) -> None:
        """Is told of every audited event of the interpreter."""
        if self.test and event in _STARTS and _in_main_thread():
            pytest.fail(
                f"{self.test} starts a process ({event}): mark it with one of "
                f"{', '.join(sorted(_STARTERS))}",
                pytrace=False,
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watches a test and the fixtures that it sets up."""
        self.test = "" if _is_starter(item) else item.nodeid
        try:
            return (yield)
        finally:
            self.test = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Looks away: the last test's teardown also ends what the whole session shared."""
        self.test = ""


def pytest_configure(config: pytest.Config) -> None:
    guard = ProcessGuard()
    config.pluginmanager.register(guard, "process-guard")
    sys.addaudithook(guard)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _is_starter(item) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_STARTER_SECONDS))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def _is_starter(item: pytest.Item) -> bool:
    return any(mark.name in _STARTERS for mark in item.iter_markers())


def _in_main_thread() -> bool:
    # A cluster that earlier tests share may start processes from threads of its own.
    return threading.current_thread() is threading.main_thread()
