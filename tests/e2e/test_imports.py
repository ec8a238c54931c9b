"""Results from elsewhere on a live platform: judged, shown and exported as those of any run."""

import json
from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from harness.domain.ids import RunId
from harness.domain.junit_reader import read_junit
from tests.support.live_platform import LivePlatform, assert_consistent
from tests.unit.domain import junit_dialects as dialects

pytestmark = pytest.mark.e2e


def test_import_is_judged_shown_and_exported(
    platform: LivePlatform, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "s.xml").write_text(dialects.SUREFIRE)
    reports = [f"--junit={tmp_path / 'out.xml'}", f"--ctrf={tmp_path / 'out.json'}"]
    words = ("import", "s.xml", "--suite", "shop", "--release", "abc", *reports)
    ran = platform.ath(*words, "--json", cwd=tmp_path)
    assert ran.returncode == ExitCode.PASSED, ran.stderr
    told = json.loads(ran.stdout)
    assert told["counts"] == {"passed": 1, "failed": 1, "flaky": 1, "skipped": 1}
    assert told["failed"] == ["shop.BasketTest::isEmptied"]
    assert told["readiness"] == "not_ready"
    assert len(told["clusters"]) == 2
    run = client.runs.get(RunId(told["run"]))
    assert_consistent(client, run)
    with (tmp_path / "out.xml").open("rb") as exported:
        again = {test.id: test.verdict for test in read_junit(exported).tests}
    assert again == {test.case.id: test.verdict for test in client.runs.results(run.id).tests}
    assert json.loads((tmp_path / "out.json").read_text())["results"]["summary"]["flaky"] == 1
    assert platform.ath("watch", run.id).returncode == ExitCode.FAILED
    refused = platform.ath("rerun", run.id, "--failed")
    assert refused.returncode == ExitCode.USAGE
    assert "was imported" in refused.stderr


def test_gate_and_damage_have_their_codes(platform: LivePlatform, tmp_path: Path) -> None:
    (tmp_path / "s.xml").write_text(dialects.SUREFIRE)
    (tmp_path / "cut.xml").write_text(dialects.SUREFIRE[:900])
    assert platform.ath("import", "s.xml", "--gate", cwd=tmp_path).returncode == ExitCode.GATE
    damaged = platform.ath("import", "cut.xml", cwd=tmp_path)
    assert damaged.returncode == ExitCode.USAGE
    assert "cut.xml is damaged at line" in damaged.stderr
