"""Specs and the fixture `ath` under plain pytest, in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from socket import socket
from xml.etree import ElementTree as ET

import pytest

from tests.unit.specs.world import reply, server

pytestmark = pytest.mark.process

SPEC = """\
suite: Words
owner: word-team
tags: [smoke]
secrets: [WORD_KEY]
variables: {greeting: hello}
use: [place]
tests:
  - id: greet
    title: It greets
    severity: critical
    tags: [slow-ish]
    matrix:
      one: {n: 1}
      two: {n: 2}
    steps:
      - command:
          run: [echo, "${greeting} ${matrix.n} ${fixtures.place}"]
          expect: {stdout: "hello ${matrix.n} world"}
  - id: leak
    steps:
      - name: Say the key
        command: {run: [echo, "${secrets.WORD_KEY}"], expect: {stdout: nothing}}
  - id: later
    skip: not yet
    steps:
      - command: {run: ["false"]}
"""
CONFTEST = """\
import json
import pytest

@pytest.fixture
def place():
    return "world"

@pytest.fixture(params=["left", "right"])
def side(request):
    return request.param

@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish(nodeid):
    pass

def pytest_runtest_teardown(item):
    item.config.stash_of_items = getattr(item.config, "stash_of_items", []) + [item]

def pytest_sessionfinish(session):
    found = {i.nodeid: i._ath_steps for i in getattr(session.config, "stash_of_items", [])
             if hasattr(i, "_ath_steps")}
    with open("steps.json", "w") as file:
        json.dump(found, file)
"""
TWIN = """\
import pytest

@pytest.mark.ath(id="T1", owner="me", tags=["quick"])
def test_twin(ath):
    key = ath.secret("WORD_KEY")
    with ath.step("look"):
        with ath.step("closer"):
            assert key == "other"
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "words.ath.yaml").write_text(SPEC)
    (tmp_path / "test_twin.py").write_text(TWIN)
    return tmp_path


ASKS = """\
import pytest

def test_asks(ath):
    answer = ath.api.get("/goods", query={"page": 2}, headers={"X-A": "b"})
    assert (answer.status, answer.json(), answer.headers["x-id"]) == (200, {"a": 1}, "7")
    assert answer.text and answer.seconds < 20
    answer.expect(status=200, json={"$.a": 1}).expect(json={"$.a": {"min": 5}})

def test_wrong_word(ath):
    ath.api.post("/goods", jsn={"a": 1})
"""


def run(suite: Path, *argv: str, code: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
    command = ["-c", code] if code else ["-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"]
    env = {"PATH": "/usr/bin:/bin", "WORD_KEY": "open-sesame", "COLUMNS": "200", **more}
    return subprocess.run(
        [sys.executable, *command, *argv],
        cwd=suite, env=env, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip


def collected(suite: Path, *argv: str) -> list[str]:
    found = run(suite, "--collect-only", *argv).stdout.splitlines()
    return [line for line in found if "::" in line]


def steps(suite: Path) -> Mapping[str, list[dict[str, object]]]:
    found: Mapping[str, list[dict[str, object]]] = json.loads((suite / "steps.json").read_text())
    return found


def test_specs_are_collected_beside_tests_with_ids_that_last(suite: Path) -> None:
    expected = [
        "specs/words.ath.yaml::greet[one]",
        "specs/words.ath.yaml::greet[two]",
        "specs/words.ath.yaml::leak",
        "specs/words.ath.yaml::later",
    ]
    assert collected(suite) == [*expected, "test_twin.py::test_twin"]
    renamed = SPEC.replace("It greets", "Another title").replace(
        "      - name: Say", "      - name: Do"
    )
    (suite / "specs" / "words.ath.yaml").write_text(renamed)
    assert collected(suite, "specs") == expected


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (["-m", "smoke and slow-ish"], 2),
        (["-m", "quick"], 1),
        (["-m", "ath(owner='word-team')"], 4),
        (["-k", "greet and two"], 1),
        (["specs/words.ath.yaml::leak"], 1),
        (["specs/words.ath.yaml::greet[two]"], 1),
        (["--deselect", "specs/words.ath.yaml::greet"], 3),
    ],
)
def test_selection_works_as_for_any_test(suite: Path, selection: list[str], found: int) -> None:
    assert len(collected(suite, "--strict-markers", "-W", "error", *selection)) == found


