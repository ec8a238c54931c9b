"""The SDK against a real server."""

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from harness.client import Client
from harness.domain.assessment import Assessment, Readiness
from harness.domain.attempt import Verdict
from harness.domain.environment import Environment
from harness.domain.failure_cluster import Assignment, FailureCluster
from harness.domain.ids import ClusterId, Digest, RunId
from harness.domain.principal import Role
from harness.domain.python_environment import PythonEnvironment
from harness.domain.run import RunRequest, RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.domain.suite import SuiteVersion
from harness.errors import Conflict, InvalidInput, NotFound, TooLarge, Unauthenticated, Unavailable
from harness.events.envelope import verify_chain
from tests.unit.api.world import ANNA, World, add_key


def test_packages_survive_the_way_there_and_back(client: Client, world: World) -> None:
    packages = PythonEnvironment("sub/uv.lock", "3.12", ("test",), ("all",))
    request = RunRequest(SuiteVersion(world.suite, "suite"), ("pytest",), python=packages)
    assert client.runs.submit(request).request == request


def test_packages_and_an_interpreter_contradict_each_other(client: Client, world: World) -> None:
    suite = SuiteVersion(world.suite, "suite")
    request = RunRequest(
        suite, ("pytest",), interpreter="/bin/python", python=PythonEnvironment("r.txt")
    )
    with pytest.raises(InvalidInput, match="both an interpreter and requirements"):
        client.runs.submit(request)


def test_secrets_are_set_listed_and_deleted_by_an_operator(world: World) -> None:
    key = add_key(world.services, replace(ANNA, name="olga", role=Role.OPERATOR))
    with world.serving() as url, Client(url, key) as client:
        client.secrets.set("TOKEN", "first \n value")
        client.secrets.set("A", "other-value")
        assert [(s.name, s.updated_by) for s in client.secrets.list()] == [
            ("A", "olga"),
            ("TOKEN", "olga"),
        ]
        client.secrets.delete("A")
        with pytest.raises(NotFound):
            client.secrets.delete("A")
    values = world.services.secrets.store.values(DEFAULT_SCOPE, ["TOKEN"])
    assert values == {"TOKEN": "first \n value"}


def test_request_survives_the_way_there_and_back(client: Client, world: World) -> None:
    request = RunRequest(
        suite=SuiteVersion(world.suite, "shop tests", "api"),
        argv=("pytest", "-k", "ü and 'x'"),
        interpreter="/usr/bin/python3",
        environment=Environment(
            "stable", "http://x", ("serve", "${port}"), variables={"A": "b"}, allow=("a.example",)
        ),
        variables={"LANG": "de"},
        workers=2,
        retries=1,
        test_seconds=1.5,
        release="abc",
        labels={"team": "shop"},
        secrets=("TOKEN",),
    )
    world.services.secrets.put(DEFAULT_SCOPE, "TOKEN", "hunter2-secret", ANNA)
    run = client.runs.submit(request)
    assert run.request == request
    assert client.runs.get(run.id) == run == world.services.runs.get(run.scope, run.id)


def test_results_equal_what_the_store_holds(client: Client, world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED)
    found, held = client.runs.results(run.id), world.services.runs.results(run.scope, run.id)
    assert found == held
    only = client.runs.results(run.id, [Verdict.FAILED])
    assert [test.case.index for test in only.tests] == [1]


def test_highlights_count_all_and_hold_what_is_worth_telling(client: Client, world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED)
    found, held = client.runs.highlights(run.id), world.services.runs.results(run.scope, run.id)
    assert found.counts == held.counts()
    assert found.tests == (held.tests[1],)


def test_events_equal_what_the_store_holds(client: Client, world: World) -> None:
    run = world.finish(world.submit(), Verdict.PASSED)
    found = list(client.runs.events(run.id, until="finished"))
    assert found == list(world.services.runs.events(run.scope, run.id))
    assert verify_chain(found) == client.runs.get(run.id).chain_head
    assert list(client.runs.events(run.id, after=2, until="finished")) == []


def test_sign_in_link_shows_the_run(client: Client, world: World) -> None:
    run = world.submit()
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(client.sign_in(run.id))
        home = browser.get(client.sign_in())
    assert (page.status_code, str(page.url)) == (200, client.page(run.id))
    assert str(home.url) == f"{client.url}/ui/default"


