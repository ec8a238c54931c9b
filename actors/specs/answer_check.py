"""Whether an HTTP answer is as expected."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from actors.specs.api_expectation import ApiExpectation
from actors.specs.check import Check, problems, shown
from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.json_path import find

if TYPE_CHECKING:
    from actors.specs.http import Answer

BODY_CHARACTERS = 500
SCHEMA_BYTES = 1024 * 1024


def check_answer(expect: ApiExpectation, answer: "Answer", context: StepContext) -> None:
    """Raise with everything that is not as expected.

    Raises:
        StepFailed: something is not.
    """
    found = list(_problems(expect, answer, context))
    if found:
        raise StepFailed(
            "; ".join(found),
            request=f"{answer.method} {answer.url}",
            status=answer.status,
            body=answer.text[:BODY_CHARACTERS],
        )


def _problems(expect: ApiExpectation, answer: "Answer", context: StepContext) -> Iterator[str]:
    refused = list(_status(expect.status, answer))
    if refused:
        # What else is wrong follows from that.
        yield from refused
        return
    for name, check in expect.headers.items():
        value = answer.headers.get(name.lower())
        yield from problems(check, f"header {name}", [] if value is None else [value])
    yield from json_problems(expect.json_, answer.text)
    if expect.text is not None:
        yield from problems(expect.text, "the body", [answer.text.strip()])
    if expect.schema_ is not None:
        yield from _schema(expect.schema_, answer, context)
    if expect.seconds is not None and answer.seconds > expect.seconds:
        yield f"the answer took {answer.seconds:.2f} s, expected at most {expect.seconds:g} s"


def json_problems(checks: Mapping[str, Check], text: str) -> Iterator[str]:
    """What of these checks by JSONPath does not hold in a text."""
    if not checks:
        return
    from actors.specs.saved import parsed

    try:
        value = parsed(text)
        for path, check in checks.items():
            yield from problems(check, path, find(path, value))
    except StepFailed as failed:
        yield str(failed)


def _status(wanted: int | list[int] | str | None, answer: "Answer") -> Iterator[str]:
    status = answer.status
    match wanted:
        case None:
            good, told = status < 400, "below 400"
        case int():
            good, told = status == wanted, str(wanted)
        case str():
            good, told = str(status)[:1] == wanted[:1], wanted
        case _:
            good, told = status in wanted, f"one of {', '.join(map(str, wanted))}"
    if good:
        return
    to = answer.headers.get("location")
    redirected = (
        f" (it leads to {to}; `follow: true` follows)" if to and 300 <= status < 400 else ""
    )
    yield f"status is {status}, expected {told}{redirected}"


def _schema(schema: dict[str, Any] | str, answer: "Answer", context: StepContext) -> Iterator[str]:
    # Any: JSON Schema, checked by its own validator
    from jsonschema.exceptions import SchemaError, best_match
    from jsonschema.validators import validator_for
    from referencing.exceptions import Unresolvable

    try:
        known = _read(schema, context) if isinstance(schema, str) else schema
        kind = validator_for(known)
        kind.check_schema(known)
        wrong = best_match(kind(known, registry=_no_retrieval()).iter_errors(answer.json()))
    except SchemaError as bad:
        raise StepFailed(f"the schema is no JSON Schema: {bad.message[:300]}") from None
    except Unresolvable as bad:
        raise StepFailed(f"the schema refers to what is not in it: {bad}") from None
    except RecursionError:
        yield "the body is nested too deep for the schema"
        return
    if wrong is not None:
        yield f"{wrong.json_path} breaks the schema: {wrong.message[:300]}"


def _no_retrieval() -> Any:  # Any: referencing's registry of JSON values
    """References stay within the schema; nothing is fetched."""
    from referencing import Registry

    registry: Registry[Any] = Registry()
    return registry


def _read(name: str, context: StepContext) -> dict[str, Any]:
    """A schema from a file."""
    try:
        with context.path(name).open("rb") as file:
            found = json.loads(file.read(SCHEMA_BYTES))
    except (OSError, ValueError, RecursionError) as wrong:
        raise StepFailed(f"the schema {name!r} cannot be read: {wrong}") from None
    if not isinstance(found, dict):
        raise StepFailed(f"the schema {name!r} is {shown(found)}, not an object")
    return found
