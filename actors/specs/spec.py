"""A suite of tests in one file, as its author writes it."""

from typing import Annotated, Self, TypeAlias

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from actors.specs.budget import Budget
from actors.specs.facts import Facts, Severity
from actors.specs.model import Fixture, Id, Json, Name, SpecModel, Variable
from actors.specs.operations.entry import GraphqlTests, OpenApiTests
from actors.specs.step import Step

DESCRIBED = ("openapi", "graphql")
"""Kinds of tests that are made of an API's own description."""

Scalar: TypeAlias = str | int | float | bool
Row: TypeAlias = dict[Name, Json]
Host = Annotated[
    str, StringConstraints(pattern=r"^(?:\[[0-9a-fA-F:*]+\]|[A-Za-z0-9*._-]+)(?::(?:\d+|\*))?$")
]
Steps = Annotated[list[Step], Field(min_length=1, max_length=500)]


class TestSpec(Facts):
    """One test: steps that follow each other."""

    __test__ = False

    id: Id
    """Stable: the test's history hangs on it, not on its title or place."""
    title: str | None = None
    """What it shows, for people."""
    variables: dict[Variable, Json] = {}
    """Values for look-ups, besides those of the suite."""
    matrix: dict[Id, Row] = {}
    """Rows of data by id; the test runs once for each, which `${matrix.<column>}` sees."""
    steps: Steps
    always: list[Step] = []
    """Cleanup: run also after a failure, each even if the one before failed."""


class Spec(SpecModel):
    """One suite file."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [kind]} for kind in ("tests", *DESCRIBED)]}
    )

    suite: str | None = None
    """What it is about, for people."""
    owner: str | None = None
    severity: Severity | None = None
    tags: list[Name] = []
    base_url: str | None = None
    """Where paths of api and browser steps begin, unless the environment says otherwise."""
    environment: dict[Name, Scalar | None] = {}
    """Environment variables that `${env.<name>}` may read, with defaults; null: must be set."""
    secrets: list[Name] = []
    """Environment variables with secret values, for `${secrets.<name>}`; never recorded."""
    variables: dict[Variable, Json] = {}
    """Values for look-ups: `${<name>}`."""
    use: list[Fixture] = []
    budget: Budget = Budget()
    allow: list[Host] | None = None
    """Hosts that api and browser steps may reach besides that of base_url; all if not given."""
    tests: Annotated[list[TestSpec], Field(min_length=1, max_length=2000)] = []
    openapi: OpenApiTests | None = None
    """One test for each operation of the API's description."""
    graphql: GraphqlTests | None = None
    """One test for each query and mutation."""

    @model_validator(mode="after")
    def _tests_something(self) -> Self:
        if not self.tests and self.openapi is None and self.graphql is None:
            raise PydanticCustomError("tests", "give tests, openapi or graphql")
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for test in self.tests:
            if test.id in seen:
                raise PydanticCustomError("id", "two tests have the id {id}", {"id": test.id})
            seen.add(test.id)
        return self

    def budget_of(self, test: Facts) -> Budget:
        """The test's own, else the suite's."""
        return test.budget or self.budget
