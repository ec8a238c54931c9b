"""Browser suites: killed browsers and pools lose nothing, and are told from failing tests."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.client import Client
from harness.domain.ids import RunId
from harness.domain.quota import QuotaName
from harness.domain.run import Run, RunState
from tests.support.live_platform import LivePlatform, assert_consistent

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(300)]

TESTS = 40
CASE_SECONDS = 240.0
SUITE = f"""\
import pytest

@pytest.mark.parametrize("n", range({TESTS}))
def test_page(page, n):
    page.set_content("<h1>hello</h1>")
    page.wait_for_timeout(150)
    assert page.inner_text("h1") == "hello"
"""


@pytest.fixture
def browser_suite(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_pages.py").write_text(SUITE)
    return folder


def _is_browser(line: str) -> bool:
    return "/browsers/b" in line and "--user-data-dir=" in line and "--type=" not in line


def _is_stand_in(line: str) -> bool:
    return "stand_in.py" in line and "--remote-debugging-pipe" in line


def _is_pool(line: str) -> bool:
    return line.startswith("ray::BrowserHostActor")


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param(_is_browser, id="browser"),
        pytest.param(_is_pool, id="pool", marks=pytest.mark.long),
        pytest.param(_is_stand_in, id="stand-in", marks=pytest.mark.long),
    ],
)
def test_a_killed_browser_loses_no_test(
    platform: LivePlatform, client: Client, browser_suite: Path, victim: Callable[[str], bool]
) -> None:
    run = platform.submit(client, browser_suite, "pytest", "-q")
    _after_finished(client, run.id, 5)
    browsers = platform.running(_is_browser)
    assert len(browsers) >= 2
    platform.kill(victim)
    ended = client.runs.wait(run.id, until="assessed", seconds=CASE_SECONDS)
    assert ended.state is RunState.PASSED, ended.message
    _assert_errored_first(client, ended)
    assert_consistent(client, ended)
    if victim is _is_pool:
        assert [process for process in browsers if process.is_running()] == []


def _assert_errored_first(client: Client, run: Run) -> None:
    """Every test ended passed; some were errored before, and each such attempt says so."""
    events = list(client.runs.events(run.id, until="finished", seconds=60))
    finished = [event.data for event in events if event.type == "ath.attempt.finished.v1"]
    verdicts = Counter(str(data["verdict"]) for data in finished)
    assert verdicts["passed"] == TESTS
    assert 1 <= verdicts["errored"] == len(finished) - TESTS
    assert {data["exception"] for data in finished if data["verdict"] == "errored"} == {
        "BrowserLost"
    }
    assert [event for event in events if event.type == "ath.browser.lost.v1"]
    results = client.runs.results(run.id)
    assert len(results.tests) == TESTS


def test_a_second_run_finds_the_first_ones_browser(
    platform: LivePlatform, client: Client, browser_suite: Path
) -> None:
    first = _browsers_after_run(platform, client, browser_suite)
    assert first
    assert _browsers_after_run(platform, client, browser_suite) == first


@pytest.mark.long
def test_tenant_holds_no_more_browsers_than_its_quota(
    platform: LivePlatform, client: Client, browser_suite: Path
) -> None:
    client.quotas.set(QuotaName.BROWSERS_CHROMIUM, 1)
    try:
        run = platform.submit(client, browser_suite, "pytest", "-q")
        _after_finished(client, run.id, 5)
        ended = client.runs.wait(run.id, until="assessed", seconds=CASE_SECONDS)
    finally:
        client.quotas.set(QuotaName.BROWSERS_CHROMIUM, None)
    assert ended.state is RunState.PASSED, ended.message
    events = list(client.runs.events(run.id, until="finished", seconds=60))
    finished = [e.data for e in events if e.type == "ath.attempt.finished.v1"]
    awaited = [e.data["place"] for e in events if e.type == "ath.browser.awaited.v1"]
    assert (len(finished), len(awaited), set(awaited)) == (TESTS, 1, {1})
    assert_consistent(client, ended)


def test_browsers_and_profiles_end_with_the_pool(
    platform: LivePlatform, client: Client, browser_suite: Path
) -> None:
    pids = _browsers_after_run(platform, client, browser_suite)
    warm = [process for process in platform.processes() if process.pid in pids]
    assert len(_profiles(platform)) == len(warm) >= 1
    assert "idle" in platform.ath("status").stdout
    platform.kill(_is_pool)
    _, left = psutil.wait_procs(warm, timeout=10)
    assert left == []
    assert _browsers_after_run(platform, client, browser_suite).isdisjoint(pids)
    assert len(_profiles(platform)) == 1


def _profiles(platform: LivePlatform) -> list[Path]:
    return list((platform.settings.scratch / "browsers").glob("b*"))


def _browsers_after_run(platform: LivePlatform, client: Client, suite: Path) -> set[int]:
    (suite / "test_pages.py").write_text("def test_page(page):\n    page.goto('data:,x')\n")
    run = platform.submit(client, suite, "pytest", "-q")
    ended = client.runs.wait(run.id, until="finished", seconds=CASE_SECONDS)
    assert ended.state is RunState.PASSED, ended.message
    return {process.pid for process in platform.running(_is_browser)}


def _after_finished(client: Client, run_id: RunId, count: int) -> None:
    """Return when so many attempts of the run are over."""
    for event in client.runs.events(run_id, until="finished", seconds=120):
        count -= event.type == "ath.attempt.finished.v1"
        if count == 0:
            return
    raise AssertionError("the run ended before it could be disturbed")
