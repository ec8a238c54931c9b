"""An API's description as Schemathesis sees it, cut off from everything but our own door."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import graphql
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.transforms import stringify_keys
from schemathesis.generation.hypothesis import builder  # noqa: F401  # sets Hypothesis up, once
from schemathesis.schemas import APIOperation
from schemathesis.specs.graphql.schemas import GraphQLSchema
from schemathesis.specs.openapi.schemas import OpenApiSchema

from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.operations.document import read_api_document
from actors.specs.operations.door import Door
from actors.specs.operations.entry import GraphqlTests, OpenApiTests
from actors.specs.operations.selection import Operation


class OpenApiDescription(OpenApiSchema):
    """OpenAPI or Swagger."""

    door: Door

    @property
    def transport(self) -> Door:
        """What Schemathesis and its checks send by."""
        return self.door


class GraphqlDescription(GraphQLSchema):
    """GraphQL."""

    door: Door

    @property
    def transport(self) -> Door:
        """What Schemathesis and its checks send by."""
        return self.door


Description: TypeAlias = OpenApiDescription | GraphqlDescription


def openapi_description(entry: OpenApiTests, document: dict[str, object]) -> OpenApiDescription:
    """An OpenAPI or Swagger description that refers to nothing outside.

    Raises:
        StepFailed: it is none.
    """
    version = document.get("openapi", document.get("swagger"))
    if not str(version).startswith(("2.0", "3.0", "3.1", "3.2")):
        told = "names no version" if version is None else f"is of version {str(version)[:50]!r}"
        raise StepFailed(
            f"the description {told}; known are `swagger: 2.0` and `openapi: 3.0` to `3.2`"
        )
    stringify_keys(document)
    opened: OpenApiDescription = _opened(OpenApiDescription, entry, document)
    return opened


def graphql_description(entry: GraphqlTests, introspected: dict[str, object]) -> GraphqlDescription:
    """A GraphQL schema, as an answer to the introspection query tells it."""
    opened: GraphqlDescription = _opened(GraphqlDescription, entry, introspected)
    return opened


def introspection_of(text: str) -> dict[str, object]:
    """What a schema in GraphQL's language would answer to the introspection query.

    Raises:
        StepFailed: it is no such schema.
    """
    try:
        return dict(graphql.introspection_from_schema(graphql.build_schema(text)))
    except (graphql.GraphQLError, TypeError, RecursionError) as wrong:
        raise StepFailed(f"the schema is no GraphQL: {str(wrong)[:300]}") from None


def introspection_from(
    context: StepContext, endpoint: str, headers: Mapping[str, str]
) -> dict[str, object]:
    """What an endpoint answers to the introspection query.

    Raises:
        StepFailed: it does not tell its schema.
    """
    query = {"query": graphql.get_introspection_query()}
    answer = context.test.http.send(
        context, "POST", endpoint, follow=False, json=query, headers=headers
    )
    data = read_api_document(endpoint, answer.body).get("data")
    if answer.status != 200 or not isinstance(data, dict):
        raise StepFailed(
            f"{endpoint} gave {answer.status} and no schema; where introspection is switched off, "
            "give the schema as a file: `schema: schema.graphql`"
        )
    return data


def graphql_operations(description: GraphqlDescription) -> list[Operation]:
    """Every query and mutation.

    Raises:
        StepFailed: the schema is not sound.
    """
    try:
        schema = description.client_schema
        return [
            Operation(f"{kind.name}.{field}", kind.name, field)
            for kind in (schema.query_type, schema.mutation_type)
            if kind is not None
            for field in kind.fields
        ]
    except (TypeError, KeyError, RecursionError, graphql.GraphQLError) as wrong:
        raise StepFailed(f"the schema is no GraphQL: {str(wrong)[:300]}") from None


def found_operation(
    description: Description, operation: Operation
) -> APIOperation[Any, Any, Any, Any]:
    """Schemathesis' own view of an operation.

    Raises:
        StepFailed: its description is not sound.
    """
    try:
        return description[operation.group][operation.method]
    except (SchemathesisError, LookupError, ValueError, TypeError, RecursionError) as wrong:
        raise StepFailed(f"its description is not sound: {str(wrong)[:500]}") from None


def _opened(kind: Any, entry: OpenApiTests | GraphqlTests, document: Mapping[str, object]) -> Any:
    # Any: the two kinds of Schemathesis' schemas share no constructor that types know.
    load_all_checks()
    config = SchemathesisConfig.from_dict(_settings(entry))
    opened = kind(raw_schema=document, config=config.projects.get(dict(document)))
    opened.door = Door()
    return opened


def _settings(
    entry: OpenApiTests | GraphqlTests,
) -> dict[str, Any]:  # Any: as Schemathesis' configuration file
    return {
        "seed": entry.seed,
        # Their verdict would depend on how busy the machine is.
        "suppress-health-check": ["all"],
        "generation": {"max-examples": entry.examples, "database": "none"},
        "checks": {"enabled": False, **{name: {"enabled": True} for name in entry.checks}},
    }
