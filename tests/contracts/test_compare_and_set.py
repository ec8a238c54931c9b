"""Two writers in any order against a model: nothing is given twice, nothing is lost."""

from itertools import count
from typing import TYPE_CHECKING, Literal, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.domain.attempt import Attempt, AttemptState
from harness.domain.ids import AttemptId, LeaseId
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Conflict
from harness.events.envelope import verify_chain
from harness.events.facts import CancelRequested
from harness.ports.records import Records
from tests.support.samples import SUBMITTED, a_case, a_result, a_run

if TYPE_CHECKING:
    from harness.domain.run import Run

WRITERS = ("ann", "bob")
TESTS = range(4)
Action: TypeAlias = Literal["lease", "finish", "release", "save"]
Step: TypeAlias = tuple[Action, str, list[int]]

ACTIONS: st.SearchStrategy[Action] = st.sampled_from(["lease", "finish", "release", "save"])
STEPS = st.lists(
    st.tuples(ACTIONS, st.sampled_from(WRITERS), st.lists(st.sampled_from(TESTS), unique=True)),
    max_size=15,
)
NUMBERS = count(1)


class Model:
    """What must be true of one run, kept in plain variables beside the store."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.holders: dict[int, str] = dict.fromkeys(TESTS, "queue")
        with records.transaction(DEFAULT_SCOPE) as tx:
            self.run = tx.runs.add(a_run(next(NUMBERS)), [SUBMITTED])
            tx.attempts.add([self.attempt(index) for index in TESTS])
        self.seen: dict[str, Run] = dict.fromkeys(WRITERS, self.run)

    def step(self, action: Action, writer: str, tests: list[int]) -> None:
        match action:
            case "save":
                self.save(writer)
            case "lease":
                self.move(action, writer, [t for t in tests if self.holders[t] == "queue"], tests)
            case "finish":
                self.move(action, writer, [t for t in tests if self.holders[t] == writer], tests)
            case "release":
                held = [t for t in TESTS if self.holders[t] == writer]
                self.move(action, writer, held, tests)

    def move(self, action: Action, writer: str, expected: list[int], tests: list[int]) -> None:
        lease, wanted = LeaseId(writer + self.run.id), [self.attempt(test).id for test in tests]
        with self.records.transaction(DEFAULT_SCOPE) as tx:
            if action == "lease":
                moved, target = tx.attempts.lease(wanted, lease), writer
            elif action == "finish":
                moved, target = tx.attempts.finish(dict.fromkeys(wanted, a_result()), lease), "end"
            else:
                moved, target = [each.id for each in tx.attempts.release(lease)], "queue"
        assert moved == [self.attempt(test).id for test in expected]
        self.holders.update(dict.fromkeys(expected, target))

    def save(self, writer: str) -> None:
        is_fresh = self.seen[writer].version == self.run.version
        try:
            with self.records.transaction(DEFAULT_SCOPE) as tx:
                saved = tx.runs.save(self.seen[writer], [CancelRequested(writer, "")] * 2)
        except Conflict:
            assert not is_fresh
            saved = self.run
        else:
            assert is_fresh
        self.seen[writer] = self.run = saved

    def check(self) -> None:
        with self.records.transaction(DEFAULT_SCOPE) as tx:
            assert tx.runs.get(self.run.id) == self.run
            events = tx.runs.events(self.run.id)
            ended = tx.attempts.of_run(self.run.id, state=AttemptState.FINISHED)
            waiting = tx.attempts.of_run(self.run.id, state=AttemptState.QUEUED)
        assert verify_chain(events) == self.run.chain_head
        assert len(events) == self.run.seq == 1 + 2 * self.run.version
        assert [each.test_index for each in ended] == self.held_by("end")
        assert [each.test_index for each in waiting] == self.held_by("queue")

    def held_by(self, holder: str) -> list[int]:
        return [test for test in TESTS if self.holders[test] == holder]

    def attempt(self, index: int) -> Attempt:
        attempt_id = AttemptId(f"{self.run.id}-{index}")
        return Attempt(attempt_id, self.run.id, a_case(index).id, index, 1)


@given(steps=STEPS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example has its own run
)
def test_writers_in_any_order_agree_with_the_model(records: Records, steps: list[Step]) -> None:
    model = Model(records)
    for step in steps:
        model.step(*step)
    model.check()
