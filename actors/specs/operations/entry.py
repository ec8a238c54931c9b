"""What a spec says about an API that describes itself."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from actors.specs.facts import Facts
from actors.specs.model import Seconds, SpecModel
from actors.specs.steps.api import Auth

OpenApiCheck: TypeAlias = Literal[
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
]
GraphqlCheck: TypeAlias = Literal[
    "not_a_server_error",
    "response_schema_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
]
Phase: TypeAlias = Literal["examples", "coverage", "fuzzing"]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Globs: TypeAlias = Annotated[list[Glob], Field(max_length=500)]


class Selection(SpecModel):
    """Operations; each key lists alternatives, where `*` is any text, and all keys must fit."""

    ids: Globs = []
    """The `operationId`, or the test's name: `GET /users/{id}`, `Query.users`."""
    paths: Globs = []
    methods: Globs = []
    tags: Globs = []


class Described(Facts):
    """How operations are tried."""

    base_url: str | None = None
    """Where paths begin, if not at the suite's base_url; may be a path below that."""
    include: Selection = Selection()
    """Only these; all if not given."""
    exclude: Selection | None = None
    """Never these."""
    examples: Annotated[int, Field(ge=1, le=10_000)] = 100
    """How many requests the phase `fuzzing` makes at most for one operation."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The same seed makes the same requests."""
    headers: dict[str, str] = {}
    """Sent with every request."""
    auth: Auth | None = None
    seconds: Seconds = 300
    """All requests of one operation are answered within this time."""
    request_seconds: Seconds = 10
    """Each is answered within this time."""


class OpenApiTests(Described):
    """One test for each operation of an OpenAPI or Swagger description."""

    schema_: Annotated[str, Field(alias="schema", min_length=1)]
    """A file beside the spec, a path below base_url (`/openapi.json`), or an address."""
    checks: Annotated[list[OpenApiCheck], Field(min_length=1)] = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
    phases: Annotated[list[Phase], Field(min_length=1)] = ["examples", "coverage", "fuzzing"]
    """Examples of the description, values at its edges, and random ones."""


class GraphqlTests(Described):
    """One test for each query and mutation of a GraphQL schema."""

    endpoint: Annotated[str, Field(min_length=1)] = "/graphql"
    """A path below base_url, or an address."""
    schema_: Annotated[str | None, Field(alias="schema", min_length=1)] = None
    """A file beside the spec in GraphQL's language; if not given, the endpoint is asked."""
    checks: Annotated[list[GraphqlCheck], Field(min_length=1)] = [
        "not_a_server_error",
        "response_schema_conformance",
    ]
    phases: Annotated[list[Literal["examples", "fuzzing"]], Field(min_length=1)] = ["fuzzing"]
