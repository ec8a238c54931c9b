"""The control plane over a real record store, and a host that the test plays."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from harness.domain.assessment import TestHistory
from harness.domain.attempt import AttemptResult, Failure, Phase, Verdict
from harness.domain.environment import Environment
from harness.domain.ids import Digest, HostId, TenantId, TestId
from harness.domain.principal import Principal, Role
from harness.domain.retry_rule import RetryRule
from harness.domain.run import Run, RunRequest, RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import SuiteVersion, TestCase
from harness.domain.work import Collected, Report, Surrender
from harness.events.envelope import Event, verify_chain
from harness.services.analytics import Analytics
from harness.services.quarantines import Quarantines
from harness.services.quotas import Quotas
from harness.services.runs import Runs
from harness.services.scheduling import Scheduling
from harness.services.secrets import Secrets
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy

ANN = Principal("ann", TenantId("default"), Role.MEMBER)
HOST = HostId("here")
CASES = [TestCase(TestId(f"t.py::test_{n}"), n, "t.py", n) for n in range(4)]
P, F, E = Verdict.PASSED, Verdict.FAILED, Verdict.ERRORED


class House:
    """The control plane and a host in one process."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(f"sqlite:///{folder / 'r.db'}", FakeEntropy("e"))
        self.records.migrate()
        artifacts = FileArtifacts(folder / "artifacts")
        self.suite = artifacts.put(DEFAULT_SCOPE, BytesIO(b"suite"), max_bytes=9)[0]
        self.quotas = Quotas(self.records)
        self.quarantines = Quarantines(self.records)
        secrets = Secrets(self.records, self.records.secrets(b"key"))
        self.runs = Runs(self.records, artifacts, FakeEntropy("r"), self, self.quotas, secrets)
        self.scheduling = Scheduling(self.records, FakeEntropy("s"))
        self.analytics = Analytics(self.records, FakeEntropy("a"))

    def ring(self) -> None:
        """Nobody sleeps here."""

    def submit(
        self,
        retries: int = 0,
        workers: int | None = None,
        retry: RetryRule = RetryRule.FAILURES,
        argv: tuple[str, ...] = ("pytest",),
        environment: str | None = None,
    ) -> Run:
        suite = SuiteVersion(Digest(self.suite), "s")
        request = RunRequest(
            suite,
            argv,
            environment=Environment(environment) if environment else None,
            retries=retries,
            retry=retry,
            workers=workers,
        )
        return self.runs.submit(DEFAULT_SCOPE, request, ANN)

    def work(
        self,
        run: Run,
        verdicts: Mapping[int, Sequence[Verdict]],
        collected: Collected | None = None,
    ) -> Sequence[int]:
        """Execute what waits, each test with its verdicts in turn; gives the tests executed."""
        grant = self.scheduling.claim(HOST, 1, {})
        assert grant is not None
        lease, left = grant.lease.id, {index: list(found) for index, found in verdicts.items()}
        self.scheduling.collected(lease, collected or Collected(CASES))
        done: list[int] = []
        while batch := self.scheduling.next_batch(lease, "w1", ()).attempts:
            results = {attempt: result_of(left[index].pop(0)) for attempt, index in batch}
            self.scheduling.report(Report(lease, results))
            done += [index for _, index in batch]
        self.scheduling.surrender(Surrender(lease))
        return done

    def rerun(self, run: Run, *tests: str, key: str | None = None) -> Run:
        return self.runs.rerun(DEFAULT_SCOPE, run.id, ANN, [TestId(t) for t in tests], key)

    def events(self, run: Run) -> Sequence[Event]:
        events = self.runs.events(DEFAULT_SCOPE, run.id)
        verify_chain(events)
        return events

    def look(self, run: Run) -> tuple[RunState, Sequence[Verdict | None]]:
        results = self.runs.results(DEFAULT_SCOPE, run.id)
        return results.run.state, [test.verdict for test in results.tests]

    def history(self, index: int) -> TestHistory:
        with self.records.transaction(DEFAULT_SCOPE) as tx:
            return tx.tests.histories("", [CASES[index].id])[0]


def result_of(verdict: Verdict) -> AttemptResult:
    failure = Failure("KeyError", "no page") if verdict is F else None
    phase = Phase("call", "failed" if verdict is F else "passed", 1.0, failure)
    return AttemptResult(verdict, 1.0, (phase,))
