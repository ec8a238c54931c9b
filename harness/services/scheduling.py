"""The scheduler's decisions, each one transaction; who calls and from where is not its business."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.domain.attempt import Attempt, AttemptResult, AttemptState, Verdict
from harness.domain.ids import AttemptId, HostId, LeaseId, RunId, TenantId
from harness.domain.lease import Lease
from harness.domain.quarantine import marked
from harness.domain.queue import in_turn
from harness.domain.quota import MAX_CAPACITY, QuotaName
from harness.domain.results import conclude
from harness.domain.run import Reason, Run, RunState
from harness.domain.scope import Scope
from harness.domain.suite import TestCase
from harness.domain.work import Batch, Collected, Grant, Report, Surrender
from harness.errors import Fenced
from harness.events.facts import (
    AttemptsQueued,
    CancelRequested,
    Fact,
    ResultRefused,
    RunCollected,
    RunLeased,
)
from harness.ports.entropy import Entropy
from harness.ports.records import Records, Transaction
from harness.services.active_run import ActiveRun
from harness.services.active_run_reading import active_run
from harness.services.fleet import Fleet
from harness.services.scheduling_facts import (
    MESSAGES,
    STATE_OF_REASON,
    batch_of,
    ending,
    finished_fact,
    first_grant,
    lease_ended,
    leased_fact,
    must_agree,
    queued_facts,
    unfinished,
)
from harness.services.scheduling_limits import SchedulingLimits

WORTH_A_WORKER_SECONDS = 0.5
"""Expected work that pays for opening one more worker."""


@dataclass(slots=True)
class Scheduling:
    """Gives work to hosts and takes their results; not thread-safe, one caller at a time."""

    records: Records
    entropy: Entropy
    limits: SchedulingLimits = field(default_factory=SchedulingLimits)
    _active: dict[RunId, ActiveRun] = field(default_factory=dict)
    _scopes: dict[LeaseId, tuple[Scope, RunId]] = field(default_factory=dict)
    _fleet: Fleet = field(default_factory=Fleet)
    _waiting: int = 0
    """Runs that nobody works on yet."""

    def claim(self, host: HostId, free: int, held: Mapping[LeaseId, int]) -> Grant | None:
        """Work for a host with so many free workers, the least served tenant first."""
        self._fleet.hear(host, free, held)
        runs = self.records.active_runs()
        self._waiting = sum(run.is_waiting for run in runs)
        if free <= 0:
            return None
        used = self._fleet.used(self._tenant)
        capacities = self.records.capacities(QuotaName.WORKERS)
        for run in in_turn(runs, used):
            tenant = run.scope.tenant
            room = capacities.get(tenant, MAX_CAPACITY) - used.get(tenant, 0)
            grant = self._grant(run, host, min(free, room), held) if room > 0 else None
            if grant:
                return grant
        return None

    def renew(self, lease_ids: Collection[LeaseId]) -> Sequence[LeaseId]:
        """Leases that last on; those of cancelled runs are left out."""
        kept = []
        for lease_id in lease_ids:
            scope, run_id = self._where(lease_id)
            with self.records.transaction(scope) as tx:
                active = tx.leases.renew([lease_id], self.limits.lease_seconds)
                if active and tx.runs.get(run_id).state is not RunState.CANCELLING:
                    kept.append(lease_id)
        return kept

    def observed(self, lease_id: LeaseId, facts: Sequence[Fact]) -> None:
        """Append what a host saw to the run's events."""
        with self.records.transaction(self._where(lease_id)[0]) as tx:
            tx.runs.save(self._leased(tx, lease_id), facts)

    def collected(self, lease_id: LeaseId, collected: Collected) -> int:
        """Store the tests and queue their first attempts; gives the workers worth opening."""
        with self.records.transaction(self._where(lease_id)[0]) as tx:
            run = self._leased(tx, lease_id)
            if run.state is RunState.RUNNING:
                must_agree(tx.tests.of_run(run.id), collected.cases)
                active = self._load(tx, run)
                active.max_failures = collected.max_failures
                return self._workers(run, active)
            if run.state is not RunState.COLLECTING:
                return 0
            active = self._first_attempts(tx, run, collected)
            self._active[run.id] = active
            return self._workers(run, active)

    def next_batch(self, lease_id: LeaseId, worker: str, have: Collection[AttemptId]) -> Batch:
        """Attempts for a worker; none when it should close."""
        with self.records.transaction(self._where(lease_id)[0]) as tx:
            run = self._leased(tx, lease_id)
            if run.state is not RunState.RUNNING:
                return Batch()
            active = self._load(tx, run)
            again = active.lost(lease_id, have)
            if again:
                return batch_of(again)
            if not have and self._fleet.is_beyond_its_share(lease_id, self._waiting):
                return Batch()
            if active.has_failed_enough:
                self._drop_waiting(tx, run, active)
                return Batch()
            batch = active.take(lease_id)
            if not batch:
                return Batch(more_later=bool(active.open))
            tx.attempts.lease([attempt.id for attempt in batch], lease_id)
            tx.runs.save(run, [leased_fact(tx.leases.get(lease_id), worker, batch)])
            return batch_of(batch)

    def report(self, report: Report) -> None:
        """Apply results once; queue further attempts where the run's rules want them.

        Raises:
            Fenced: the lease has ended; the refusal is in the run's events.
        """
        scope, run_id = self._where(report.lease_id)
        try:
            with self.records.transaction(scope) as tx:
                run = self._leased(tx, report.lease_id)
                self._apply(tx, run, self._load(tx, run), report.results, report.lease_id)
        except Fenced as late:
            self._refuse(scope, run_id, report, str(late))
            raise

    def surrender(self, surrender: Surrender) -> None:
        """End a lease; the run ends with it when nothing is left to do or it cannot go on."""
        with self.records.transaction(self._where(surrender.lease_id)[0]) as tx:
            run = self._leased(tx, surrender.lease_id)
            lease = tx.leases.get(surrender.lease_id)
            tx.link(run.id, surrender.artifacts)
            active = self._load(tx, run)
            stopped = run.state is RunState.CANCELLING or surrender.reason is not Reason.NONE
            left = unfinished(active, lease, None if stopped else "its host gave the run back")
            run = self._apply(tx, run, active, left, lease.id)
            tx.leases.end(lease.id)
            run = tx.runs.save(run, [lease_ended(lease, "closed")])
            self._end_if_over(tx, run, active, surrender)
        self._scopes.pop(surrender.lease_id, None)

    def tick(self) -> None:
        """Act on what only time brings: expired leases, deadlines, cancelled runs without host."""
        for scope, lease in self.records.expired_leases():
            self._expire(scope, lease)
        for run in self.records.active_runs():
            self._end_if_overdue(run)

    def forget(self) -> None:
        """Read everything back from the store when next needed; after a transaction failed."""
        self._active.clear()
        self._scopes.clear()

    def _tenant(self, lease_id: LeaseId) -> TenantId | None:
        return self._scopes[lease_id][0].tenant if lease_id in self._scopes else None

    def _grant(
        self, run: Run, host: HostId, free: int, held: Mapping[LeaseId, int]
    ) -> Grant | None:
        if run.state is RunState.CANCELLING:
            return None
        with self.records.transaction(run.scope) as tx:
            run = tx.runs.get(run.id, lock=True)
            if run.state.is_terminal:
                return None
            leases = tx.leases.of_run(run.id)
            mine = next((lease for lease in leases if lease.host == host), None)
            if mine and mine.id in held:
                return self._more_workers(tx, run, mine, free, held[mine.id])
            if not leases:
                return self._new_lease(tx, run, host, free)
        if mine:
            # The host was restarted and knows nothing of it: no need to wait for the expiry.
            self._expire(run.scope, mine)
        return None

    def _new_lease(self, tx: Transaction, run: Run, host: HostId, free: int) -> Grant | None:
        if run.next_token > self.limits.grants_per_run * (run.round + 1):
            self._end(
                tx,
                run,
                RunState.ERRORED,
                Reason.INFRASTRUCTURE,
                f"{run.next_token - 1} hosts were lost while they worked on this run. "
                "See the run's events, then `ath doctor`.",
            )
            return None
        lease = tx.leases.grant(run, host, self.limits.lease_seconds)
        run = run.begun(tx.now())
        fact = RunLeased(lease.id, host, lease.token)
        run = tx.runs.save(replace(run, next_token=run.next_token + 1), [fact])
        self._scopes[lease.id] = (run.scope, run.id)
        workers = min(free, run.request.workers or free)
        seconds = self._test_seconds(run)
        return first_grant(tx, lease, run, workers, seconds)

    def _more_workers(
        self, tx: Transaction, run: Run, lease: Lease, free: int, opened: int
    ) -> Grant | None:
        if run.state is not RunState.RUNNING or self._waiting:
            return None
        active = self._load(tx, run)
        more = min(free, self._workers(run, active) - opened, len(active.plan))
        if more <= 0:
            return None
        return Grant(lease, run, more, self._test_seconds(run))

    def _workers(self, run: Run, active: ActiveRun) -> int:
        waiting = len(active.plan)
        if run.request.workers:
            return min(run.request.workers, waiting)
        return min(math.ceil(active.plan.seconds / WORTH_A_WORKER_SECONDS), waiting)

    def _test_seconds(self, run: Run) -> float:
        return run.request.test_seconds or self.limits.test_seconds

    def _first_attempts(self, tx: Transaction, run: Run, collected: Collected) -> ActiveRun:
        fatal = any(item.result.verdict.is_bad for item in collected.broken)
        runnable = collected.cases if collected.run_broken or not fatal else ()
        found = [*runnable, *(broken.case for broken in collected.broken)]
        cases = marked(found, tx.quarantines.list(), tx.now())
        tx.tests.add(run.id, cases)
        attempts = [self._attempt(run, case, 1) for case in cases]
        tx.attempts.add(attempts)
        active = active_run(tx, run, cases, attempts)
        active.max_failures = collected.max_failures
        facts: list[Fact] = [
            RunCollected(
                tests=len(runnable),
                deselected=collected.deselected,
                errors=sum(item.result.verdict.is_bad for item in collected.broken),
                seconds=collected.seconds,
                warning=collected.warning,
            ),
            AttemptsQueued(count=len(runnable), why="first", tests=[]),
        ]
        moved = replace(run.moved(RunState.RUNNING), collected=len(cases))
        run = tx.runs.save(moved, facts)
        broken = {
            attempt.id: item.result
            for attempt, item in zip(attempts[len(runnable) :], collected.broken, strict=True)
        }
        active.plan.drop()
        active.plan.put([case.index for case in runnable])
        self._apply(tx, run, active, broken, None)
        return active

    def _apply(
        self,
        tx: Transaction,
        run: Run,
        active: ActiveRun,
        results: Mapping[AttemptId, AttemptResult],
        lease_id: LeaseId | None,
    ) -> Run:
        accepted = set(tx.attempts.finish(results, lease_id)) if results else set()
        finished = active.finish({i: r for i, r in results.items() if i in accepted})
        facts: list[Fact] = [finished_fact(attempt) for attempt in finished]
        for attempt in finished:
            if attempt.result and attempt.result.artifacts:
                tx.link(run.id, attempt.result.artifacts)
        wanted = [a for a in finished if lease_id and active.deserves_another(a)]
        if wanted and run.state is RunState.RUNNING:
            cases = {case.index: case for case in active.cases}
            again = [self._attempt(run, cases[a.test_index], a.number + 1) for a in wanted]
            tx.attempts.add(again)
            active.queue(again)
            facts += queued_facts(wanted)
        return tx.runs.save(run, facts) if facts else run

    def _attempt(self, run: Run, case: TestCase, number: int) -> Attempt:
        return Attempt(
            AttemptId(self.entropy.new_id()), run.id, case.id, case.index, number, round=run.round
        )

    def _drop_waiting(self, tx: Transaction, run: Run, active: ActiveRun) -> Run:
        active.plan.drop()
        waiting = [a for a in active.open.values() if a.state is AttemptState.QUEUED]
        stopped = AttemptResult(Verdict.CANCELLED)
        return self._apply(tx, run, active, {a.id: stopped for a in waiting}, None)

    def _end_if_over(
        self, tx: Transaction, run: Run, active: ActiveRun, surrender: Surrender
    ) -> None:
        if run.state is RunState.CANCELLING:
            run = self._drop_waiting(tx, run, active)
            self._end(tx, run, RunState.CANCELLED, run.reason, run.message)
        elif surrender.reason is Reason.COVERAGE and active.open:
            return  # measured over a part: its end is still to come
        elif surrender.reason is not Reason.NONE:
            run = self._drop_waiting(tx, run, active)
            state = STATE_OF_REASON.get(surrender.reason, RunState.ERRORED)
            self._end(tx, run, state, surrender.reason, surrender.message)
        elif not active.open and run.state is RunState.RUNNING:
            self._conclude(tx, run, active)

    def _conclude(self, tx: Transaction, run: Run, active: ActiveRun) -> None:
        state, reason = conclude(active.final(gating=True))
        self._end(tx, run, state, reason, MESSAGES.get(reason, ""))

    def _end(
        self, tx: Transaction, run: Run, state: RunState, reason: Reason, message: str
    ) -> None:
        verdicts = self._active[run.id].final() if run.id in self._active else ()
        ended, fact = ending(run.moved(state, reason, message), tx.now(), verdicts)
        tx.runs.save(ended, [fact])
        self._active.pop(run.id, None)

    def _expire(self, scope: Scope, lease: Lease) -> None:
        with self.records.transaction(scope) as tx:
            run = tx.runs.get(lease.run_id, lock=True)
            tx.leases.end(lease.id)
            if run.state.is_terminal:
                return
            active = self._load(tx, run)
            why = f"the host {lease.host} was lost"
            run = self._apply(tx, run, active, unfinished(active, lease, why), lease.id)
            run = tx.runs.save(run, [lease_ended(lease, "expired")])
            if run.state is RunState.RUNNING and not active.open:
                self._conclude(tx, run, active)
        self._scopes.pop(lease.id, None)

    def _end_if_overdue(self, run: Run) -> None:
        with self.records.transaction(run.scope) as tx:
            run = tx.runs.get(run.id, lock=True)
            if run.state is RunState.CANCELLING and not tx.leases.of_run(run.id):
                active = self._load(tx, run)
                run = self._drop_waiting(tx, run, active)
                self._end(tx, run, RunState.CANCELLED, run.reason, run.message)
                return
            limit = run.request.run_seconds or self.limits.run_seconds
            started = run.started_at
            if run.state not in {RunState.COLLECTING, RunState.RUNNING} or started is None:
                return
            if (tx.now() - started).total_seconds() > limit:
                message = f"The run did not end within its deadline of {limit:g} seconds."
                moved = run.moved(RunState.CANCELLING, Reason.DEADLINE, message)
                tx.runs.save(moved, [CancelRequested(by="scheduler", why=message)])

    def _refuse(self, scope: Scope, run_id: RunId, report: Report, why: str) -> None:
        with self.records.transaction(scope) as tx:
            run = tx.runs.get(run_id, lock=True)
            tx.runs.save(run, [ResultRefused(report.lease_id, list(report.results), why)])

    def _leased(self, tx: Transaction, lease_id: LeaseId) -> Run:
        """The run of an active lease, locked."""
        run = tx.runs.get(self._where(lease_id)[1], lock=True)
        tx.leases.get(lease_id)
        return run

    def _load(self, tx: Transaction, run: Run) -> ActiveRun:
        known = self._active.get(run.id)
        if known:
            return known
        active = active_run(tx, run, tx.tests.of_run(run.id), tx.attempts.of_run(run.id))
        active.recovered = True
        self._active[run.id] = active
        return active

    def _where(self, lease_id: LeaseId) -> tuple[Scope, RunId]:
        if lease_id not in self._scopes:
            found = self.records.lease(lease_id)
            if found is None:
                raise Fenced(f"There is no lease {lease_id}; its work was given to others.")
            self._scopes[lease_id] = (found[0], found[1].run_id)
        return self._scopes[lease_id]