def test_outcomes_steps_and_reports(suite: Path) -> None:
    ran = run(suite, "--junit-xml", "junit.xml")
    assert "2 failed, 2 passed, 1 skipped" in ran.stdout, ran.stdout
    assert "specs/words.ath.yaml:21: in leak" in ran.stdout
    said = 'stdout is "\u2039secret WORD_KEY\u203a", expected "nothing"'
    assert f"step 1 (Say the key): {said}" in ran.stdout
    found = steps(suite)
    (greeted,) = found["specs/words.ath.yaml::greet[two]"]
    assert greeted["name"] == "echo 'hello 2 world'"
    (look,) = found["test_twin.py::test_twin"]
    assert (look["name"], look["outcome"]) == ("look", "failed")
    properties = {
        (each.get("name"), each.get("value"))
        for each in ET.parse(suite / "junit.xml").iter("property")
    }
    assert {
        ("ath.owner", "word-team"),
        ("ath.severity", "critical"),
        ("ath.id", "T1"),
    } <= properties


def test_secrets_are_in_nothing_that_was_written(suite: Path) -> None:
    ran = run(suite, "--junit-xml", "junit.xml", "-vv", "--tb=long")
    written = ran.stdout + ran.stderr + (suite / "junit.xml").read_text()
    assert "open-sesame" not in written + (suite / "steps.json").read_text()


def test_twin_asks_and_expects(suite: Path) -> None:
    def goods(connection: socket, request: bytes) -> None:
        good = request.startswith(b"GET /goods?page=2 ") and b"X-A: b" in request
        connection.sendall(reply(b'{"a": 1}', "200 OK" if good else "400 Bad", "X-Id: 7"))

    (suite / "test_asks.py").write_text(ASKS)
    with server(goods) as base_url:
        ran = run(suite, "test_asks.py", ATH_BASE_URL=base_url)
    assert "StepFailed: $.a is 1, expected at least 5" in ran.stdout
    assert "StepFailed: jsn: Extra inputs are not permitted" in ran.stdout
    asked = steps(suite)["test_asks.py::test_asks"]
    assert [(step["kind"], step["name"], step["outcome"]) for step in asked] == [
        ("api", "GET /goods", "passed"),
        ("expect", "status, json", "passed"),
        ("expect", "json", "failed"),
    ]


def test_missing_secret_says_what_to_do(suite: Path) -> None:
    text = SPEC.replace("WORD_KEY", "OTHER_KEY")
    (suite / "specs" / "words.ath.yaml").write_text(text)
    assert "ath run --secret OTHER_KEY" in run(suite, "specs").stdout


def test_wrong_spec_is_an_error_of_collection_with_every_mistake(suite: Path) -> None:
    text = SPEC.replace("severity", "severty").replace("skip:", "skp:")
    (suite / "specs" / "words.ath.yaml").write_text(text)
    ran = run(suite)
    assert ran.returncode == 2
    assert (
        "specs/words.ath.yaml:10:5: tests[0].severty: unknown key; did you mean `severity`?"
        in ran.stdout
    )
    assert (
        "specs/words.ath.yaml:24:5: tests[2].skp: unknown key; did you mean `skip`?" in ran.stdout
    )


def test_parametrised_fixture_multiplies_a_spec(suite: Path) -> None:
    (suite / "specs" / "words.ath.yaml").write_text(
        SPEC.replace("use: [place]", "use: [place, side]")
    )
    assert "specs/words.ath.yaml::greet[left-one]" in collected(suite, "specs")


@pytest.mark.long
def test_workers_of_xdist_run_specs(suite: Path) -> None:
    assert "1 failed, 2 passed, 1 skipped" in run(suite, "-n", "2", "specs").stdout


def test_plugin_costs_nothing_where_there_are_no_specs(suite: Path) -> None:
    (suite / "test_plain.py").write_text("def test_plain(): pass\n")
    code = """
import sys, pytest
pytest.main(["-q", "test_plain.py"])
print([name for name in ("pydantic", "yaml", "httpx", "ray") if name in sys.modules])
"""
    assert run(suite, code=code).stdout.splitlines()[-1] == "[]"


def test_package_of_the_suite_may_be_called_actors(suite: Path) -> None:
    (suite / "actors").mkdir()
    (suite / "actors" / "__init__.py").write_text("STAGE = 1\n")
    (suite / "test_stage.py").write_text("import actors\ndef test_it(): assert actors.STAGE\n")
    assert "1 passed" in run(suite, "test_stage.py").stdout


def test_specs_run_without_ray(suite: Path) -> None:
    code = """
import sys, pytest
pytest.main(["-q", "specs"])
print("ray" in sys.modules, "pydantic" in sys.modules)
"""
    assert run(suite, code=code).stdout.splitlines()[-1] == "False True"
