"""The agents that the tests of one worker's process let run."""

import asyncio
import contextlib
import hashlib
import json
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, BinaryIO, cast

from actors.agents.agent_end import AgentEnd
from actors.agents.agent_run import AgentHost, AgentRun
from actors.agents.agent_task import AgentTask
from actors.agents.agent_wish import AgentWish, told
from actors.agents.packages import Packages
from actors.agents.transcript import Transcript
from actors.workers.door import trouble
from actors.workers.worker_models import WorkerModels
from harness.domain.agent_grant import AgentGrant
from harness.domain.attempt import ArtifactRef
from harness.domain.door_spec import DoorSpec
from harness.domain.ids import AttemptId
from harness.domain.policy import Policy
from harness.domain.redaction import Redactor
from harness.domain.sandbox import Reason
from harness.domain.sandbox_bounds import SandboxBounds
from harness.domain.scope import Scope
from harness.errors import HarnessError, InvalidInput, QuotaExceeded
from harness.events.facts import AgentFinished, AgentStarted, Fact, PolicyDenied
from harness.ports.artifacts import ArtifactStore

MOST_AT_ONCE = 8
CUT_SHORT = str(Reason.KILLED)
"""Why an agent stopped whose test did."""
_LINES = "application/x-ndjson"
MOST_DENIALS = 20
"""Of one agent, that become events of the run; all of them are in its journal."""
Say = Callable[[Mapping[str, Any]], Awaitable[None]]  # Any: JSON


@dataclass(slots=True)
class WorkerAgents:
    """Runs what one process asks for; it all ends with the process."""

    host: AgentHost
    scope: Scope
    granted: Callable[[str], Awaitable[AgentGrant]]
    """What a run may give to an agent of this name."""
    artifacts: ArtifactStore
    max_bytes: int
    """Of one artifact."""
    secrets: Mapping[str, str] = field(repr=False)
    observe: Callable[[Fact], Awaitable[None]]
    running: Callable[[], tuple[AttemptId, int] | None]
    """The test that the process is at."""
    models: WorkerModels | None = None
    """Which tests ask by themselves."""
    bounds: SandboxBounds = field(default_factory=SandboxBounds)
    """Of each agent's sandbox."""
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    _kept: list[ArtifactRef] = field(default_factory=list)
    _number: int = 0

    async def attend(self, found: object, archive: bytes, say: Say) -> None:
        """Run what is wished for; says every entry of its journal, and how it ended or why not."""
        task = asyncio.current_task()
        if task is None or len(self._tasks) >= MOST_AT_ONCE:
            await say(trouble(QuotaExceeded(f"{MOST_AT_ONCE} agents of this worker are running.")))
            return
        self._tasks.add(task)
        try:
            await self._run(AgentWish.parse(found), archive, say)
        except HarnessError as failed:
            await say(trouble(failed))
        finally:
            self._tasks.discard(task)

    async def taken(self, prefix: str) -> Sequence[ArtifactRef]:
        """What agents of the test left that has just ended."""
        kept, self._kept = self._kept, []
        asked = await self.models.taken(prefix) if self.models else ()
        return [*(replace(ref, name=f"{prefix}/{ref.name}") for ref in kept), *asked]

    async def stop(self) -> None:
        """End those that run."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """The process has ended."""
        await self.stop()
        if self.models:
            await self.models.close()

    async def _run(self, wish: AgentWish, archive: bytes, say: Say) -> None:
        self._number += 1
        name = wish.name or ""
        grant = await self.granted(name)
        policy = grant.bounded(wish.own_policy())
        self._check(wish)
        transcript = Transcript(name, policy.version)
        seen = _Seen(transcript, self.observe, say, _place(self.running()))
        with tempfile.TemporaryFile() as journal:
            task = self._task(wish, archive, policy, grant)
            self.bounds.admit(replace(task.sandbox(), binds=()))
            self.bounds.allow(task.command())
            run = AgentRun(task, self.host, journal, seen.take, seen.began)
            speaking = asyncio.create_task(seen.speak())
            try:
                end = await run.run()
            except BaseException:  # also when its test ran out of time: what it did is kept
                if seen.has_begun:
                    digest = await asyncio.to_thread(self._keep_journal, journal)
                    seen.add(_finished(name, run, CUT_SHORT, None, digest, seen.place))
                raise
            finally:
                seen.over()
                await asyncio.gather(speaking, return_exceptions=True)
            digest = await asyncio.to_thread(self._keep, journal, transcript.ended(end), end)
        exit_code = end.result.exit_code
        await self.observe(_finished(name, run, end.stopped, exit_code, digest, seen.place))
        await say({"end": _end(end, transcript.ended(end))})

    def _task(
        self, wish: AgentWish, archive: bytes, policy: Policy, grant: AgentGrant
    ) -> AgentTask:
        script = [turn.reply() for turn in wish.script]
        return AgentTask(
            tenant=str(self.scope.tenant),
            name=wish.name or "",
            argv=wish.argv,
            door=DoorSpec(
                policy,
                grant.sources,
                script,
                grant.missing,
                self.scope,
                {name: self._address(secret) for name, secret in wish.databases.items()},
                self.secrets,
            ),
            archive=archive,
            packages=Packages.of(wish.python),
            environ=wish.environ,
            stdin=wish.stdin.encode(),
            seconds=wish.seconds,
            limits=wish.limits.limits(),
            brings=wish.brings,
        )

    def _address(self, secret: str) -> str:
        if secret not in self.secrets:
            raise InvalidInput(
                f"The run has no secret {secret}, which holds a database's address for its agent; "
                f"name it: `ath run --secret {secret}`."
            )
        return self.secrets[secret]

    def _check(self, wish: AgentWish) -> None:
        redactor = Redactor.of(self.secrets)
        given = json.dumps([wish.argv, wish.environ, wish.stdin], ensure_ascii=False)
        if redactor.text(given) != given:
            raise InvalidInput(
                "An agent is never given the value of a secret. Let its policy put it into the "
                "requests that need it."
            )

    def _keep(self, journal: BinaryIO, transcript: Mapping[str, Any], end: AgentEnd) -> str:
        """Store everything; gives the journal's digest."""
        folder = f"agent-{self._number}"
        digest = self._keep_journal(journal)
        text = json.dumps(transcript, indent=1).encode()
        self._put(f"{folder}/transcript.json", BytesIO(text), "application/json")
        for name, data in (("stdout", end.result.stdout), ("stderr", end.result.stderr)):
            if data:
                self._put(f"{folder}/{name}.txt", BytesIO(data), "text/plain; charset=utf-8")
        for path, data in end.files.items():
            place = path.strip("/").replace("/", "_")
            self._put(f"{folder}/files/{place}", BytesIO(data), "application/octet-stream")
        return digest

    def _keep_journal(self, journal: BinaryIO) -> str:
        digest = _digest(journal)
        self._put(f"agent-{self._number}/journal.jsonl", journal, _LINES)
        return digest

    def _put(self, name: str, content: BinaryIO, media: str) -> None:
        content.seek(0)
        with contextlib.suppress(HarnessError):  # too large, or the run has no room: left out
            digest, size = self.artifacts.put(self.scope, content, max_bytes=self.max_bytes)
            self._kept.append(ArtifactRef(name, digest, size, media))


