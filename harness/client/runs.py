"""Runs as a program uses them: submit, follow, wait, read what came of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from harness.client.connection import Connection, Params
from harness.client.decode import decode, decode_run
from harness.client.stream import Stream, Until
from harness.domain.assessment import Assessment
from harness.domain.attempt import ArtifactRef, Attempt, Verdict
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import RunId, TestId
from harness.domain.results import RunResults, TestOutcome
from harness.domain.run import Run, RunRequest, RunState
from harness.domain.suite import TestCase
from harness.errors import NotFound
from harness.events.envelope import Event
from harness.ports.entropy import Entropy, SystemEntropy

PAGE = 200
TESTS_PAGE = 5000
NOTEWORTHY = (Verdict.FAILED, Verdict.TIMED_OUT, Verdict.ERRORED, Verdict.FLAKY)
Reply = dict[str, Any]  # Any: JSON of the API, decoded by the caller


@dataclass(frozen=True, slots=True)
class Highlights:
    """What there is to say of a run's tests."""

    counts: Mapping[Verdict, int]
    """Of all tests."""
    tests: Sequence[TestOutcome]
    """Those that did not simply pass, were skipped or cancelled."""

    @classmethod
    def of(cls, counts: Mapping[Verdict, int]) -> "Highlights | None":
        """What these counts already tell; None when tests have to be looked at."""
        bad = any(counts.get(verdict) for verdict in NOTEWORTHY)
        return None if bad or not counts else cls(counts, ())


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of a project. Every call may be repeated and is, while the API restarts."""

    connection: Connection
    path: str
    entropy: Entropy = field(default_factory=SystemEntropy)

    def submit(self, request: RunRequest, idempotency_key: str | None = None) -> Run:
        """Submit a run; the same key gives the same run.

        Raises:
            InvalidInput: the request cannot be executed as it stands; names the field.
            NotFound: the suite was not uploaded.
            Conflict: the key was used for another request.
        """
        headers = {"Idempotency-Key": idempotency_key or self.entropy.new_id()}
        response = self.connection.call("POST", self.path, json=asdict(request), headers=headers)
        return decode_run(response.json())

    def get(self, run_id: RunId) -> Run:
        """The run as it stands.

        Raises:
            NotFound: no such run in the project.
        """
        return decode_run(self._json(run_id))

    def list(self, *, state: RunState | None = None, limit: int = PAGE) -> Sequence[Run]:
        """Up to `limit` runs, newest first."""
        return list(islice(self._all(state), limit))

    def ahead(self, run_id: RunId) -> int | None:
        """About how many runs are served before this one; None when it does not wait."""
        found = self._json(run_id).get("ahead")
        return found if isinstance(found, int) else None

    def cancel(self, run_id: RunId, why: str = "") -> Run:
        """Ask the run to stop; gives it as it stands. A run that ended stays as it is."""
        response = self.connection.call("POST", f"{self.path}/{run_id}/cancel", json={"why": why})
        return decode_run(response.json())

    def rerun(
        self, run_id: RunId, tests: Sequence[TestId] = (), idempotency_key: str | None = None
    ) -> Run:
        """Reopen a run that ended: attempt these tests again, or all that did not pass.

        Raises:
            Conflict: the run has not ended.
            InvalidInput: there is nothing to attempt again, or a test cannot be.
        """
        headers = {"Idempotency-Key": idempotency_key or self.entropy.new_id()}
        path = f"{self.path}/{run_id}/rerun"
        response = self.connection.call("POST", path, json={"tests": list(tests)}, headers=headers)
        return decode_run(response.json())

    def events(
        self,
        run_id: RunId,
        *,
        after: int = 0,
        until: Until = "assessed",
        seconds: float | None = None,
    ) -> Iterator[Event]:
        """The run's events above seq `after` as they happen, each once, through disconnects.

        Raises:
            NotFound: no such run in the project.
            Unavailable: `seconds` passed (the run goes on), or the API was away for too long.
        """
        path = f"{self.path}/{run_id}/events"
        return iter(Stream(self.connection, path, after, until, seconds))

    def wait(
        self, run_id: RunId, *, until: Until = "finished", seconds: float | None = None
    ) -> Run:
        """The run after its end.

        Raises:
            NotFound: no such run in the project.
            Unavailable: `seconds` passed (the run goes on), or the API was away for too long.
        """
        for _ in self.events(run_id, after=self.get(run_id).seq, until=until, seconds=seconds):
            pass
        return self.get(run_id)

    def results(self, run_id: RunId, verdicts: Sequence[Verdict] = ()) -> RunResults:
        """The run with its tests, as far as they are known; all, or those with such verdicts."""
        return RunResults(self.get(run_id), tuple(self._tests(run_id, verdicts)))

    def highlights(self, run_id: RunId) -> "Highlights":
        """What a report needs; however many tests passed, it costs one request or a few."""
        counts: Mapping[str, int] = {}
        tests: list[TestOutcome] = []
        for page in self._pages(run_id, NOTEWORTHY):
            counts = page["counts"]
            tests += (_outcome(run_id, data) for data in page["tests"])
        return Highlights({Verdict(name): n for name, n in counts.items()}, tuple(tests))

    def failures(self, run_id: RunId) -> Sequence[tuple[Assignment, FailureCluster]]:
        """The run's failures with their clusters (which come without centroid and keys)."""
        page = self._json(run_id, "/failures")
        clusters = {
            data["id"]: decode(FailureCluster, data, centroid={}, keys=())
            for data in page["clusters"]
        }
        return [
            (decode(Assignment, data, run_id=run_id), clusters[data["cluster_id"]])
            for data in page["assignments"]
        ]

    def assessment(self, run_id: RunId) -> Assessment | None:
        """The readiness verdict; None until the run was assessed.

        Raises:
            NotFound: no such run in the project.
        """
        try:
            return decode(Assessment, self._json(run_id, "/assessment"))
        except NotFound:
            self.get(run_id)
            return None

    def junit(self, run_id: RunId) -> bytes:
        """The results as a JUnit document."""
        return self.connection.call("GET", f"{self.path}/{run_id}/junit.xml").content

    def ctrf(self, run_id: RunId) -> bytes:
        """The results as a CTRF report."""
        return self.connection.call("GET", f"{self.path}/{run_id}/ctrf.json").content

    def artifacts(self, run_id: RunId) -> Sequence[ArtifactRef]:
        """What the run left behind, by name; fetch the bytes with `Client.artifacts`."""
        page = self._json(run_id, "/artifacts")
        return [decode(ArtifactRef, data) for data in page["artifacts"]]

    def _json(
        self,
        run_id: RunId,
        what: str = "",
        params: Params | None = None,
    ) -> Reply:
        path = f"{self.path}/{run_id}{what}"
        reply: Reply = self.connection.call("GET", path, params=params).json()
        return reply

    def _all(self, state: RunState | None) -> Iterator[Run]:
        params: dict[str, str | int] = {"limit": PAGE} | ({"state": state} if state else {})
        while True:
            page = self.connection.call("GET", self.path, params=params).json()
            yield from (decode_run(data) for data in page["runs"])
            if page["next"] is None:
                return
            params["before"] = page["next"]

    def _tests(self, run_id: RunId, verdicts: Sequence[Verdict]) -> Iterator[TestOutcome]:
        for page in self._pages(run_id, verdicts):
            yield from (_outcome(run_id, data) for data in page["tests"])

    def _pages(self, run_id: RunId, verdicts: Sequence[Verdict]) -> Iterator[Reply]:
        after: int | None = -1
        while after is not None:
            params: Params = {
                "after": after,
                "limit": TESTS_PAGE,
                "verdict": [str(v) for v in verdicts],
            }
            page = self._json(run_id, "/tests", params)
            yield page
            after = page["next"]


def _outcome(run_id: RunId, data: Reply) -> TestOutcome:
    case = decode(TestCase, data)
    attempts = (
        decode(Attempt, attempt, run_id=run_id, test_id=case.id, test_index=case.index)
        for attempt in data["attempts"]
    )
    return TestOutcome(case, tuple(attempts))
