"""JSONPath (RFC 9535) into JSON of any origin."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from actors.specs.failure import StepFailed

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathQuery

MOST = 10_000

# Names and indexes only: such a path leads to one place. Version 2 of the library does not tell.
_SINGULAR = re.compile(
    r"""\$(?:\s*(?:\.[^\W\d]\w*|\[\s*(?:-?\d+|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\]))*"""
)


def find(path: str, value: object) -> list[object]:
    """What is at a path: one value, or for a path that may lead to many one list of them.

    Empty when a path that leads to one place finds nothing there.

    Raises:
        StepFailed: the path is wrong, or finds far too much.
    """
    problem = path_problem(path)
    if problem:
        raise StepFailed(problem)
    query = _compiled(path)
    values: list[object] = []
    try:
        for node in query.finditer(value):  # type: ignore[arg-type]  # JSON, checked by use
            values.append(node.value)
            if len(values) > MOST:
                raise StepFailed(f"{path} finds more than {MOST} values")
    except (RecursionError, _errors()) as wrong:
        raise StepFailed(f"{path} cannot be followed: {wrong}") from None
    return values if _SINGULAR.fullmatch(path) else [values]


def path_problem(path: str) -> str:
    """What is wrong with a path; nothing where look-ups are still to be replaced."""
    if "${" in path:
        return ""
    try:
        _compiled(path)
    except (RecursionError, _errors()) as wrong:
        return f"{path!r} is no JSONPath: {str(wrong).partition(chr(10))[0]}"
    return ""


@lru_cache(maxsize=1000)
def _compiled(path: str) -> "JSONPathQuery":
    from jsonpath_rfc9535 import compile as compile_path

    return compile_path(path)


def _errors() -> type[Exception]:
    from jsonpath_rfc9535 import JSONPathError

    return JSONPathError
