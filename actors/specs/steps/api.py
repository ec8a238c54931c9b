"""`api`: an HTTP request and what its answer must be."""

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from actors.specs.answer_check import check_answer
from actors.specs.api_expectation import ApiExpectation
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.lookup import text_of
from actors.specs.model import Json, SpecModel, Variable
from actors.specs.saved import Source

if TYPE_CHECKING:
    from actors.specs.http import Answer

_REQUEST = r"^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) +\S+.*$"


def _request(value: object) -> object:
    if not isinstance(value, str) or not re.match(_REQUEST, value):
        raise PydanticCustomError("request", "write a method and an address, such as GET /orders")
    return value


Request: TypeAlias = Annotated[
    str, BeforeValidator(_request), StringConstraints(max_length=8000),
    WithJsonSchema({"type": "string", "pattern": _REQUEST}),
]  # fmt: skip


class Auth(SpecModel):
    """How the request says who asks; values belong under `secrets`."""

    bearer: str | None = None
    """A token."""
    basic: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    """User and password."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.bearer is None) is (self.basic is None):
            raise PydanticCustomError("auth", "give bearer or basic")
        return self

    def header(self) -> str:
        """What the header `Authorization` says."""
        if self.basic is None:
            return f"Bearer {self.bearer}"
        return f"Basic {base64.b64encode(':'.join(self.basic).encode()).decode()}"


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
    save: dict[Variable, Source] = {}

    @property
    def summary(self) -> str:
        """What it does in a few words."""
        return self.request

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        given = {"json_", "form", "body", "file"} & self.model_fields_set
        if len(given) > 1:
            raise PydanticCustomError("body", "give one of json, form, body and file")
        return self


def run(step: ApiStep, context: StepContext) -> None:
    """Send the request and check the answer.

    Raises:
        StepFailed: it was not answered, or not as expected.
    """
    answer = send(step, context)
    check_answer(step.expect, answer, context)
    for name, source in step.save.items():
        context.save(name, source.value(answer.text, answer.headers))


def send(step: ApiStep, context: StepContext) -> "Answer":
    """Send the request, without a look at what the answer says.

    Raises:
        StepFailed: it was not answered.
    """
    method, _, target = step.request.partition(" ")
    answer = context.test.http.send(
        context,
        method,
        whole_url(context.test.base_url, target.strip()),
        follow=step.follow,
        **_parts(step, context),
    )
    told = f"{len(answer.body)} bytes in {answer.seconds * 1000:.0f} ms"
    context.note(f"{method} {answer.url} gave {answer.status}, {told}")
    return answer


def whole_url(base_url: str, target: str) -> str:
    """The address of a path below base_url; an address stays as it is.

    Raises:
        StepFailed: a path is given and no base_url.
    """
    if "://" in target.partition("?")[0]:
        return target
    if not base_url:
        raise StepFailed(
            f"{target!r} needs a base_url: run in an environment that has one, set ATH_BASE_URL, "
            "or give the spec a `base_url:`"
        )
    return f"{base_url.rstrip('/')}/{target.lstrip('/')}"


def _parts(step: ApiStep, context: StepContext) -> dict[str, Any]:  # Any: as httpx takes them
    parts: dict[str, Any] = {"headers": dict(step.headers)}
    if step.query:
        parts["params"] = {key: _parameter(value) for key, value in step.query.items()}
    if "json_" in step.model_fields_set:
        # httpx takes null for no body at all
        parts["content"] = json.dumps(step.json_, ensure_ascii=False).encode()
        parts["headers"] = {"Content-Type": "application/json", **step.headers}
    elif step.form is not None:
        parts["data"] = step.form
    elif step.body is not None:
        parts["content"] = step.body.encode()
    elif step.file is not None:
        parts["content"] = _content(context.path(step.file))
    if step.auth is not None:
        parts["headers"]["Authorization"] = step.auth.header()
    return parts


def _parameter(value: Json) -> str | list[str]:
    return [text_of(each) for each in value] if isinstance(value, list) else text_of(value)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failed:
        raise StepFailed(f"the body {path.name!r} cannot be read: {failed}") from None
