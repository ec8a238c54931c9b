"""Reports on their way to a real server, and what of a folder goes with them."""

import io
import tarfile
from pathlib import Path

import httpx
import pytest

from api.services import ApiSettings
from harness.client import Client
from harness.client.report_pack import Pack, pack
from harness.domain.attempt import Verdict
from harness.domain.ctrf_reader import read_ctrf
from harness.domain.run import RunState
from harness.errors import InvalidInput, NotFound, TooLarge
from tests.unit.api.world import World, make_world
from tests.unit.domain import junit_dialects as dialects


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def packed(*paths: Path, max_bytes: int = 1 << 30) -> tuple[Pack, list[str]]:
    file = io.BytesIO()
    done = pack(paths, file, max_bytes)
    assert done.size == len(file.getvalue())
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        return done, tar.getnames()


def test_results_come_back_as_those_of_a_run(client: Client, tmp_path: Path) -> None:
    report = put(tmp_path, {"s.xml": dialects.SUREFIRE}) / "s.xml"
    sent = client.imports.send([report], suite="shop", release="abc", environment="staging")
    assert (sent.run.state, sent.run.request.release) == (RunState.FAILED, "abc")
    assert sent.run.request.argv == ("ath", "import", "s.xml")
    found = client.runs.results(sent.run.id)
    assert [str(test.verdict) for test in found.tests] == ["passed", "flaky", "skipped", "failed"]
    assert client.runs.highlights(sent.run.id).counts[Verdict.FLAKY] == 1
    again = read_ctrf(io.BytesIO(client.runs.ctrf(sent.run.id)))
    assert [test.verdict for test in again.tests] == [test.verdict for test in found.tests]


def test_the_same_key_gives_the_same_run(client: Client, tmp_path: Path) -> None:
    report = put(tmp_path, {"g.xml": dialects.GO}) / "g.xml"
    first = client.imports.send([report], idempotency_key="k")
    assert client.imports.send([report], idempotency_key="k").run == first.run


def test_a_report_takes_along_what_it_names_beside_it(client: Client, tmp_path: Path) -> None:
    files = {"r.xml": dialects.PLAYWRIGHT, "test-results/shop-one/basket.txt": "full"}
    sent = client.imports.send([put(tmp_path, files) / "r.xml"])
    assert sent.notes == (
        "../../etc/passwd is named by r.xml but not in its folder; it was left out.",
    )
    names = [ref.name.rpartition("/")[2] for ref in client.runs.artifacts(sent.run.id)]
    assert names == ["r.xml", "basket.txt"]


def test_a_damaged_report_is_refused_before_it_is_sent(client: Client, tmp_path: Path) -> None:
    report = put(tmp_path, {"d.xml": dialects.GO[:500]}) / "d.xml"
    with pytest.raises(InvalidInput, match=r"d\.xml is damaged at line 9"):
        client.imports.send([report])
    with pytest.raises(NotFound, match="There is no report"):
        client.imports.send([tmp_path / "none.xml"])


def test_a_folder_is_taken_without_hidden_files_and_links_out_of_it(tmp_path: Path) -> None:
    files = {"a/1-result.json": "{}", "a/x.txt": "", ".env": "secret", ".git/config": "",
             "node_modules/m/x.xml": ""}  # fmt: skip
    folder = put(tmp_path / "folder", files)
    (folder / "passwd").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder)
    (folder / "inside").symlink_to(folder / "a/x.txt")
    done, names = packed(folder)
    assert names == ["inside", "a/1-result.json", "a/x.txt"]
    assert done.notes == (f"passwd is a link out of {folder}; it was left out.",)


def test_hidden_files_do_not_travel_because_a_report_names_them(tmp_path: Path) -> None:
    named = "<testsuite><testcase><system-out>[[ATTACHMENT|.env]]</system-out></testcase>"
    files = {"r.xml": f"{named}</testsuite>", ".env": "secret"}
    done, names = packed(put(tmp_path, files) / "r.xml")
    assert (names, len(done.notes)) == (["r.xml"], 1)


def test_several_paths_keep_apart(tmp_path: Path) -> None:
    put(tmp_path, {"one/r.xml": dialects.GO, "two/r.xml": dialects.JEST})
    assert packed(tmp_path / "one/r.xml", tmp_path / "two")[1] == ["0/r.xml", "1/r.xml"]


def test_too_much_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {"r.xml": dialects.GO})
    with pytest.raises(TooLarge, match="more than 0 MiB"):
        packed(tmp_path, max_bytes=100)


@pytest.mark.parametrize("chunked", [True, False])
def test_the_server_counts_too(tmp_path: Path, chunked: bool) -> None:
    world: World = make_world(tmp_path, ApiSettings(max_import_bytes=1000))
    content = b"x" * 2000
    with world.serving() as url:
        answer = httpx.post(
            f"{url}/v1/projects/default/imports",
            content=iter([content]) if chunked else content,
            headers={"Authorization": f"Bearer {world.member}"},
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_only_members_import(world: World) -> None:
    with world.serving() as url:
        for key, status in ((world.viewer, 403), (world.stranger, 201)):
            answer = httpx.post(
                f"{url}/v1/projects/default/imports?name=g.xml",
                content=dialects.GO,
                headers={"Authorization": f"Bearer {key}"},
            )
            assert answer.status_code == status
    assert world.services.runs.page(world.submit().scope, limit=9, state=RunState.FAILED) == []


def test_a_report_may_come_by_curl(world: World) -> None:
    with world.serving() as url:
        answer = httpx.post(
            f"{url}/v1/projects/default/imports",
            params={"name": "g.xml", "suite": "shop", "format": "junit"},
            content=dialects.GO.encode(),
            headers={"Authorization": f"Bearer {world.member}", "Idempotency-Key": "k"},
        )
        wrong = httpx.post(
            f"{url}/v1/projects/default/imports",
            content=b"<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite/>",
            headers={"Authorization": f"Bearer {world.member}"},
        )
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/projects/default/runs/{answer.json()['id']}"
    assert answer.json()["request"]["suite"]["folder"] == "shop"
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_input")
    assert "document type" in wrong.json()["detail"]


def test_who_follows_an_import_waits_for_its_assessment(tmp_path: Path) -> None:
    world = make_world(tmp_path, ApiSettings(stream_seconds=0.05, poll_seconds=0.01))
    headers = {"Authorization": f"Bearer {world.member}", "Accept": "text/event-stream"}
    with world.serving() as url:
        runs = f"{url}/v1/projects/default"
        run = httpx.post(f"{runs}/imports", content=dialects.GO, headers=headers).json()
        assert run["finished_at"] < run["created_at"]
        # Nothing more is to come of a run that ended long ago and was not assessed.
        answer = httpx.get(f"{runs}/runs/{run['id']}/events?after={run['seq']}", headers=headers)
    assert answer.status_code == 200
