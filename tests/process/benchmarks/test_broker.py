"""The benchmark of the broker gives the figures that it promises."""

import pytest

from benchmarks.broker import measure, sides

pytestmark = [pytest.mark.process, pytest.mark.long]


async def test_calls_and_streams_are_measured() -> None:
    with sides() as found:
        overhead, streams = await measure(found, rounds=5, seconds=0.5, steps=(2,))
    assert (overhead.key, streams.key) == ("overhead_ms_p50", "streams_per_core")
    assert streams.value in (0, 2)
    assert overhead.measured.startswith("http ")