@dataclass(slots=True)
class _Seen:
    """Passes on what happens while an agent runs, in order and without holding it up."""

    transcript: Transcript
    observe: Callable[[Fact], Awaitable[None]]
    say: Say
    place: tuple[str, int | None]
    """Attempt and index of the test that wants it."""
    has_begun: bool = False
    """Its sandbox is up."""
    _news: "asyncio.Queue[tuple[Mapping[str, Any] | None, Fact | None] | None]" = field(
        default_factory=asyncio.Queue
    )
    _denied: set[tuple[str, str, str]] = field(default_factory=set)

    def began(self, facts: Mapping[str, object]) -> None:
        """The sandbox is up."""
        self.has_begun = True
        controls = cast("Mapping[str, str]", facts.get("controls", {}))
        started = AgentStarted(
            self.transcript.agent,
            self.transcript.policy,
            str(facts.get("tier", "")),
            dict(controls),
            *self.place,
        )
        self.add(started)

    def add(self, fact: Fact) -> None:
        """Something that the run's events are to tell."""
        self._news.put_nowait((None, fact))

    def take(self, entry: Mapping[str, Any]) -> None:
        """An entry of the journal."""
        turn = self.transcript.take(entry)
        self._news.put_nowait((turn, self._denial(entry)))

    def over(self) -> None:
        """Nothing follows."""
        self._news.put_nowait(None)

    async def speak(self) -> None:
        """Pass on until it is over."""
        while (news := await self._news.get()) is not None:
            turn, fact = news
            if fact is not None:
                with contextlib.suppress(HarnessError):
                    await self.observe(fact)
            if turn is not None:
                with contextlib.suppress(
                    OSError
                ):  # nobody listens: the events are told all the same
                    await self.say({"turn": turn})

    def _denial(self, entry: Mapping[str, Any]) -> Fact | None:
        if entry["what"] != "refused" or len(self._denied) >= MOST_DENIALS:
            return None
        what = (entry["kind"], entry["name"], entry["denial"])
        if what in self._denied:
            return None
        self._denied.add(what)
        args = entry["args"]
        host, port = args.get("host"), args.get("port")
        return PolicyDenied(
            host if isinstance(host, str) else "",
            port if isinstance(port, int) else 0,
            entry["reason"],
            *self.place,
            kind=entry["kind"],
            name=entry["name"],
        )


def _place(running: tuple[AttemptId, int] | None) -> tuple[str, int | None]:
    return ("", None) if running is None else (str(running[0]), running[1])


def _finished(
    name: str,
    run: AgentRun,
    stopped: str,
    exit_code: int | None,
    digest: str,
    place: tuple[str, int | None],
) -> AgentFinished:
    spent = {str(measure): amount for measure, amount in sorted(run.spent.items())}
    refused = dict(run.refused)
    return AgentFinished(name, stopped, exit_code, run.effects, refused, spent, digest, *place)


def _end(end: AgentEnd, transcript: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "exit_code": end.result.exit_code,
        "signal": end.result.signal,
        "stdout": told(end.result.stdout),
        "stderr": told(end.result.stderr),
        "files": {path: told(data) for path, data in end.files.items()},
        "missing": list(end.missing),
        **{key: transcript[key] for key in ("stopped", "seconds", "spent", "refused")},
    }


def _digest(content: BinaryIO) -> str:
    digest = hashlib.sha256()
    content.seek(0)
    while data := content.read(1 << 20):
        digest.update(data)
    return digest.hexdigest()
