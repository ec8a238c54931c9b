"""From an entry of a spec to one item for each operation."""

from collections.abc import Iterator, Mapping
from typing import Any

from actors.specs.allow_list import AllowList
from actors.specs.budget import Allowance
from actors.specs.collection import SpecFile
from actors.specs.context import StepContext, TestContext
from actors.specs.failure import StepFailed
from actors.specs.http import HttpSession
from actors.specs.item_run import base_url_of, suite_names, variables_of, written_base_url
from actors.specs.lookup import UnknownLookup, filled, text_of
from actors.specs.operations.entry import Described, GraphqlTests, OpenApiTests
from actors.specs.operations.source import DescriptionSource
from actors.specs.recorder import Record, Recorder
from actors.specs.redaction import Redactor
from harness.ports.clock import SystemClock
from harness.settings import caller_environ

COLLECTION_SECONDS = 60.0
MISSING = "needs Schemathesis: pip install 'ai-test-harness[openapi]'"


def operation_items(file: SpecFile, kind: str) -> Iterator[Any]:  # Any: OperationItem, see below
    """The items of one entry, in the order of the description.

    Raises:
        CollectError: there are none, with the reason.
    """
    line = file.loaded.document.line((kind,))
    redactor = Redactor()
    try:
        # Here: it is optional, and takes longer to load than everything else.
        from actors.specs.operations.item import OperationItem

        described = _described(file, kind, redactor)
    except ImportError as missing:
        raise file.CollectError(f"{file.nodeid}:{line}: {kind}: {MISSING} ({missing})") from None
    except (StepFailed, UnknownLookup) as failed:
        told = redactor.text(str(failed))
        raise file.CollectError(f"{file.nodeid}:{line}: {kind}: {told}") from None
    entry: Described = getattr(file.loaded.spec, kind)
    for each in described:
        name = each.operation.name
        function = file.function(name, line, entry)
        setattr(file.obj, name, function)  # where pytest looks for it
        for item in file._genfunctions(name, function):
            made = OperationItem.of(file, item)
            made.described = each
            yield made


def _described(file: SpecFile, kind: str, redactor: Redactor) -> list[Any]:
    from actors.specs.operations import description as known
    from actors.specs.operations.item import DescribedOperation
    from actors.specs.operations.selection import described_operations, selected

    http = HttpSession(keep_cookies=False)
    context = _context(file, http, redactor)
    entry = getattr(file.loaded.spec, kind)
    try:
        if isinstance(entry, OpenApiTests):
            document = _document(file, entry, context)
            opened: known.Description = known.openapi_description(entry, document)
            operations = selected(entry, described_operations(document))
        else:
            introspected = _introspected(file, entry, context)
            graphql = opened = known.graphql_description(entry, introspected)
            operations = selected(entry, known.graphql_operations(graphql))
    finally:
        http.close()
    return [DescribedOperation(kind, opened, each) for each in operations]


def _document(file: SpecFile, entry: OpenApiTests, context: StepContext) -> dict[str, object]:
    named = text_of(filled(entry.schema_, context.test.values))
    is_asked = named.startswith("/") or "://" in named
    headers = _headers(file, "openapi", context) if is_asked else {}
    return DescriptionSource(context, headers).whole(named)


def _introspected(file: SpecFile, entry: GraphqlTests, context: StepContext) -> dict[str, object]:
    from actors.specs.operations import description as known

    source = DescriptionSource(context, {})
    if entry.schema_ is not None:
        return known.introspection_of(
            source.text(text_of(filled(entry.schema_, context.test.values)))
        )
    headers = _headers(file, "graphql", context)
    written = file.loaded.raw(("graphql",)).get("endpoint", entry.endpoint)
    endpoint = source.address(text_of(filled(written, context.test.values)))
    return known.introspection_from(context, endpoint, headers)


def _headers(file: SpecFile, kind: str, context: StepContext) -> Mapping[str, str]:
    """What the description is asked with; what needs a fixture is left out, for none is known."""
    from actors.specs.operations.item import headers_of

    written = file.loaded.raw((kind,))
    known = context.test.values
    headers = {k: v for k, v in written.get("headers", {}).items() if _is_known(v, known)}
    auth = written.get("auth") if _is_known(written.get("auth"), known) else None
    ready = filled({"headers": headers, "auth": auth}, known)
    return headers_of(Described.model_validate(ready))


def _is_known(value: object, names: Mapping[str, object]) -> bool:
    try:
        filled(value, names)
    except UnknownLookup:
        return False
    return True


def _context(file: SpecFile, http: HttpSession, redactor: Redactor) -> StepContext:
    """A step for reading the description, before any test begins."""
    spec, clock, environ = file.loaded.spec, SystemClock(), caller_environ()
    names = suite_names(spec, environ, redactor)
    try:
        own = written_base_url(spec, names)
    except UnknownLookup:
        own = None  # a fixture that no test has asked for yet
    base_url = base_url_of(file.config, environ, own)
    test = TestContext(
        folder=file.path.parent,
        root=file.config.rootpath,
        base_url=base_url,
        clock=clock,
        recorder=Recorder(clock, redactor),
        allow=AllowList.of(spec.allow, base_url, environ),
        allowance=Allowance(spec.budget, clock.monotonic()),
        fixture=_no_fixture,
        http=http,
        environ=environ,
    )
    test.values = {**variables_of(spec.variables, names), **names, "base_url": base_url}
    return StepContext(test, Record("", "", 0.0), clock.monotonic() + COLLECTION_SECONDS)


def _no_fixture(name: str) -> object:
    raise StepFailed(f"the fixture {name} is not known before a test runs")
