import asyncio
import os
from collections.abc import Iterator

import pytest

from actors.sandbox import watchdog
from actors.sandbox.guest_memory import GuestMemory
from actors.sandbox.watchdog import MemoryWatchdog


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.0)


async def test_too_much_is_told_until_it_falls() -> None:
    seen: list[int] = []
    told: list[int] = []
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def measure(sizes: Iterator[int]) -> int:
        seen.append(next(sizes, 0))
        if seen[-1] == 0:
            loop.call_soon_threadsafe(over.set)
        return seen[-1]

    sizes = iter([50, 101, 200, 150, 120, 130, 100])
    watching = MemoryWatchdog(0, 100, lambda: told.append(seen[-1]), lambda _: measure(sizes))
    await asyncio.wait_for(over.wait(), 10)
    watching.close()
    assert told == [101, 200, 130]
    assert watching.peak == 200


def test_a_guests_memory_is_what_its_kernel_keeps() -> None:
    kept = os.memfd_create("runsc-memory")
    try:
        os.write(kept, bytes(1 << 20))
        assert GuestMemory(-1).measure(os.getpid()) == 1 << 20
    finally:
        os.close(kept)


def test_without_a_guest_there_is_none() -> None:
    assert GuestMemory(-1).measure(os.getpid()) == 0
