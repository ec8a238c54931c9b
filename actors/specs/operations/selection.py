"""Which operations of a description are tested."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from actors.specs.failure import StepFailed
from actors.specs.operations.entry import Described, Selection

MOST_OPERATIONS = 5_000
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as its description names it."""

    name: str
    """The test's name: `GET /users/{id}` or `Query.users`."""
    group: str
    """The path, or the name of the type of all queries."""
    method: str
    """As the description has it, or the field of that type."""
    operation_id: str = ""
    tags: Sequence[str] = ()


def described_operations(document: Mapping[str, object]) -> Iterator[Operation]:
    """Every operation of an OpenAPI or Swagger description, in its order."""
    paths = document.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        inner = _resolved(document, item)
        for method, found in inner.items() if isinstance(inner, dict) else ():
            if method in METHODS and isinstance(found, dict):
                yield _operation(str(path), method, found)


def selected(entry: Described, operations: Iterable[Operation]) -> list[Operation]:
    """Those that the spec asks for.

    Raises:
        StepFailed: there are none, or too many.
    """
    found = [
        each
        for each in operations
        if _fits(entry.include, each)
        and not (entry.exclude is not None and _fits(entry.exclude, each))
    ]
    if not found:
        raise StepFailed("the description has no operation that include and exclude leave")
    if len(found) > MOST_OPERATIONS:
        raise StepFailed(f"{len(found)} operations are more than {MOST_OPERATIONS}; name fewer")
    return found


def _operation(path: str, method: str, found: Mapping[str, object]) -> Operation:
    tags = found.get("tags")
    return Operation(
        name=f"{method.upper()} {path}",
        group=path,
        method=method,
        operation_id=str(found.get("operationId", "")),
        tags=[str(tag) for tag in tags] if isinstance(tags, list) else (),
    )


def _resolved(document: Mapping[str, object], item: object) -> object:
    """A path's operations may stand elsewhere in the whole."""
    reference = item.get("$ref") if isinstance(item, dict) else None
    if not isinstance(reference, str):
        return item
    found: object = document
    for part in reference.removeprefix("#/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _fits(selection: Selection, operation: Operation) -> bool:
    names = [operation.name, operation.operation_id]
    return (
        _any(selection.ids, names)
        and _any(selection.paths, [operation.group])
        and _any([each.lower() for each in selection.methods], [operation.method])
        and _any(selection.tags, operation.tags)
    )


def _any(globs: Sequence[str], values: Sequence[str]) -> bool:
    """Whether a value is like one of them; no globs are like everything."""
    return not globs or any(fnmatchcase(value, _plain(glob)) for glob in globs for value in values)


def _plain(glob: str) -> str:
    """Only `*` is special."""
    return glob.replace("[", "[[]").replace("?", "[?]")
