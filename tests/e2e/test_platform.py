"""The command line over a live platform: codes, results, events, pages."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from harness.domain.run import RunState
from tests.support.live_platform import LivePlatform, assert_consistent, installation

pytestmark = pytest.mark.e2e

ENVIRONMENT = """\
[environments.local]
base_url = "http://127.0.0.1:${port}"
up = ["python", "-m", "http.server", "${port}", "--bind", "127.0.0.1"]
health = "${base_url}/"

[environments.local.variables]
SHOP = "${base_url}"
"""
AGAINST_SERVER = """\
import os
import urllib.request

def test_shop():
    with urllib.request.urlopen(os.environ["SHOP"], timeout=5) as reply:
        assert reply.status == 200
"""
ONCE_BAD = """\
from pathlib import Path

def test_moody():
    mark = Path("was-here")
    seen = mark.exists()
    mark.touch()
    assert seen
"""
MENDED_WHEN = """\
from pathlib import Path

def test_good():
    assert True

def test_moody():
    assert Path({flag!r}).exists()
"""
ENDLESS = """\
import threading

def test_endless():
    threading.Event().wait()
"""


SHOP = "".join(f"def price_{n}():\n    return {n}\n\n\n" for n in (1, 2, 3, 4))
COVERING = """\
import threading
from shop import price_{0}

def test_price():
    threading.Event().wait(0.5)
    assert price_{0}() == {0}
