"""`api`: an HTTP request and what its answer must be."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from actors.specs.check import Check
from actors.specs.context import StepContext
from actors.specs.json_path import path_problem
from actors.specs.model import Json, Name, Seconds, SpecModel
from actors.specs.saved import Source

Request = Annotated[
    str, StringConstraints(pattern=r"^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) +\S+.*$")
]
Status = int | list[int] | Annotated[str, StringConstraints(pattern=r"^(?:[1-5]xx|\$\{.*\})$")]


class Auth(SpecModel):
    """How the request says who asks; values belong under `secrets`."""

    bearer: str | None = None
    """A token."""
    basic: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    """User and password."""


class ApiExpectation(SpecModel):
    """What must hold of an answer."""

    status: Status | None = None
    """A code, several, or a class such as `2xx`; below 400 if not given."""
    headers: dict[str, Check] = {}
    json_: Annotated[dict[str, Check], Field(alias="json")] = {}
    """JSONPath and what must hold there."""
    text: Check | None = None
    """The whole body as text."""
    schema_: Annotated[dict[str, Json] | str | None, Field(alias="schema")] = None
    """JSON Schema that the body satisfies, or a file beside the spec that holds it."""
    seconds: Seconds | None = None
    """The whole answer is here within this time."""

    @model_validator(mode="after")
    def _paths_are_sound(self) -> Self:
        for path in self.json_:
            problem = path_problem(path)
            if problem:
                raise PydanticCustomError("path", "{problem}", {"problem": problem})
        return self


class ApiStep(SpecModel):
    """One request."""

    request: Request
    """Method and address: `GET /orders` below base_url, or a whole URL."""
    query: dict[str, Json] = {}
    """Parameters of the address; a list gives a parameter several times."""
    headers: dict[str, str] = {}
    auth: Auth | None = None
    json_: Annotated[Json, Field(alias="json")] = None
    """Body as JSON."""
    form: dict[str, str] | None = None
    """Body as a form."""
    body: str | None = None
    """Body as it is."""
    file: str | None = None
    """Body from a file beside the spec."""
    follow: bool = False
    """Follow redirects, each checked against `allow`."""
    expect: ApiExpectation = ApiExpectation()
    save: dict[Name, Source] = {}

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        given = {"json_", "form", "body", "file"} & self.model_fields_set
        if len(given) > 1:
            raise PydanticCustomError("body", "give one of json, form, body and file")
        return self


def run(step: ApiStep, context: StepContext) -> None:
    """Send the request and check the answer."""
    raise NotImplementedError
