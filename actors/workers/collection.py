"""What pytest found in a suite, as it came over the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.domain.attempt import AttemptResult, Failure, Phase, Verdict
from harness.domain.capped_text import cut_name
from harness.domain.foreign_id import ID_BYTES
from harness.domain.ids import TestId
from harness.domain.suite import TestCase
from harness.domain.work import Broken, Collected


@dataclass(frozen=True, slots=True)
class Collection:
    """Tests in order, and what could not be collected."""

    cases: Sequence[TestCase]
    broken: Sequence[Broken]
    deselected: int
    max_failures: int
    run_broken: bool
    forkable: bool
    measured: bool = False
    """Whether pytest-cov measures; processes that collect by themselves would erase its data."""

    @property
    def ids(self) -> Sequence[TestId]:
        """Of the tests, in order."""
        return [case.id for case in self.cases]

    def collected(self, seconds: float) -> Collected:
        """What the scheduler gets to know."""
        doubled = len(self.cases) - len({case.id for case in self.cases})
        return Collected(
            cases=self.cases,
            broken=self.broken,
            deselected=self.deselected,
            max_failures=self.max_failures,
            run_broken=self.run_broken,
            seconds=seconds,
            warning=f"{doubled} test ids occur more than once" if doubled else "",
        )


def collection_of(message: Mapping[str, Any]) -> Collection:  # Any: JSON of our own package
    """The collection that a `collected` message tells."""
    cases = [
        TestCase(_id(node), index, file, line, group)
        for index, (node, file, line, group) in enumerate(message["tests"])
    ]
    broken = [_broken(error, len(cases) + offset) for offset, error in enumerate(message["errors"])]
    return Collection(
        cases,
        broken,
        message["deselected"],
        message["maxfail"],
        message["run_broken"],
        message["forkable"],
        message["measured"],
    )


def _id(node: str) -> TestId:
    """The node id; of one that no index of a database takes, as much as tells it from others."""
    return TestId(cut_name(node, ID_BYTES))


def _broken(error: Mapping[str, Any], index: int) -> Broken:  # Any: JSON of our own package
    node = error["nodeid"] or "(the whole suite)"
    case = TestCase(_id(node), index, node.partition("::")[0][:ID_BYTES])
    if error["skipped"]:
        phase = Phase("collect", "skipped", reason=error["reason"])
        return Broken(case, AttemptResult(Verdict.SKIPPED, phases=(phase,)))
    failure = Failure(error["exception"], error["message"], text=error["text"])
    return Broken(
        case, AttemptResult(Verdict.FAILED, phases=(Phase("collect", "failed", failure=failure),))
    )
