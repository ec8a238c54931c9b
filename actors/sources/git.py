"""A commit of a git repository as an archive, fetched by git in a sandbox."""

import asyncio
import base64
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from actors.sandbox.landlock import landlock_abi
from actors.sandbox.process import Ended, ProcessSpec
from actors.sandbox.watched import DiskLimit, run_watched, tail
from harness.domain.git_reference import PROTOCOLS, GitReference, Origin
from harness.domain.scope import Scope
from harness.domain.suite import SuiteVersion
from harness.errors import InvalidInput, TooLarge, Unavailable
from harness.ports.artifacts import ArtifactStore
from harness.ports.sources import Credential, Fetched

SIDE_BY_SIDE = 2
"""Fetches of one process at a time."""
QUOTED_BYTES = 2000
MAX_CONFIG_BYTES = 64 << 10
_NO_SHALLOW = "does not support shallow"
_MISTAKES = re.compile(
    r"couldn't find remote ref|not our ref|not found|does not appear to be a git repository"
    r"|Authentication failed|could not read Username|terminal prompts disabled|unable to access"
    r".*40[134]|protocol '\w+' is not allowed|unadvertised object|bad object|no such path",
    re.IGNORECASE,
)
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "gc.auto": "0",
    "http.followRedirects": "false",  # a credential must not follow one
    "protocol.allow": "never",
    "safe.directory": "*",
    "submodule.recurse": "false",
}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one fetch may use."""

    seconds: float = 120.0
    """For each of its steps."""
    memory_bytes: int = 2 << 30
    disk_bytes: int = 2 << 30
    archive_bytes: int = 512 << 20


@dataclass(frozen=True, slots=True)
class GitFetcher:
    """Fetches for every project of an installation."""

    artifacts: ArtifactStore
    scratch: Path
    protocols: Collection[str] = PROTOCOLS
    network: Mapping[str, str] = field(default_factory=dict)
    """Variables with proxies and certificates."""
    limits: FetchLimits = field(default_factory=FetchLimits)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def fetch(
        self, scope: Scope, reference: GitReference, credential: Credential | None
    ) -> Fetched:
        """Resolve the reference once, and store what it is."""
        if reference.protocol not in self.protocols:
            raise InvalidInput(
                f"This platform does not fetch by {reference.protocol}; "
                f"it does by {', '.join(sorted(self.protocols)) or 'nothing'}."
            )
        if shutil.which("git", path=os.defpath) is None:
            raise Unavailable("git is not installed where the platform runs. Upload the suite.")
        async with self._turn:
            with self._folder() as folder:
                work = _Work(self, reference, credential, folder)
                commit = await work.commit()
                return await self._stored(scope, reference, commit, await work.archive(commit))

    async def _stored(
        self, scope: Scope, reference: GitReference, commit: str, archive: Path
    ) -> Fetched:
        found = await asyncio.to_thread(_config, archive, reference.folder)
        with archive.open("rb") as content:
            digest, size = await asyncio.to_thread(
                self.artifacts.put, scope, content, max_bytes=self.limits.archive_bytes
            )
        origin = Origin(reference.url, commit, reference.ref)
        suite = SuiteVersion(digest, reference.name, reference.folder, origin)
        return Fetched(suite, size, *found)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Work:
    fetcher: GitFetcher
    reference: GitReference
    credential: Credential | None
    folder: Path

    async def commit(self) -> str:
        """Fetch the commit alone; gives its id."""
        await self._git("init", "init", "--quiet", "--bare", "--template=", "repository")
        options = ["--quiet", "--no-tags", "--no-recurse-submodules"]
        source = [self.reference.url, self.reference.ref]
        ended = await self._run("fetch", "fetch", "--depth=1", *options, *source)
        if ended.exit_code and _NO_SHALLOW in self._said("fetch"):
            ended = await self._run("fetch", "fetch", *options, *source)
        self._judge(ended, "fetch")
        await self._git("commit", "rev-parse", "--verify", "FETCH_HEAD^{commit}")
        commit = self._said("commit")
        if self.reference.is_commit and commit != self.reference.ref:
            raise InvalidInput(f"{self.reference.url} has no commit {self.reference.ref}.")
        return commit

    async def archive(self, commit: str) -> Path:
        """All files of the commit, without history and submodules."""
        await self._git("archive", "archive", "--format=tar", "--output=../suite.tar", commit)
        archive = self.folder / "suite.tar"
        size = archive.stat().st_size
        if size > self.fetcher.limits.archive_bytes:
            raise TooLarge(
                f"{self.reference.url} has {size >> 20} MiB at {commit[:12]}, "
                f"{self.fetcher.limits.archive_bytes >> 20} MiB are allowed."
            )
        return archive

    async def _git(self, step: str, *words: str) -> None:
        self._judge(await self._run(step, *words), step)

    async def _run(self, step: str, *words: str) -> Ended:
        limits = self.fetcher.limits
        cwd = self.folder if step == "init" else self.folder / "repository"
        spec = ProcessSpec(
            argv=[str(shutil.which("git", path=os.defpath)), *words],
            cwd=str(cwd),
            env=self._environ(),
            log=str(self.folder / f"{step}.log"),
            write_roots=[str(self.folder), "/dev/null"] if landlock_abi() else None,
            memory_bytes=limits.memory_bytes,
            deadline_seconds=limits.seconds,
        )
        return await run_watched(spec, DiskLimit([self.folder], limits.disk_bytes))

    def _environ(self) -> dict[str, str]:
        """Nothing of the platform's own environment; settings that no file can add to."""
        settings = {**_SETTINGS, f"protocol.{self.reference.protocol}.allow": "always"}
        if self.credential:
            settings["http.extraHeader"] = _authorization(self.credential)
        numbered = dict(enumerate(settings.items()))
        return {
            **self.fetcher.network,
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": self.reference.protocol,
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{number}": name for number, (name, _) in numbered.items()},
            **{f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered.items()},
        }

    def _judge(self, ended: Ended, step: str) -> None:
        url, said = self.reference.url, self._said(step)
        if ended.reason == "exit" and ended.exit_code == 0:
            return
        if ended.reason == "disk":
            limit = self.fetcher.limits.disk_bytes >> 20
            raise TooLarge(f"Fetching {url} took more than {limit} MiB or the disk's last.")
        if ended.reason == "exit" and _MISTAKES.search(said):
            raise InvalidInput(
                f"{self.reference.ref} of {url} cannot be fetched. Check the address, the ref, and "
                f"for a private repository --git-secret. git said:\n{said}"
            )
        why = {"timeout": "took too long", "oom": "took too much memory"}.get(
            ended.reason, "failed"
        )
        raise Unavailable(f"Fetching {self.reference.ref} of {url} {why}. git said:\n{said}")

    def _said(self, step: str) -> str:
        return tail(self.folder / f"{step}.log", QUOTED_BYTES)


def _authorization(credential: Credential) -> str:
    """A token, or USER:PASSWORD."""
    pair = credential.value.strip()
    pair = pair if ":" in pair else f"x-access-token:{pair}"
    return f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"


def _config(archive: Path, folder: str) -> tuple[str | None, str]:
    """The nearest `ath.toml`, and its text.

    Raises:
        InvalidInput: there is no such folder, or the file is none.
    """
    here = PurePosixPath(folder)
    wanted = [str(parent / "ath.toml") for parent in (here, *here.parents)]
    found: dict[str, str] = {}
    has_folder = here == PurePosixPath(".")
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            has_folder |= here == path or here in path.parents
            if str(path) in wanted and member.isfile() and member.size <= MAX_CONFIG_BYTES:
                content = tar.extractfile(member)
                found[str(path)] = content.read().decode(errors="replace") if content else ""
    if not has_folder:
        raise InvalidInput(f"The repository has no folder {folder!r}.")
    names: Sequence[str] = [name for name in wanted if name in found]
    return (names[0], found[names[0]]) if names else (None, "")
