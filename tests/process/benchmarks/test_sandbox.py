"""The benchmark of sandboxes gives the figures that it promises."""

import shutil
from pathlib import Path

import pytest

from benchmarks.rivals import Runc
from benchmarks.sandbox import PLAIN, Rivals, measure
from harness.errors import TierUnavailable

pytestmark = [pytest.mark.process, pytest.mark.long]

FIXED = {
    *("warm_vs_python", "warm_execve_vs_python", "fresh_vs_isolated_python"),
    *("idle_pss_mib", "kill_ms"),
}


async def test_every_figure_is_measured_under_its_fixed_key(tmp_path: Path) -> None:
    bwrap, program = shutil.which("bwrap"), shutil.which("runc")
    runc = Runc.bundle(program, tmp_path, PLAIN) if program else None
    try:
        figures = await measure(2, Rivals(bwrap, runc))
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    expected = FIXED | ({"fresh_vs_runc"} if runc else set())
    expected |= {"throughput_vs_bwrap"} if bwrap else set()
    assert {each.key for each in figures} == expected
    assert all(each.value > 0 for each in figures)
