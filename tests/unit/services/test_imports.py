"""Results from elsewhere become runs like any other, over a real record store."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.domain.attempt import AttemptState, Verdict
from harness.domain.foreign import DEFAULT_LIMITS
from harness.domain.ids import Digest, TenantId
from harness.domain.imported_run import ImportOrder
from harness.domain.junit import junit_xml
from harness.domain.principal import Principal, Role
from harness.domain.quarantine import Quarantine
from harness.domain.report_archive import ReportArchive, sheltered
from harness.domain.report_format import ReportFormat
from harness.domain.reports import read_reports
from harness.domain.run import Reason, Run, RunState
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import Conflict, HarnessError, InvalidInput, NotFound, StorageFull, TooLarge
from harness.events.envelope import verify_chain
from harness.ports.doorbell import SilentDoorbell
from harness.services.analytics import Analytics
from harness.services.imports import Imports
from harness.services.quotas import Quotas
from harness.services.runs import Runs
from harness.services.secrets import Secrets
from harness.stores.file_artifacts import FileArtifacts
from harness.stores.sql.records import SqlRecords
from tests.fakes.entropy import FakeEntropy
from tests.unit.domain import junit_dialects as dialects

KEYS = st.sampled_from(
    [
        *("uuid", "name", "fullName", "historyId", "status", "statusDetails", "message", "start"),
        *("stop", "labels", "value", "parameters", "attachments", "source", "steps", "children"),
        *("afters",),
    ]
)
ANN = Principal("ann", TenantId("default"), Role.MEMBER)


class House:
    """The control plane over stores of its own."""

    def __init__(self, folder: Path) -> None:
        self.records = SqlRecords(f"sqlite:///{folder / 'r.db'}", FakeEntropy("e"))
        self.records.migrate()
        self.artifacts = FileArtifacts(folder / "artifacts")
        quotas, doorbell = Quotas(self.records), SilentDoorbell()
        self.imports = Imports(self.records, self.artifacts, FakeEntropy("i"), doorbell)
        secrets = Secrets(self.records, self.records.secrets(b"key"))
        self.runs = Runs(self.records, self.artifacts, FakeEntropy("r"), doorbell, quotas, secrets)
        self.analytics = Analytics(self.records, FakeEntropy("a"))

    def order(self, upload: str | bytes | Mapping[str, str], **told: str) -> ImportOrder:
        content = a_tar(upload) if isinstance(upload, Mapping) else upload
        content = content.encode() if isinstance(content, str) else content
        digest, _ = self.artifacts.put(DEFAULT_SCOPE, io.BytesIO(content), max_bytes=1 << 30)
        return replace(ImportOrder(digest, suite="shop"), **told)  # type: ignore[arg-type]

    def take(
        self, upload: str | bytes | Mapping[str, str], key: str | None = None, **told: str
    ) -> Run:
        return self.imports.accept(DEFAULT_SCOPE, self.order(upload, **told), ANN, key)

    def verdicts(self, run: Run) -> dict[str, str]:
        tests = self.runs.results(DEFAULT_SCOPE, run.id).tests
        return {test.case.id: str(test.verdict) for test in tests}


def a_tar(files: Mapping[str, str]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(mode="w", fileobj=file) as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return file.getvalue()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    with closing(house.records):
        yield house


def test_import_is_a_run_that_ended(house: House) -> None:
    run = house.take(dialects.SUREFIRE, release="abc", environment="staging", name="TEST-x.xml")
    assert (run.state, run.collected, run.request.release) == (RunState.FAILED, 4, "abc")
    assert run.request.is_imported
    assert run.request.labels == {"ath.imported": "junit"}
    assert run.request.environment is not None
    assert run.request.environment.name == "staging"
    assert run.message == "Imported from junit."
    assert house.runs.get(DEFAULT_SCOPE, run.id) == run
    assert house.verdicts(run) == {
        "shop.BasketTest::addsUp": "passed",
        "shop.BasketTest::isSlow": "flaky",
        "shop.BasketTest::isShared": "skipped",
        "shop.BasketTest::isEmptied": "failed",
    }
    attempts = [a for t in house.runs.results(DEFAULT_SCOPE, run.id).tests for a in t.attempts]
    assert {attempt.state for attempt in attempts} == {AttemptState.FINISHED}
    refs = house.runs.artifact_refs(DEFAULT_SCOPE, run.id)
    assert [(ref.name, ref.size) for ref in refs] == [
        ("import/TEST-x.xml", len(dialects.SUREFIRE.encode()))
    ]


def test_its_events_are_a_whole_chain(house: House) -> None:
    run = house.take(dialects.GRADLE)
    events = house.runs.events(DEFAULT_SCOPE, run.id)
    assert verify_chain(events) == run.chain_head
    assert [event.type for event in events] == [
        "ath.run.submitted.v1",
        "ath.run.collected.v1",
        "ath.attempt.finished.v1",
        "ath.attempt.finished.v1",
        "ath.run.finished.v1",
    ]
    assert events[-1].data["counts"] == {"flaky": 1}


def test_analytics_take_it_as_any_run(house: House) -> None:
    for _ in range(4):
        run = house.take(dialects.SUREFIRE)
        house.analytics.on_events(house.records.outbox(1000))
        events = house.records.outbox(1000)
        house.records.published([event.id for event in events])
    failures = house.runs.failures(DEFAULT_SCOPE, run.id)
    assert {cluster.size for _, cluster in failures} == {4, 8}
    assert house.runs.assessment(DEFAULT_SCOPE, run.id) is not None
    with house.records.transaction(DEFAULT_SCOPE) as tx:
        ids = [test.case.id for test in house.runs.results(DEFAULT_SCOPE, run.id).tests]
        histories = {h.test_id: (h.runs, h.failed, h.flaky) for h in tx.tests.histories("", ids)}
    assert sorted(histories.values()) == [(4, 0, 0), (4, 0, 4), (4, 4, 0)]


def test_pytest_results_have_the_ids_of_runs_executed_here(house: House) -> None:
    run = house.take(dialects.PYTEST)
    assert "tests/test_a.py::TestX::test_m[a::b]" in house.verdicts(run)
    assert run.request.labels["ath.tool"] == "pytest"
    assert "pytest's JUnit hides (2)" in run.message


def test_a_key_gives_the_same_run_and_no_other(house: House) -> None:
    first = house.take(dialects.GO, key="k")
    assert house.take(dialects.GO, key="k") == first
    assert len(house.runs.page(DEFAULT_SCOPE)) == 1
    for upload, told in ((dialects.JEST, {}), (dialects.GO, {"release": "r"})):
        with pytest.raises(Conflict, match="used for another import"):
            house.take(upload, key="k", **told)
    assert house.take(dialects.GO).id != first.id


def test_a_key_whose_import_failed_may_be_used_again(house: House) -> None:
    with pytest.raises(InvalidInput):
        house.take("<testsuite>", key="k")
    assert house.take(dialects.GO, key="k").state is RunState.FAILED


def test_a_damaged_report_leaves_no_run(house: House) -> None:
    with pytest.raises(InvalidInput, match=r"b\.xml is damaged at line 1"):
        house.take({"a.xml": dialects.GO, "b.xml": "<testsuite><testcase>"})
    assert house.runs.page(DEFAULT_SCOPE) == []


def test_a_store_without_room_leaves_no_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageFull("No room.")

    files = {"r.xml": dialects.PLAYWRIGHT, "test-results/shop-one/basket.txt": "full"}
    order = house.order(files)
    monkeypatch.setattr(house.artifacts, "put", full)
    with pytest.raises(StorageFull):
        house.imports.accept(DEFAULT_SCOPE, order, ANN)
    assert house.runs.page(DEFAULT_SCOPE) == []


def test_imported_tests_cannot_be_executed_here(house: House) -> None:
    run = house.take(dialects.GO)
    with pytest.raises(InvalidInput, match="was imported, so its tests cannot be executed here"):
        house.runs.rerun(DEFAULT_SCOPE, run.id, ANN)
    assert house.runs.cancel(DEFAULT_SCOPE, run.id, ANN) == run
    assert house.records.active_runs() == []


def test_nobody_else_may_say_that_a_run_was_imported(house: House) -> None:
    run = house.take(dialects.GO)
    with pytest.raises(InvalidInput, match=r"'ath\.imported' is the platform's own"):
        house.runs.submit(DEFAULT_SCOPE, run.request, ANN)


def test_attachments_come_along_and_no_path_leads_out(house: House) -> None:
    files = {
        "out/r.xml": dialects.PLAYWRIGHT,
        "out/test-results/shop-one/basket.txt": "full",
        "etc/passwd": "not this",
    }
    run = house.take(files)
    first = house.runs.results(DEFAULT_SCOPE, run.id).tests[0].attempts[0]
    assert first.result is not None
    (ref,) = first.result.artifacts
    assert ref.name == f"tests/0/{first.id[-6:]}/basket.txt"
    assert b"".join(house.artifacts.read(DEFAULT_SCOPE, ref.digest)) == b"full"
    assert "does not hold were left out (1)" in run.message
    names = {ref.name for ref in house.runs.artifact_refs(DEFAULT_SCOPE, run.id)}
    assert names == {ref.name, "import/report"}


def an_allure_result(number: int, status: str, **more: object) -> str:
    return json.dumps(
        {
            "uuid": f"u{number}",
            "historyId": "h",
            "name": "test_p[[z]]",
            "fullName": "test_a.TestX#test_p",
            "status": status,
            "start": 1795635095000 + number,
            "stop": 1795635095500 + number,
            "statusDetails": {"message": "E: no", "trace": "test_a.py:7: E"},
            "labels": [
                {"name": "framework", "value": "pytest"},
                {"name": "tag", "value": "slow"},
                {"name": "tag", "value": "big"},
            ],
            **more,
        }
    )


def test_allure_results_are_attempts_in_the_order_of_their_starts(house: House) -> None:
    attachments = [
        {"name": "shot", "source": "s-attachment.png", "type": "image/png"},
        {"name": "out", "source": "../r.xml", "type": "text/plain"},
    ]
    steps = [{"name": "open", "status": "passed", "steps": [{"name": "look"}]}]
    torn = {"name": "db", "status": "broken", "statusDetails": {"message": "late"}}
    run = house.take(
        {
            "a/2-result.json": an_allure_result(2, "passed"),
            "a/1-result.json": an_allure_result(1, "broken", attachments=attachments, steps=steps),
            "a/1-container.json": json.dumps({"children": ["u1"], "afters": [torn]}),
            "a/s-attachment.png": "picture",
            "r.txt": "not this",
        }
    )
    (test,) = house.runs.results(DEFAULT_SCOPE, run.id).tests
    assert (test.case.id, test.verdict) == ("test_a.py::TestX::test_p[[z]]", Verdict.FLAKY)
    first = test.attempts[0].result
    assert first is not None
    assert [(phase.name, phase.failure and phase.failure.message) for phase in first.phases] == [
        ("call", "E: no"),
        ("teardown", "late"),
    ]
    assert (first.seconds, first.properties) == (0.5, {"tag": "slow big"})
    assert first.sections == (("steps", "passed  open\n  -  look"),)
    assert [(ref.name.rpartition("/")[2], ref.media_type) for ref in first.artifacts] == [
        ("s-attachment.png", "image/png")
    ]


def test_reports_of_several_formats_are_one_run(house: House) -> None:
    ctrf = json.dumps({"results": {"tests": [{"name": "n", "status": "passed", "duration": 5}]}})
    files = {"a.xml": dialects.GO, "b.json": ctrf, "pom.xml": "<project/>", "c.json": "{}",
             "tsconfig.json": "{ // why\n}", "Makefile": "all:"}  # fmt: skip
    run = house.take(files)
    assert run.collected == 4
    assert run.request.labels["ath.imported"] == "ctrf junit"
    assert "pom.xml is no JUnit XML" in run.message
    assert house.take(files, format=ReportFormat.CTRF).collected == 1


def test_a_report_without_suffix_brings_its_attachments(house: House) -> None:
    found = {"junit": dialects.PLAYWRIGHT, sheltered("test-results/shop-one/basket.txt"): "full"}
    assert len(house.runs.artifact_refs(DEFAULT_SCOPE, house.take(found).id)) == 2


def test_a_test_in_two_reports_has_the_attempts_of_both(house: House) -> None:
    late = (
        dialects.GRADLE.replace("2026", "2027")
        .replace("<failure", "<skipped")
        .replace("</failure", "</skipped")
    )
    run = house.take({"a.xml": late, "b.xml": dialects.GRADLE})
    (test,) = house.runs.results(DEFAULT_SCOPE, run.id).tests
    assert [str(a.result.verdict) for a in test.attempts if a.result] == [
        *("failed", "passed", "skipped", "passed"),
    ]


def test_a_report_without_tests_is_inconclusive(house: House) -> None:
    run = house.take("<testsuites/>")
    assert (run.state, run.reason) == (RunState.INCONCLUSIVE, Reason.NO_TESTS)


def test_a_test_that_was_not_run_says_so(house: House) -> None:
    run = house.take('<testsuite><testcase name="t" status="notrun"/></testsuite>')
    assert house.verdicts(run) == {"t": "cancelled"}
    assert run.state is RunState.INCONCLUSIVE


def test_quarantined_tests_decide_nothing_here_either(house: House) -> None:
    with house.records.transaction(DEFAULT_SCOPE) as tx:
        tx.quarantines.put(Quarantine("shop.BasketTest::isEmpt*", "known", "ann", tx.now()))
    assert house.take(dialects.SUREFIRE).state is RunState.PASSED


def test_an_upload_without_reports_is_refused(house: House) -> None:
    with pytest.raises(InvalidInput, match="There is no report to import"):
        house.take({"a.txt": "x", "b.txt": "y"})
    with pytest.raises(InvalidInput, match=r"report is no JUnit XML: it begins with <html>"):
        house.take("<html/>")
    with pytest.raises(NotFound):
        house.imports.accept(DEFAULT_SCOPE, replace(house.order("x"), upload=Digest("0" * 64)), ANN)


def test_reports_together_are_bounded() -> None:
    upload = io.BytesIO(a_tar({"a.xml": dialects.GO, "b.xml": dialects.GO}))
    limits = replace(DEFAULT_LIMITS, bytes=len(dialects.GO) + 100)
    with pytest.raises(TooLarge, match="more than 0 MiB together"):
        read_reports(ReportArchive(upload, "upload"), None, limits)


def test_export_of_an_import_reads_as_it_was_imported(house: House) -> None:
    run = house.take(dialects.SUREFIRE)
    document = b"".join(junit_xml(house.runs.results(DEFAULT_SCOPE, run.id)))
    again = house.take(document)
    assert house.verdicts(again) == house.verdicts(run)


words = st.sampled_from([*"abc", "passed", "broken", "name", "status", "steps", "h", "pytest"])
leaves = st.none() | st.floats(allow_nan=False) | words
branches = st.lists(leaves, max_size=3) | st.dictionaries(KEYS, leaves, max_size=5)
trees = st.lists(branches, max_size=3) | st.dictionaries(KEYS, branches | leaves, max_size=5)
values = leaves | branches | trees


@given(st.lists(st.dictionaries(KEYS, values, max_size=8), max_size=3), st.binary(max_size=50))
@settings(max_examples=200, deadline=None)
def test_any_allure_results_give_tests_or_our_error(found: list[object], rest: bytes) -> None:
    files = {f"{n}-result.json": json.dumps(each) for n, each in enumerate(found)}
    files |= {f"{n}-container.json": json.dumps(each) for n, each in enumerate(found)}
    upload = io.BytesIO(a_tar(files | {"x.xml": rest.decode("latin-1"), "y.json": "{}"}))
    try:
        reports = read_reports(ReportArchive(upload, "upload"))
    except HarnessError:
        return
    tests = reports.results.tests
    assert len({test.id for test in tests}) == len(tests)
    assert sum(len(test.attempts) for test in tests) == len(found)
