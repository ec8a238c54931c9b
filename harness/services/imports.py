"""Runs made of results from elsewhere; from then on they are runs like any other."""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from harness.domain.attempt import ArtifactRef, Attempt, AttemptResult, AttemptState, Verdict
from harness.domain.foreign import ForeignAttempt, ForeignTest
from harness.domain.ids import AttemptId, RunId
from harness.domain.imported_run import ImportOrder, attempts_of, ended, labels_of, test_case
from harness.domain.principal import Principal
from harness.domain.quarantine import marked
from harness.domain.report_archive import ReportArchive
from harness.domain.reports import Reports, read_reports
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import Run
from harness.domain.scope import Scope
from harness.errors import Conflict, NotFound, TooLarge
from harness.events.facts import Fact, RunCollected, RunFinished, RunSubmitted
from harness.ports.artifacts import ArtifactStore
from harness.ports.doorbell import Doorbell
from harness.ports.entropy import Entropy
from harness.ports.records import Records
from harness.services.scheduling_facts import finished_fact

ATTACHMENTS = 10_000
ATTACHMENT_BYTES = 100 << 20


@dataclass(frozen=True, slots=True)
class Imports:
    """Takes in results from elsewhere, within one scope at a time."""

    records: Records
    artifacts: ArtifactStore
    entropy: Entropy
    doorbell: Doorbell

    def accept(
        self, scope: Scope, order: ImportOrder, by: Principal, idempotency_key: str | None = None
    ) -> Run:
        """The ended run that the upload tells of: it and all its events are one transaction.

        The same idempotency key gives the same run, whatever happened in between.

        Raises:
            InvalidInput: a report is damaged, or there is none.
            TooLarge: a limit of what is read is exceeded.
            Conflict: the key was used for another import.
            NotFound: the upload was not stored.
        """
        run_id, known = self._reserved(scope, idempotency_key)
        if known:
            return _same(known, order)
        with self.artifacts.path(scope, order.upload).open("rb") as file:
            archive = ReportArchive(file, order.name)
            reports = read_reports(archive, order.format)
            attachments = _Attachments(self.artifacts, scope, archive)
            tests = [
                self._outcome(run_id, index, test, attachments)
                for index, test in enumerate(reports.results.tests)
            ]
            upload = ArtifactRef(f"import/{_base(order.name)}", order.upload, archive.bytes)
        try:
            run = self._stored(scope, order, by, reports, run_id, tests, attachments, upload)
        except Conflict:
            # Somebody with the same key was faster.
            return _same(self._run(scope, run_id), order)
        self.doorbell.ring()
        return run

    def _reserved(self, scope: Scope, key: str | None) -> tuple[RunId, Run | None]:
        """The id that the key stands for, and the run if it is there already."""
        run_id = RunId(self.entropy.new_id())
        if key is None:
            return run_id, None
        with self.records.transaction(scope) as tx:
            run_id = RunId(tx.once(f"import:{key}", run_id))
        try:
            return run_id, self._run(scope, run_id)
        except NotFound:
            return run_id, None

    def _run(self, scope: Scope, run_id: RunId) -> Run:
        with self.records.transaction(scope) as tx:
            return tx.runs.get(run_id)

    def _outcome(
        self, run_id: RunId, index: int, test: ForeignTest, attachments: "_Attachments"
    ) -> TestOutcome:
        case, found = test_case(test, index), []
        for number, told in enumerate(attempts_of(test), 1):
            attempt_id = AttemptId(self.entropy.new_id())
            prefix = f"tests/{index}/{attempt_id[-6:]}"
            result = attachments.attached(told, prefix)
            found.append(
                Attempt(
                    *(attempt_id, run_id, case.id, index, number),
                    state=AttemptState.FINISHED,
                    result=result,
                )
            )
        return TestOutcome(case, tuple(found))

    def _stored(
        self,
        scope: Scope,
        order: ImportOrder,
        by: Principal,
        reports: Reports,
        run_id: RunId,
        tests: Sequence[TestOutcome],
        attachments: "_Attachments",
        upload: ArtifactRef,
    ) -> Run:
        with self.records.transaction(scope) as tx:
            draft = Run(run_id, scope, order.request(labels_of(reports)), tx.now())
            cases = marked([test.case for test in tests], tx.quarantines.list(), tx.now())
            judged = (replace(t, case=case) for t, case in zip(tests, cases, strict=True))
            results = RunResults(draft, tuple(judged))
            run = ended(results, reports, attachments.missing)
            attempts = [attempt for test in tests for attempt in test.attempts]
            run = tx.runs.add(run, _facts(replace(results, run=run), by))
            tx.tests.add(run_id, cases)
            tx.attempts.add(attempts)
            left = [ref for each in attempts if each.result for ref in each.result.artifacts]
            tx.link(run_id, [*left, upload])
            return run


@dataclass(slots=True)
class _Attachments:
    """Brings files that attempts name from the upload into the artifact store, each once."""

    artifacts: ArtifactStore
    scope: Scope
    archive: ReportArchive
    missing: int = 0
    _stored: dict[str, ArtifactRef | None] = field(default_factory=dict)

    def attached(self, told: ForeignAttempt, prefix: str) -> AttemptResult:
        """The attempt's result with its artifacts."""
        found: dict[str, ArtifactRef] = {}
        for attachment in told.attachments:
            ref = self._ref(attachment.path) if attachment.path else None
            if ref is None:
                self.missing += 1
                continue
            shown = f"{prefix}/{_base(ref.name)}"
            shown = f"{prefix}/{len(found)}-{_base(ref.name)}" if shown in found else shown
            media = attachment.media_type or ref.media_type
            found[shown] = replace(ref, name=shown, media_type=media)
        return replace(told.result, artifacts=tuple(found.values()))

    def _ref(self, name: str) -> ArtifactRef | None:
        if name not in self._stored:
            if len(self._stored) == ATTACHMENTS:
                return None
            self._stored[name] = self._put(name)
        return self._stored[name]

    def _put(self, name: str) -> ArtifactRef | None:
        content = self.archive.open(name)
        try:
            digest, size = self.artifacts.put(self.scope, content, max_bytes=ATTACHMENT_BYTES)
        except TooLarge:
            return None
        media, _ = mimetypes.guess_type(name)
        return ArtifactRef(name, digest, size, media or "application/octet-stream")


def _facts(results: RunResults, by: Principal) -> Sequence[Fact]:
    run, tests = results.run, results.tests
    verdicts = [test.verdict for test in tests]
    environment = run.request.environment
    seconds = (
        (run.finished_at or run.created_at) - (run.started_at or run.created_at)
    ).total_seconds()
    return [
        RunSubmitted(
            suite=run.request.suite.digest,
            command=list(run.request.argv),
            environment=environment.name if environment else None,
            submitted_by=by.name,
        ),
        RunCollected(tests=len(tests), deselected=0, errors=0, seconds=0.0, warning=run.message),
        *(finished_fact(attempt) for test in tests for attempt in test.attempts),
        RunFinished(
            state=run.state,
            reason=run.reason,
            message=run.message,
            counts={v.value: verdicts.count(v) for v in Verdict if v in verdicts},
            seconds=seconds,
        ),
    ]


def _same(run: Run, order: ImportOrder) -> Run:
    if not order.is_of(run):
        raise Conflict(
            f"The idempotency key was used for another import (run {run.id}). "
            "Use a new key for a new import."
        )
    return run


def _base(name: str) -> str:
    return PurePosixPath(name).name[-200:] or "file"
