"""Data steps judge rows, and say which are wrong by their keys."""

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow.parquet as pq
import pytest

from actors.specs.failure import StepFailed
from actors.specs.steps.data import DataStep, run
from actors.specs.twin_data import Datasets
from tests.unit.specs.world import a_step, a_test

AIRPORTS = "iata,state,latitude\nCLD,CA,33.1\nHHH,SC,132.2\nJFK,,40.6\n"
RULES = {
    "source": {"csv": "airports.csv"},
    "key": ["iata"],
    "columns": {"state": {}, "latitude": {"range": {"max": 90}}},
}


def step_of(**parts: Any) -> DataStep:  # Any: as YAML holds it
    return DataStep.model_validate({**RULES, **parts})


def failed(step: DataStep, folder: Path, **test: Any) -> str:  # Any: arguments of a_test
    with pytest.raises(StepFailed) as caught:
        run(step, a_step(a_test(folder, **test)))
    return str(caught.value)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "airports.csv").write_text(AIRPORTS)
    return tmp_path


def test_rows_that_are_right_are_counted(suite: Path) -> None:
    context = a_step(a_test(suite))
    run(step_of(columns={"iata": {"unique": True}}), context)
    assert context.record.notes == ["3 rules hold for 3 rows of airports"]


def test_wrong_rows_are_named(suite: Path) -> None:
    assert failed(step_of(), suite).splitlines() == [
        "1 row of airports without state: JFK",
        "1 row of airports whose latitude is not at most 90: HHH (latitude 132.2)",
    ]


def test_failing_rows_are_kept_with_the_tests_files(suite: Path) -> None:
    folder = suite / "results"
    test = a_test(suite, fixture=lambda name: folder)
    with pytest.raises(StepFailed) as caught:
        run(step_of(), a_step(test, step_id="airports"))
    assert caught.value.details == {"rows": "failing-rows-airports.parquet"}
    kept = pq.read_table(folder / "failing-rows-airports.parquet").to_pydict()
    assert kept["key"] == ["JFK", "HHH"]


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"iata": ["A"], "state": ["X"], "latitude": [91.0]}),
        [{"iata": "A", "state": "X", "latitude": 91.0}],
        lambda: [{"iata": "A", "state": "X", "latitude": 91.0}],
    ],
)
def test_a_fixture_may_give_the_rows_and_the_schema(suite: Path, rows: object) -> None:
    given = {"served": rows, "airports_schema": pandera.DataFrameSchema({"city": pandera.Column()})}
    step = step_of(source={"frame": "served"}, schema="airports_schema")
    assert failed(step, suite, fixture=given.get).splitlines() == [
        "served has no column city: expected city, observed iata, state, latitude",
        "1 row of served whose latitude is not at most 90: A (latitude 91)",
    ]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"csv": "../secret.csv"}, "no relative path inside the suite's folder"),
        ({"csv": "nope.csv"}, "no file matches 'nope.csv'"),
        ({"sql": "SHOP", "table": "t"}, "the secret SHOP is not set"),
        ({"frame": "nothing"}, "NoneType is no frame"),
    ],
)
def test_what_cannot_be_read_fails_the_step(suite: Path, source: dict[str, str], said: str) -> None:
    assert said in failed(step_of(source=source), suite)


def test_a_database_is_named_by_a_secret(suite: Path) -> None:
    with sqlite3.connect(suite / "shop.db") as connection:
        connection.execute("create table airports (iata text, state text, latitude real)")
        connection.execute("insert into airports values ('X', 'Y', 99)")
    connection.close()
    test = a_test(suite)
    test.environ = {"SHOP": f"sqlite:///{suite}/shop.db"}
    with pytest.raises(StepFailed, match=r"1 row of airports whose latitude .*: X"):
        run(step_of(source={"sql": "SHOP", "table": "airports"}), a_step(test))


def test_a_database_that_is_not_allowed_is_not_asked(suite: Path) -> None:
    test = a_test(suite, allow=["db.example"])
    test.environ = {"SHOP": "postgresql://user:hush@other.example/shop"}
    with pytest.raises(StepFailed, match=r"other\.example:5432 is not allowed") as caught:
        run(step_of(source={"sql": "SHOP", "table": "airports"}), a_step(test))
    assert "hush" not in str(caught.value)


def test_the_twin_judges_what_a_test_has(suite: Path) -> None:
    test = a_test(suite)
    report = Datasets(test).check([{"n": 1}, {"n": 2}], columns={"n": {"unique": True}})
    assert report.rows == 2
    with pytest.raises(StepFailed, match="1 row of sales whose n is not at least 2: row 1"):
        Datasets(test).check([{"n": 1}], name="sales", columns={"n": {"range": {"min": 2}}})
    with pytest.raises(StepFailed, match=r"columns\.n\.tpye"):
        Datasets(test).check({"csv": "airports.csv"}, columns={"n": {"tpye": "string"}})
    assert [step.outcome for step in test.recorder.steps] == ["passed", "failed", "failed"]


def test_the_twin_waits_for_rows_that_come_late(suite: Path) -> None:
    answers = iter([[{"n": 1}], [{"n": 1}, {"n": 2}]])
    report = Datasets(a_test(suite)).check(lambda: next(answers), within=5, count={"min": 2})
    assert report.met
