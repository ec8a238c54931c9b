"""A commit of a repository becomes a suite like any that was uploaded."""

import os
import socket
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from actors.sources.git import FetchLimits, GitFetcher
from harness.domain.git_reference import GitReference, Origin
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import InvalidInput, TooLarge, Unavailable
from harness.ports.sources import Credential, Fetched
from harness.stores.file_artifacts import FileArtifacts
from tests.support.git_server import dumb_server, git, smart_server

pytestmark = pytest.mark.process

TOKEN = "hunter2-secret-0123456789"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository with a suite, and `shop.git`, its bare copy, in the folder `served`."""
    folder = tmp_path / "work"
    (folder / "tests").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(folder))
    (folder / "ath.toml").write_text("[run]\nretries = 1\n")
    (folder / "tests" / "test_it.py").write_text("def test_it(): pass\n")
    commit(folder, "first")
    git(folder, "tag", "-a", "v1", "-m", "one")
    (tmp_path / "served").mkdir()
    git(tmp_path, "clone", "-q", "--bare", str(folder), str(tmp_path / "served" / "shop.git"))
    return folder


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def push(folder: Path) -> None:
    git(folder, "push", "-q", "--mirror", str(folder.parent / "served" / "shop.git"))


@pytest.fixture
def fetcher(tmp_path: Path) -> GitFetcher:
    return GitFetcher(FileArtifacts(tmp_path / "artifacts"), tmp_path / "scratch")


async def fetch(
    fetcher: GitFetcher, url: str, ref: str = "HEAD", folder: str = ".", token: str = ""
) -> Fetched:
    credential = Credential(token) if token else None
    try:
        return await fetcher.fetch(DEFAULT_SCOPE, GitReference(url, ref, folder), credential)
    finally:
        assert list(fetcher.scratch.iterdir()) == []


def names(fetcher: GitFetcher, found: Fetched) -> set[str]:
    with tarfile.open(fetcher.artifacts.path(DEFAULT_SCOPE, found.suite.digest)) as tar:
        return {member.name for member in tar if member.isfile()}


def local(work: Path) -> str:
    return (work.parent / "served" / "shop.git").as_uri()


async def test_a_branch_is_resolved_to_its_commit(fetcher: GitFetcher, work: Path) -> None:
    head = git(work, "rev-parse", "HEAD")
    found = await fetch(fetcher, local(work), "main", "tests")
    assert found.suite.origin == Origin(local(work), head, "main")
    assert (found.suite.folder, found.suite.cwd) == ("shop", "tests")
    assert names(fetcher, found) == {"ath.toml", "tests/test_it.py"}
    assert (found.config_path, found.config) == ("ath.toml", "[run]\nretries = 1\n")


async def test_a_commit_stays_what_it_was(fetcher: GitFetcher, work: Path) -> None:
    first = git(work, "rev-parse", "HEAD")
    before = await fetch(fetcher, local(work))
    (work / "new.py").write_text("")
    commit(work, "second")
    push(work)
    again = await fetch(fetcher, local(work), first)
    tagged = await fetch(fetcher, local(work), "v1")
    newest = await fetch(fetcher, local(work))
    assert before.suite.digest == again.suite.digest == tagged.suite.digest
    assert again.suite.origin is not None
    assert again.suite.origin.commit == first
    assert "new.py" in names(fetcher, newest)


async def test_a_smart_server_is_asked_for_one_commit(fetcher: GitFetcher, work: Path) -> None:
    with smart_server(work.parent / "served") as url:
        found = await fetch(fetcher, f"{url}/shop.git", "main")
    assert "tests/test_it.py" in names(fetcher, found)


async def test_a_dumb_server_will_do(fetcher: GitFetcher, work: Path) -> None:
    git(work.parent / "served" / "shop.git", "update-server-info")
    with dumb_server(work.parent / "served") as url:
        found = await fetch(fetcher, f"{url}/shop.git", "main")
    assert "tests/test_it.py" in names(fetcher, found)


async def test_a_private_repository_opens_with_its_credential_alone(
    fetcher: GitFetcher, work: Path
) -> None:
    with smart_server(work.parent / "served", TOKEN) as url:
        found = await fetch(fetcher, f"{url}/shop.git", token=TOKEN)
        assert "tests/test_it.py" in names(fetcher, found)
        for wrong in ("", "another-token"):
            with pytest.raises(InvalidInput, match="cannot be fetched") as refused:
                await fetch(fetcher, f"{url}/shop.git", token=wrong)
            assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("ref", "folder", "words"),
    [
        ("no-such-branch", ".", "no-such-branch"),
        ("0" * 40, ".", "0000000"),
        ("main", "no/such", "no folder 'no/such'"),
    ],
)
async def test_what_is_not_there_is_named(
    fetcher: GitFetcher, work: Path, ref: str, folder: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await fetch(fetcher, local(work), ref, folder)


async def test_a_repository_that_is_not_there_is_the_users_mistake(
    fetcher: GitFetcher, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.git"):
        await fetch(fetcher, (tmp_path / "gone.git").as_uri())


async def test_a_server_that_does_not_answer_is_not(fetcher: GitFetcher) -> None:
    with pytest.raises(Unavailable, match="git said"):
        await fetch(fetcher, "http://127.0.0.1:9/shop.git")


async def test_a_protocol_that_is_not_allowed_is_refused(fetcher: GitFetcher, work: Path) -> None:
    strict = replace(fetcher, protocols=["https"])
    fetcher.scratch.mkdir()
    with pytest.raises(InvalidInput, match="does not fetch by file"):
        await fetch(strict, local(work))


async def test_submodules_hooks_and_filters_are_left_alone(
    fetcher: GitFetcher, work: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    (work / ".gitmodules").write_text(f'[submodule "m"]\n\tpath = m\n\turl = {local(work)}\n')
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},m")
    (work / ".gitattributes").write_text("*.py filter=lfs\n* export-subst\n")
    (work / "big.py").write_text("version https://git-lfs.github.com/spec/v1\n")
    git(work, "add", ".gitmodules", ".gitattributes", "big.py")
    git(work, "commit", "-q", "-m", "hostile")
    push(work)
    served = tmp_path / "served" / "shop.git"
    for name in ("post-checkout", "reference-transaction", "post-upload-pack"):
        hook = served / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    found = await fetch(fetcher, local(work))
    assert not [name for name in names(fetcher, found) if name.startswith("m/")]
    assert not ran.exists()


async def test_the_platforms_environment_does_not_reach_git(
    fetcher: GitFetcher, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "traced"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.bare=broken'")
    await fetch(fetcher, local(work))
    assert not (tmp_path / "traced").exists()


async def test_a_repository_that_is_too_large_is_refused(fetcher: GitFetcher, work: Path) -> None:
    (work / "noise").write_bytes(os.urandom(3 << 20))
    commit(work, "large")
    push(work)
    small = replace(fetcher, limits=FetchLimits(archive_bytes=1 << 20))
    with pytest.raises(TooLarge, match=r"has 3 MiB at [0-9a-f]{12}, 1 MiB are allowed"):
        await fetch(small, local(work))


async def test_a_server_that_keeps_git_waiting_is_left(fetcher: GitFetcher) -> None:
    quick = replace(fetcher, limits=FetchLimits(seconds=1))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/shop.git"
        with pytest.raises(Unavailable, match="took too long"):
            await fetch(quick, url)


async def test_history_is_not_fetched(fetcher: GitFetcher, work: Path) -> None:
    (work / "noise").write_bytes(os.urandom(6 << 20))
    commit(work, "large")
    (work / "noise").unlink()
    commit(work, "small again")
    push(work)
    small = replace(fetcher, limits=FetchLimits(disk_bytes=5 << 20))
    with smart_server(work.parent / "served") as url:
        assert "noise" not in names(fetcher, await fetch(small, f"{url}/shop.git"))
