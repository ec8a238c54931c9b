"""A suite runs from a repository: at one commit, which every attempt and rerun takes."""

from pathlib import Path

import pytest

from harness.client import Client
from harness.domain.exit_code import ExitCode
from tests.support.git_server import git, smart_server
from tests.support.live_platform import LivePlatform

pytestmark = pytest.mark.e2e

TOKEN = "hunter2-token-0123456789"


@pytest.fixture
def repository(suite: Path, tmp_path: Path) -> Path:
    (suite / "ath.toml").write_text("[run]\nretries = 1\n")
    git(tmp_path, "init", "-q", "-b", "main", str(suite))
    git(suite, "add", "-A")
    git(suite, "commit", "-q", "-m", "first")
    (tmp_path / "served").mkdir()
    git(tmp_path, "clone", "-q", "--bare", str(suite), str(tmp_path / "served" / "shop.git"))
    return tmp_path / "served"


def test_a_private_repository_runs_at_one_commit(
    platform: LivePlatform, client: Client, repository: Path, suite: Path, tmp_path: Path
) -> None:
    head = git(suite, "rev-parse", "HEAD")
    assert platform.ath("secrets", "set", "GIT_TOKEN", told=TOKEN).returncode == 0
    with smart_server(repository, TOKEN) as url:
        words = ("run", "--git", f"{url}/shop.git@main", "--git-secret", "GIT_TOKEN")
        ran = platform.ath(*words, "--", "pytest", cwd=tmp_path)
        refused = platform.ath(*words[:3], "--", "pytest", cwd=tmp_path)
    assert ran.returncode == ExitCode.FAILED, ran.stdout + ran.stderr
    run = client.runs.list(limit=1)[0]
    assert run.request.suite.origin is not None
    assert run.request.suite.origin.commit == head
    assert run.request.retries == 1
    assert run.collected == 3
    assert refused.returncode == ExitCode.USAGE
    assert "--git-secret" in refused.stderr
    again = platform.ath("rerun", "--failed", run.id)
    assert again.returncode == ExitCode.FAILED, again.stdout + again.stderr
    assert client.runs.get(run.id).request.suite.digest == run.request.suite.digest
    kept = [path.read_bytes() for path in platform.home.rglob("*") if path.is_file()]
    assert not [content for content in kept if TOKEN.encode() in content]
