"""What the scheduler remembers of a run; all of it can be read back from the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.domain.assessment import TestHistory
from harness.domain.attempt import Attempt, AttemptResult, AttemptState, Verdict
from harness.domain.ids import AttemptId, LeaseId, TestId
from harness.domain.plan import Plan
from harness.domain.results import judge
from harness.domain.retry import Retries
from harness.domain.run import Run
from harness.domain.suite import TestCase

USUAL_WORKERS = 2
"""For how many a run is planned that names no number."""


@dataclass(slots=True)
class ActiveRun:
    """The waiting and the running attempts of one run."""

    cases: Sequence[TestCase]
    plan: Plan
    retries: Retries
    histories: Mapping[TestId, TestHistory] = field(default_factory=dict)
    """As far as the rule of retries asks for them."""
    max_failures: int = 0
    open: dict[AttemptId, Attempt] = field(default_factory=dict)
    """Queued and leased attempts."""
    verdicts: dict[int, list[Verdict]] = field(default_factory=dict)
    """Of finished attempts, by test index."""
    earlier: dict[int, int] = field(default_factory=dict)
    """How many of those verdicts are of earlier rounds."""
    recovered: bool = False
    """Read back after a restart: hosts may not know of every batch that was leased to them."""

    @classmethod
    def of(
        cls,
        run: Run,
        cases: Sequence[TestCase],
        attempts: Sequence[Attempt],
        seconds: Mapping[TestId, float],
        histories: Sequence[TestHistory] = (),
    ) -> "ActiveRun":
        """The state that these stored attempts amount to."""
        queued = {a.test_index for a in attempts if a.state is AttemptState.QUEUED}
        plan = Plan(cases, seconds, run.request.workers or USUAL_WORKERS)
        plan.drop()
        plan.put(queued)
        retries = Retries(run.request.retry, run.request.retries, len(cases))
        active = cls(cases, plan, retries, {each.test_id: each for each in histories})
        for attempt in attempts:
            if attempt.result:
                active.verdicts.setdefault(attempt.test_index, []).append(attempt.result.verdict)
            else:
                active.open[attempt.id] = attempt
            if attempt.round < run.round:
                active.earlier[attempt.test_index] = active.earlier.get(attempt.test_index, 0) + 1
        return active

    def queue(self, attempts: Sequence[Attempt]) -> None:
        """These attempts wait now."""
        self.open.update({attempt.id: attempt for attempt in attempts})
        self.plan.put([attempt.test_index for attempt in attempts])

    def take(self, lease_id: LeaseId) -> Sequence[Attempt]:
        """The next batch, marked as leased."""
        waiting = {
            attempt.test_index: attempt
            for attempt in self.open.values()
            if attempt.state is AttemptState.QUEUED
        }
        batch = [waiting[index] for index in self.plan.take() if index in waiting]
        for attempt in batch:
            self.open[attempt.id] = replace(attempt, state=AttemptState.LEASED, lease_id=lease_id)
        return batch

    def under(self, lease_id: LeaseId) -> Sequence[Attempt]:
        """The attempts leased to this lease, by test."""
        mine = [attempt for attempt in self.open.values() if attempt.lease_id == lease_id]
        return sorted(mine, key=lambda attempt: attempt.test_index)

    def lost(self, lease_id: LeaseId, have: Collection[AttemptId]) -> Sequence[Attempt]:
        """After a restart: what the lease holds in the store but its host never heard of."""
        if not self.recovered:
            return ()
        known = set(have)
        return [attempt for attempt in self.under(lease_id) if attempt.id not in known]

    def finish(self, results: Mapping[AttemptId, AttemptResult]) -> Sequence[Attempt]:
        """Take these out of the open attempts; gives them with their results."""
        finished = [
            replace(self.open.pop(attempt_id), state=AttemptState.FINISHED, result=result)
            for attempt_id, result in results.items()
            if attempt_id in self.open
        ]
        for attempt in finished:
            if attempt.result:
                self.verdicts.setdefault(attempt.test_index, []).append(attempt.result.verdict)
        return finished

    def deserves_another(self, attempt: Attempt) -> bool:
        """Whether the test of this finished attempt is attempted again."""
        history = self.histories.get(attempt.test_id, TestHistory(attempt.test_id))
        return self.retries.want_another(self._of_this_round(attempt.test_index), history)

    def final(self, *, gating: bool = False) -> Sequence[Verdict]:
        """The verdict of each test that came to one; of those alone that decide, if so asked."""
        harmless = self._quarantined if gating else set()
        judged = (
            judge(verdicts) for index, verdicts in self.verdicts.items() if index not in harmless
        )
        return [verdict for verdict in judged if verdict is not None]

    @property
    def has_failed_enough(self) -> bool:
        """Whether the suite asked to stop after so many failures."""
        if not self.max_failures:
            return False
        counting = self.verdicts.keys() - self._quarantined
        judged = (judge(self._of_this_round(index)) for index in counting)
        return (
            sum(verdict is not None and verdict.is_bad for verdict in judged) >= self.max_failures
        )

    @property
    def _quarantined(self) -> set[int]:
        return {case.index for case in self.cases if case.quarantined is not None}

    def _of_this_round(self, test_index: int) -> Sequence[Verdict]:
        return self.verdicts.get(test_index, [])[self.earlier.get(test_index, 0) :]
