"""What the scheduler remembers of a run; all of it can be read back from the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.domain.attempt import Attempt, AttemptResult, AttemptState, Verdict
from harness.domain.ids import AttemptId, LeaseId, TestId
from harness.domain.plan import Plan
from harness.domain.results import judge
from harness.domain.run import Run
from harness.domain.suite import TestCase

INFRASTRUCTURE_RETRIES = 2
"""How often a test is attempted again because the infrastructure failed it."""


@dataclass(slots=True)
class ActiveRun:
    """The waiting and the running attempts of one run."""

    cases: Sequence[TestCase]
    plan: Plan
    retries: int
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
        workers: int,
    ) -> "ActiveRun":
        """The state that these stored attempts amount to."""
        queued = {a.test_index for a in attempts if a.state is AttemptState.QUEUED}
        plan = Plan(cases, seconds, workers)
        plan.drop()
        plan.put(queued)
        active = cls(cases, plan, run.request.retries)
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
        seen = self._of_this_round(attempt.test_index)
        if not seen:
            return False
        if seen[-1] is Verdict.ERRORED:
            return seen.count(Verdict.ERRORED) <= INFRASTRUCTURE_RETRIES
        return seen[-1].is_bad and sum(v.is_bad for v in seen) <= self.retries

    def final(self) -> Sequence[Verdict]:
        """The verdict of each test that came to one."""
        judged = (judge(verdicts) for verdicts in self.verdicts.values())
        return [verdict for verdict in judged if verdict is not None]

    @property
    def has_failed_enough(self) -> bool:
        """Whether the suite asked to stop after so many failures."""
        if not self.max_failures:
            return False
        judged = (judge(self._of_this_round(index)) for index in self.verdicts)
        return (
            sum(verdict is not None and verdict.is_bad for verdict in judged) >= self.max_failures
        )

    def _of_this_round(self, test_index: int) -> Sequence[Verdict]:
        return self.verdicts.get(test_index, [])[self.earlier.get(test_index, 0) :]
