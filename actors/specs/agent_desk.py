"""How a step asks the host of its tests for an agent to run."""

import io
import json
import os
import socket
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.agents.agent_wish import MOST_ARCHIVE_BYTES, MOST_WISH_BYTES, AgentWish, heard
from actors.specs.failure import StepFailed

ATTRIBUTE = "_ath_door"
"""Where the platform's runner leaves a socket's path and the name of this process."""
GRACE_SECONDS = 30.0
"""For what the host does beside the agent's own time."""
_NEEDS = (
    "agents run in a sandbox of the platform, and this test does not run on it; "
    "use `ath run -- pytest …`"
)
_PASSED_BY = {"__pycache__", "node_modules", ".git", ".venv", "venv", ".ath"}


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """How an agent's program ended."""

    exit_code: int | None
    stopped: str
    stdout: bytes
    stderr: bytes
    files: Mapping[str, bytes]
    missing: Sequence[str]
    spent: Mapping[str, int]
    refused: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class AgentDesk:
    """The host's end, as a path and a name."""

    path: str
    worker: str

    @classmethod
    def is_there(cls, config: object) -> bool:
        """Whether the tests of this pytest session run on the platform."""
        return bool((getattr(config, ATTRIBUTE, None) or ("",))[0])

    @classmethod
    def of(cls, config: object) -> "AgentDesk":
        """Where the tests of this pytest session ask.

        Raises:
            StepFailed: they do not run on the platform.
        """
        path, worker = getattr(config, ATTRIBUTE, None) or ("", "")
        if not path:
            raise StepFailed(_NEEDS)
        return cls(path, worker)

    def model(self, name: str) -> str:
        """The Unix socket where a model is asked, within this test.

        Raises:
            StepFailed: the host gives none.
        """
        with socket.socket(socket.AF_UNIX) as end:
            end.settimeout(GRACE_SECONDS)
            try:
                end.connect(self.path)
                asked = {"worker": self.worker, "model": name}
                end.sendall(json.dumps(asked).encode() + b"\n")
                told = json.loads(end.makefile("rb").readline() or b"{}")
            except (OSError, ValueError) as failed:
                raise StepFailed(f"the host of the tests does not answer: {failed}") from None
        if "socket" not in told:
            why = told.get("trouble", {}).get("message", "it gives none")
            raise StepFailed(f"the model {name} cannot be asked: {why}")
        return str(told["socket"])

    def run(
        self, wish: AgentWish, archive: bytes, tell: Callable[[Mapping[str, Any]], None]
    ) -> AgentAnswer:
        """Let it run to its end; `tell` hears of each turn.

        Raises:
            StepFailed: it could not run, or the host is gone.
        """
        asked = wish.model_copy(update={"archive_bytes": len(archive)})
        message = {"worker": self.worker, "agent": asked.model_dump(mode="json")}
        line = json.dumps(message).encode() + b"\n"
        if len(line) > MOST_WISH_BYTES:
            raise StepFailed(f"what the agent is given has more than {MOST_WISH_BYTES} bytes")
        with socket.socket(socket.AF_UNIX) as end:
            end.settimeout(wish.seconds + GRACE_SECONDS)
            try:
                end.connect(self.path)
                end.sendall(line)
                end.sendall(archive)
                return _heard(end.makefile("rb"), tell)
            except OSError as failed:
                raise StepFailed(f"the host of the tests does not answer: {failed}") from None


def _heard(lines: Iterator[bytes], tell: Callable[[Mapping[str, Any]], None]) -> AgentAnswer:
    for line in lines:
        message = json.loads(line)
        if "turn" in message:
            tell(message["turn"])
        elif "trouble" in message:
            raise StepFailed(f"the agent did not run: {message['trouble']['message']}")
        elif "end" in message:
            return _answer(message["end"])
    raise StepFailed("the host of the tests ended before the agent did")


def _answer(end: Mapping[str, Any]) -> AgentAnswer:  # Any: JSON
    return AgentAnswer(
        exit_code=end["exit_code"],
        stopped=end["stopped"],
        stdout=heard(end["stdout"]),
        stderr=heard(end["stderr"]),
        files={path: heard(data) for path, data in end["files"].items()},
        missing=end["missing"],
        spent=end["spent"],
        refused=end["refused"],
        seconds=end["seconds"],
    )


def packed(folder: Path, names: Sequence[str]) -> bytes:
    """Files and folders below a folder as tar, links as links.

    Raises:
        StepFailed: one is not there, or all of them are too large.
    """
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
        added: set[str] = set()
        for name in names:
            for path in _found(folder, name):
                _add(archive, folder, path, added)
                if into.tell() > MOST_ARCHIVE_BYTES:
                    raise StepFailed(
                        f"the agent's files have more than {MOST_ARCHIVE_BYTES >> 20} MiB; "
                        "name fewer under `files`"
                    )
    return into.getvalue()


def _found(folder: Path, name: str) -> Sequence[Path]:
    found = sorted(folder.glob(name)) if any(mark in name for mark in "*?[") else [folder / name]
    if not found or not all(os.path.lexists(path) for path in found):
        raise StepFailed(f"{name!r} under `files` is not there")
    return [path for path in found if path.name not in _PASSED_BY]


def _add(archive: tarfile.TarFile, folder: Path, path: Path, added: set[str]) -> None:
    for above in reversed(path.relative_to(folder).parents[:-1]):
        _member(archive, folder / above, str(above), added)
    name = str(path.relative_to(folder))
    _member(archive, path, name, added)
    if path.is_dir() and not path.is_symlink():
        for below in sorted(path.iterdir()):
            if below.name not in _PASSED_BY:
                _add(archive, folder, below, added)


def _member(archive: tarfile.TarFile, path: Path, name: str, added: set[str]) -> None:
    if name in added or name == ".":
        return
    added.add(name)
    info: tarfile.TarInfo | None = archive.gettarinfo(str(path), name)
    if info is None:  # a socket
        return
    if info.isreg():
        with path.open("rb") as file:
            archive.addfile(info, file)
    elif info.isdir() or info.issym():
        archive.addfile(info)
