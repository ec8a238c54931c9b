"""`data`: rows of files, a database or a fixture, and what must hold of them."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import Field

from actors.data.rules import RuleSet
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.model import Fixture

if TYPE_CHECKING:
    from pathlib import Path

    from actors.data.findings import Report
    from harness.ports.query import Query

_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}


class DataStep(RuleSet):
    """One data set and its rules; a `frame` is a pytest fixture, `sql` names a secret."""

    schema_: Annotated[Fixture | None, Field(alias="schema")] = None
    """A pytest fixture that gives a Pandera schema, which must hold, too."""

    @property
    def summary(self) -> str:
        """What is validated."""
        source = self.source
        place = source.csv or source.parquet or source.jsonl or source.frame or source.table
        return f"rows of {source.name or place or source.sql}"


def run(step: DataStep, context: StepContext) -> None:
    """Judge every rule.

    Raises:
        StepFailed: a rule does not hold, or the rows cannot be read.
    """
    from harness.errors import HarnessError

    schema = context.test.fixture(step.schema_) if step.schema_ else None
    try:
        report = validated(step, context, schema=schema)
    except HarnessError as refused:
        raise StepFailed(str(refused)) from None
    if not report.met:
        details = {"rows": str(report.artifact.name)} if report.artifact else {}
        raise StepFailed(report.text, **details)
    context.note(report.text)


def validated(
    rules: RuleSet, context: StepContext, *, schema: object = None, frame: object = None
) -> "Report":
    """The report on a data set, its failing rows kept with the test's other files.

    Raises:
        HarnessError: the rows cannot be read, or a rule makes no sense for them.
        StepFailed: no time is left, or a secret is not set.
    """
    from actors.data.validation import Validator

    def database(secret: str) -> "Query":
        return _database(secret, context)

    validator = Validator(
        context.test.folder, context.test.root, database, clock=context.test.clock
    )
    folder = _output_folder(context)
    name = f"failing-rows-{context.step_id or len(context.test.recorder.steps)}.parquet"
    return validator.validate(
        rules,
        schema=schema,
        frames=_frames(rules, context, frame),
        artifact=folder / name if folder else None,
        seconds=context.left(),
    )


def _frames(rules: RuleSet, context: StepContext, frame: object) -> dict[str, object]:
    """Frames by name: the one that was handed over, or fixtures, or what fixtures give."""
    if frame is not None:
        return {"rows": frame}
    names = {source.frame for source in rules.sources if source.frame is not None}
    found = {name: context.test.fixture(name) for name in sorted(names)}
    return {name: value() if callable(value) else value for name, value in found.items()}


def _database(secret: str, context: StepContext) -> "Query":
    from actors.specs.item_run import secret_of
    from harness.stores.sql.query import SqlQuery

    url = secret_of(context.test.environ, secret, context.test.recorder.redactor)
    parts = urlsplit(url)
    if parts.hostname:
        port = parts.port or _PORTS.get(parts.scheme.partition("+")[0], 0)
        context.test.allow.check(f"sql://{parts.hostname}:{port}")
    return SqlQuery(url, statement_seconds=context.left())


def _output_folder(context: StepContext) -> "Path | None":
    """pytest-playwright's folder of the test's files, where there is one."""
    from pathlib import Path

    import pytest

    try:
        folder = context.test.fixture("output_path")
    except pytest.FixtureLookupError:
        return None
    if folder is None:
        return None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)