def test_runs_are_listed_by_state(client: Client, world: World) -> None:
    runs = [world.submit() for _ in range(3)]
    client.runs.cancel(runs[1].id, "no need")
    assert [run.id for run in client.runs.list(state=RunState.CANCELLED)] == [runs[1].id]
    assert len(client.runs.list(limit=2)) == 2


def test_wait_gives_the_ended_run(client: Client, world: World) -> None:
    run = world.submit()
    world.finish(run, Verdict.FAILED)
    assert client.runs.wait(run.id).state is RunState.FAILED


def test_wait_ends_at_its_deadline(client: Client, world: World) -> None:
    run = world.submit()
    with pytest.raises(Unavailable, match=r"within 0\.2 seconds; it goes on"):
        client.runs.wait(run.id, seconds=0.2)


def test_analysis_is_decoded(client: Client, world: World) -> None:
    run = world.finish(world.submit(), Verdict.FAILED)
    verdict = Assessment(Readiness.NOT_READY, 0.9, ("It broke.",), evidence={"tests": 1.0})
    assert client.runs.assessment(run.id) is None
    with world.services.records.transaction(run.scope) as tx:
        attempt, now = tx.attempts.of_run(run.id)[0], tx.now()
        cluster = FailureCluster(ClusterId("c"), "500", {"a": 1.0}, ("k",), 1, now, now, "a1")
        mine = Assignment(run.id, attempt.id, attempt.test_id, cluster.id, 1.0, True, "new", "a1")
        tx.failures.save(cluster)
        tx.failures.assign(mine)
        tx.assessments.save(run.id, verdict)
    assert client.runs.assessment(run.id) == verdict
    [(assignment, found)] = client.runs.failures(run.id)
    assert (assignment, found.title) == (mine, "500")


def test_artifacts_are_saved_and_verified(client: Client, world: World, tmp_path: Path) -> None:
    run = world.submit()
    ref = world.link(run, "logs/a.txt", b"hello" * 1000, "text/plain")
    assert client.runs.artifacts(run.id) == [ref]
    client.artifacts.save(ref, tmp_path / "out" / "a.txt")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"hello" * 1000
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.txt"]


def test_suite_is_sent_once(client: Client, world: World, tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    folder.mkdir()
    (folder / "test_a.py").write_bytes(b"x" * 1_000_000)
    first, second = client.suites.upload(folder), client.suites.upload(folder, cwd="sub")
    assert (first.was_there, second.was_there) == (False, True)
    assert second.suite == SuiteVersion(first.suite.digest, "suite", "sub")
    stored = b"".join(world.services.artifacts.read(world.submit().scope, first.suite.digest))
    with tarfile.open(fileobj=io.BytesIO(stored)) as tar:
        assert tar.getnames() == ["test_a.py"]


def test_errors_come_back_as_they_were(client: Client, world: World, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        client.runs.get(RunId("nothing"))
    with pytest.raises(NotFound):
        client.runs.assessment(RunId("nothing"))
    with pytest.raises(InvalidInput, match="argv"):
        client.runs.submit(RunRequest(SuiteVersion(world.suite, "s"), ()))
    with pytest.raises(NotFound, match="Upload it first"):
        client.runs.submit(RunRequest(SuiteVersion(Digest("0" * 64), "s"), ("pytest",)))
    client.runs.submit(world.request("a"), idempotency_key="k")
    with pytest.raises(Conflict):
        client.runs.submit(world.request("b"), idempotency_key="k")
    with pytest.raises(TooLarge, match="biggest parts"):
        client.suites.upload(tmp_path, max_bytes=1)


def test_follower_and_submitter_outlast_a_restart(world: World) -> None:
    run = world.submit()
    with world.serving() as url:
        port = int(url.rpartition(":")[2])
        client = Client(url, world.member)
        events = client.runs.events(run.id, until="finished")
        assert next(events).seq == 1
    with ThreadPoolExecutor() as pool, client:
        submitted = pool.submit(client.runs.submit, world.request("later"))
        rest = pool.submit(list, events)
        world.finish(run, Verdict.PASSED)
        with world.serving(port):
            assert [event.seq for event in rest.result(20)] == [2]
            assert client.runs.get(submitted.result(20).id).request.argv == ("later",)


def test_unknown_key_is_refused(world: World) -> None:
    with world.serving() as url:
        with Client(url, f"ath_{'x' * 43}") as client, pytest.raises(Unauthenticated):
            client.me()
        with Client(url, world.member) as client:
            assert client.me() == ANNA
            assert client.is_ready()
    with pytest.raises(InvalidInput):
        Client(url, "ath_x\r\nX-Evil: 1")
