"""A whole application over embedded stores, for tests to talk to."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from actors.broker.policy_document import policy_of_text
from api.app import create_app
from api.auth.keys import hash_key, new_key
from api.services import ApiSettings, Services
from harness.domain.attempt import (
    ArtifactRef,
    Attempt,
    AttemptResult,
    Failure,
    Frame,
    Phase,
    Step,
    Verdict,
)
from harness.domain.git_reference import GitReference, Origin
from harness.domain.ids import AttemptId, Digest, ProjectId, RunId, TenantId, TestId
from harness.domain.principal import Principal, Role
from harness.domain.results import RunResults
from harness.domain.run import Run, RunRequest, RunState
from harness.domain.scope import DEFAULT_SCOPE, Scope
from harness.domain.suite import SuiteVersion, TestCase
from harness.errors import InvalidInput
from harness.events.facts import RunFinished
from harness.ports.clock import SystemClock
from harness.ports.doorbell import SilentDoorbell
from harness.ports.entropy import SystemEntropy
from harness.ports.sources import Credential, Fetched
from harness.services.agent_grants import AgentGrants
from harness.services.imports import Imports
from harness.services.model_servers import ModelServers
from harness.services.policies import Policies
from harness.services.quarantines import Quarantines
from harness.services.quotas import Quotas
from harness.services.runs import Runs
from harness.services.sandbox_doors import SandboxDoors
from harness.services.sandboxes import Sandboxes
from harness.services.secrets import Secrets
from harness.services.sources import Sources
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords
from tests.fakes.sandboxes import FakeSandboxes

SECRET = b"a secret of thirty-two bytes or so"
OTHER = Scope(TenantId("other"), ProjectId("default"))
ANNA = Principal("anna", DEFAULT_SCOPE.tenant, Role.MEMBER)


def plain_junit(results: RunResults) -> Iterable[bytes]:
    """Stands in for the report, whose own tests are elsewhere."""
    yield b"<testsuites>"
    yield f'<testsuite tests="{len(results.tests)}"/>'.encode()
    yield b"</testsuites>"


@dataclass(frozen=True, slots=True)
class OneRepository:
    """Stands in for git, whose own tests are elsewhere: any address holds the same suite."""

    async def fetch(
        self, scope: Scope, reference: GitReference, credential: Credential | None
    ) -> Fetched:
        """The suite; opens for one credential alone."""
        if credential and credential.value != "user:hunter2-secret":
            raise InvalidInput(f"git refused {credential.value}")
        origin = Origin(reference.url, "a" * 40, reference.ref)
        suite = SuiteVersion(Digest("b" * 64), reference.name, reference.folder, origin)
        return Fetched(suite, 10, "ath.toml", "[run]\nretries = 2\n")


@dataclass(frozen=True, slots=True)
class World:
    """An application with a suite and keys of several people."""

    services: Services
    app: FastAPI
    suite: Digest
    member: str
    viewer: str
    stranger: str
    """A member of another tenant."""

    @property
    def node(self) -> FakeSandboxes:
        """The sandboxes of everybody."""
        node = self.services.sandboxes.node
        assert isinstance(node, FakeSandboxes)
        return node

    def client(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Asks the application without a network."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://127.0.0.1",
            headers={"Authorization": f"Bearer {key or self.member}", **headers},
        )

    def request(self, *argv: str) -> RunRequest:
        """A request that is in order."""
        return RunRequest(SuiteVersion(self.suite, "suite"), argv or ("pytest", "-q"))

    def body(self, **fields: object) -> dict[str, object]:
        """The same as JSON."""
        return {"suite": {"digest": self.suite, "folder": "suite"}, "argv": ["pytest"], **fields}

    def submit(self, *argv: str, scope: Scope = DEFAULT_SCOPE) -> Run:
        """A run in state submitted."""
        return self.services.runs.submit(scope, self.request(*argv), ANNA)

    def finish(self, run: Run, *verdicts: Verdict) -> Run:
        """The run after tests of these verdicts and its end."""
        records = self.services.records
        with records.transaction(run.scope) as tx:
            run = tx.runs.save(tx.runs.get(run.id).moved(RunState.COLLECTING))
            cases = [case_of(index) for index in range(len(verdicts))]
            attempts = [attempt_of(run.id, case, self.services) for case in cases]
            tx.tests.add(run.id, cases)
            tx.attempts.add(attempts)
            results = {
                attempt.id: result_of(verdict)
                for attempt, verdict in zip(attempts, verdicts, strict=True)
            }
            tx.attempts.finish(results, None)
            ended = replace(run.moved(RunState.FAILED), collected=len(cases), finished_at=tx.now())
            fact = RunFinished(RunState.FAILED, "", "", {}, 1.0)
            return tx.runs.save(ended, [fact])

    def store(self, content: bytes, scope: Scope = DEFAULT_SCOPE) -> Digest:
        """Bytes of a tenant."""
        return self.services.artifacts.put(scope, BytesIO(content), max_bytes=1 << 30)[0]

    def link(self, run: Run, name: str, content: bytes, media_type: str) -> ArtifactRef:
        """An artifact of the run."""
        ref = ArtifactRef(name, self.store(content), len(content), media_type)
        with self.services.records.transaction(run.scope) as tx:
            tx.link(run.id, [ref])
        return ref

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """The address of a real server; it drops its connections when it ends."""
        config = uvicorn.Config(self.app, port=port, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        socket = config.bind_socket()
        socket.listen()
        thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)
            socket.close()


def make_world(folder: Path, settings: ApiSettings | None = None) -> World:
    """An application over stores in an empty folder."""
    entropy = SystemEntropy()
    records = SqlRecords(f"sqlite:///{folder / 'records.db'}", entropy)
    records.migrate()
    artifacts = FileArtifacts(folder / "artifacts")
    quotas = Quotas(records)
    secrets = Secrets(records, records.secrets(SECRET))
    doors = SandboxDoors(AgentGrants(records, secrets.store), policy_of_text)
    services = Services(
        runs=Runs(records, artifacts, entropy, SilentDoorbell(), quotas, secrets),
        secrets=secrets,
        sources=Sources(OneRepository(), secrets.store),
        quotas=quotas,
        quarantines=Quarantines(records),
        policies=Policies(records, policy_of_text),
        model_servers=ModelServers(records),
        sandboxes=Sandboxes(FakeSandboxes(), quotas, doors),
        imports=Imports(records, artifacts, entropy, SilentDoorbell()),
        records=records,
        artifacts=artifacts,
        clock=SystemClock(),
        entropy=entropy,
        secret=SECRET,
        junit=plain_junit,
        settings=settings or ApiSettings(),
    )
    artifacts.put(OTHER, BytesIO(b"a suite"), max_bytes=100)
    return World(
        services=services,
        app=create_app(services),
        suite=artifacts.put(DEFAULT_SCOPE, BytesIO(b"a suite"), max_bytes=100)[0],
        member=add_key(services, ANNA),
        viewer=add_key(services, replace(ANNA, name="vera", role=Role.VIEWER)),
        stranger=add_key(services, replace(ANNA, name="otto", tenant=OTHER.tenant)),
    )


def add_key(services: Services, principal: Principal) -> str:
    """A fresh key of the principal."""
    key = new_key(services.entropy)
    services.records.add_key(hash_key(SECRET, key), principal)
    return key


def case_of(index: int) -> TestCase:
    """A test."""
    return TestCase(TestId(f"test_shop.py::test_{index}"), index, "test_shop.py", 10 + index)


def attempt_of(run_id: RunId, case: TestCase, services: Services) -> Attempt:
    """Its first attempt."""
    return Attempt(AttemptId(services.entropy.new_id()), run_id, case.id, case.index, 1)


def result_of(verdict: Verdict) -> AttemptResult:
    """A result with everything in it."""
    failure = Failure(
        "AssertionError",
        "expected 200, got <500>",
        (Frame("test_x", "test_shop.py", 12),),
        "    assert response.status == 200\nE   AssertionError",
    )
    phase = Phase("call", "failed", 0.25, failure) if verdict.is_bad else Phase("call", "passed")
    return AttemptResult(
        verdict=verdict,
        seconds=0.25,
        phases=(phase,),
        sections=(("Captured stdout call", "hello <b>world</b>"),),
        properties={"owner": "shop"},
        worker="w1",
        steps=(
            Step("api", "Ask for <all>", "passed", 0.1, 0.0, "GET /shop gave 200"),
            Step("step", "Pay", "failed", 0.1, 0.1, "", (Step("case", "by card", "failed"),)),
        ),
    )