"""


def junit(path: Path) -> dict[tuple[str | None, str | None], list[str]]:
    """What became of each test."""
    return {
        (case.get("classname"), case.get("name")): sorted(
            child.tag for child in case if child.tag in {"failure", "error", "skipped"}
        )
        for case in ET.parse(path).iter("testcase")
    }


def test_a_suite_gives_what_plain_pytest_gives(
    platform: LivePlatform, client: Client, suite: Path, tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.xml", tmp_path / "theirs.xml"
    ran = platform.ath("run", "--json", "--junit", str(ours), "--", "pytest", "-q", cwd=suite)
    plain = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junit-xml={theirs}",
    ]
    subprocess.run(plain, cwd=suite, env=platform.environ, capture_output=True, check=False)
    assert ran.returncode == ExitCode.FAILED, ran.stderr
    assert junit(ours) == junit(theirs)
    summary = json.loads(ran.stdout)
    assert summary["counts"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert summary["failed"] == ["test_it.py::test_bad"]
    run = client.runs.get(RunId(summary["run"]))
    assert run.state is RunState.FAILED
    assert_consistent(client, run)


def test_an_environment_is_brought_up_for_a_run(platform: LivePlatform, suite: Path) -> None:
    (suite / "ath.toml").write_text(ENVIRONMENT)
    (suite / "test_it.py").write_text(AGAINST_SERVER)
    ran = platform.ath("run", "--env", "local", "-n", "1", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr


def test_a_retried_test_is_flaky(platform: LivePlatform, suite: Path) -> None:
    (suite / "test_it.py").write_text(ONCE_BAD)
    ran = platform.ath("run", "--json", "--retries", "1", "--", "pytest", cwd=suite)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["flaky"] == ["test_it.py::test_moody"]


def test_coverage_is_joined_over_workers_and_brought_home(
    platform: LivePlatform, suite: Path
) -> None:
    (suite / "shop.py").write_text(SHOP)
    for number in (1, 2, 3):
        (suite / f"test_{number}.py").write_text(COVERING.format(number))
    (suite / "test_it.py").unlink()
    options = ["--cov=shop", "--cov-report=xml:out/cov.xml", "--cov-report=term-missing"]
    python = ["--python", sys.executable]
    ran = platform.ath("run", "-n", "2", *python, "--", "pytest", *options, cwd=suite)
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    lines = ET.parse(suite / "out" / "cov.xml").findall(".//line")
    missed = [line.get("number") for line in lines if line.get("hits") == "0"]
    assert missed == [str(SHOP.splitlines().index("    return 4") + 1)]
    assert "shop.py" in ran.stdout
    options = [*options, "--cov-fail-under=95"]
    ran = platform.ath("run", *python, "--", "pytest", *options, cwd=suite)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    assert "below the 95 % that are required" in ran.stdout


def test_lf_runs_what_failed_last(platform: LivePlatform, suite: Path) -> None:
    platform.ath("run", "--", "pytest", cwd=suite)
    ran = platform.ath("run", "--json", "--", "pytest", "--lf", cwd=suite)
    assert json.loads(ran.stdout)["counts"] == {"failed": 1}


def test_failed_tests_are_rerun_within_the_run(
    platform: LivePlatform, client: Client, suite: Path, tmp_path: Path
) -> None:
    flag = tmp_path / "mended"
    (suite / "test_it.py").write_text(MENDED_WHEN.format(flag=str(flag)))
    first = platform.ath("run", "--json", "--", "pytest", cwd=suite)
    assert json.loads(first.stdout)["failed"] == ["test_it.py::test_moody"]
    run_id = RunId(json.loads(first.stdout)["run"])
    flag.touch()
    report = tmp_path / "merged.xml"
    again = platform.ath("rerun", "--failed", run_id, "--json", "--junit", str(report))
    assert again.returncode == ExitCode.PASSED, again.stdout + again.stderr
    summary = json.loads(again.stdout)
    assert (summary["run"], summary["flaky"]) == (run_id, ["test_it.py::test_moody"])
    assert [len(t.attempts) for t in client.runs.results(run_id).tests] == [1, 2]
    assert len(junit(report)) == 2
    assert list(client.runs.events(run_id))[-1].data["round"] == 1
    nothing = platform.ath("rerun", "--failed", run_id)
    assert nothing.returncode == ExitCode.USAGE
    assert "no failed test" in nothing.stderr


def test_github_gets_annotations_and_a_summary(
    platform: LivePlatform, suite: Path, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    step = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    ran = platform.ath("run", "--json", "--", "pytest", cwd=suite, env=step)
    assert json.loads(ran.stdout)["failed"] == ["test_it.py::test_bad"]
    title = "title=test_it.py%3A%3Atest_bad failed"
    assert f"::error file=suite/test_it.py,line=7,{title}::AssertionError: one is" in ran.stderr
    assert summary.read_text().startswith("### Run failed: 1 passed, 1 failed, 1 skipped")


def test_no_tests_are_inconclusive(platform: LivePlatform, suite: Path) -> None:
    ran = platform.ath("run", "--", "pytest", "-k", "nothing_like_it", cwd=suite)
    assert ran.returncode == ExitCode.INCONCLUSIVE, ran.stdout + ran.stderr


def test_a_wrong_option_is_a_usage_error(platform: LivePlatform, suite: Path) -> None:
    ran = platform.ath("run", "--", "pytest", "--no-such-option", cwd=suite)
    assert ran.returncode == ExitCode.USAGE
    assert "--no-such-option" in ran.stdout + ran.stderr


def test_a_second_up_finds_the_first(platform: LivePlatform) -> None:
    before = installation(platform.home).pid
    again = platform.ath("up", "--json")
    assert again.returncode == ExitCode.PASSED, again.stderr
    assert json.loads(again.stdout)["pid"] == before


@pytest.mark.parametrize("command", ["status", "doctor", "runs"])
def test_machines_get_json(platform: LivePlatform, command: str) -> None:
    looked = platform.ath(command, "--json")
    assert looked.returncode == ExitCode.PASSED, looked.stderr
    assert json.loads(looked.stdout)


def test_a_run_can_be_looked_at_afterwards(
    platform: LivePlatform, client: Client, suite: Path, tmp_path: Path
) -> None:
    run = platform.submit(client, suite, "pytest", "-q")
    watched = platform.ath("watch", run.id)
    exported = platform.ath("export", run.id, "--junit", str(tmp_path / "out.xml"))
    assert watched.returncode == ExitCode.FAILED, watched.stderr
    assert exported.returncode == ExitCode.PASSED, exported.stderr
    assert len(junit(tmp_path / "out.xml")) == 3
    with httpx.Client(follow_redirects=True, trust_env=False) as browser:
        page = browser.get(client.sign_in(run.id))
        assert (page.status_code, run.id in page.text) == (httpx.codes.OK, True)
    stranger = httpx.get(client.page(run.id), trust_env=False)
    assert stranger.status_code == httpx.codes.UNAUTHORIZED


def test_events_resume_where_a_reader_stopped(
    platform: LivePlatform, client: Client, suite: Path
) -> None:
    run = platform.submit(client, suite, "pytest", "-q")
    whole = list(client.runs.events(run.id, seconds=60))
    rest = list(client.runs.events(run.id, after=3, seconds=60))
    assert rest == whole[3:]


def test_a_run_can_be_cancelled(platform: LivePlatform, client: Client, suite: Path) -> None:
    run = _endless(platform, client, suite)
    asked = platform.ath("cancel", run)
    ended = client.runs.wait(run, seconds=60)
    assert asked.returncode == ExitCode.PASSED
    assert ended.state is RunState.CANCELLED
    assert platform.ath("watch", run).returncode == ExitCode.CANCELLED
    assert_consistent(client, ended)


def test_an_interrupt_in_ci_cancels(platform: LivePlatform, client: Client, suite: Path) -> None:
    (suite / "test_it.py").write_text(ENDLESS)
    ci = platform.begin("run", "--", "pytest", cwd=suite, env={"CI": "true"})
    assert ci.stdout is not None
    said = next(line for line in ci.stdout if "collected 1 test" in line)
    ci.send_signal(signal.SIGINT)
    rest, _ = ci.communicate(timeout=60)
    assert ci.returncode == ExitCode.CANCELLED, said + rest
    run = client.runs.list(limit=1)[0]
    assert client.runs.wait(run.id, seconds=60).state is RunState.CANCELLED


def _endless(platform: LivePlatform, client: Client, suite: Path) -> RunId:
    """A run that has begun and does not end by itself."""
    (suite / "test_it.py").write_text(ENDLESS)
    run = platform.submit(client, suite, "pytest", "-q")
    events = client.runs.events(run.id, until="finished", seconds=60)
    assert any(event.type == "ath.attempts.leased.v1" for event in events)
    return run.id
