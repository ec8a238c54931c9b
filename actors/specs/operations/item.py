"""One operation of an API as a pytest item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from pydantic import ValidationError

from actors.specs.context import StepContext, TestContext
from actors.specs.execution import FailedStep
from actors.specs.failure import StepFailed
from actors.specs.item import SpecFunction
from actors.specs.lookup import UnknownLookup, filled
from actors.specs.operations.description import Description, found_operation
from actors.specs.operations.entry import Described, GraphqlTests, OpenApiTests
from actors.specs.operations.exercise import Exercise
from actors.specs.operations.findings import Findings
from actors.specs.operations.isolation import isolated
from actors.specs.operations.selection import Operation
from actors.specs.steps.api import whole_url

Entry: TypeAlias = OpenApiTests | GraphqlTests


@dataclass(frozen=True, slots=True)
class DescribedOperation:
    """An operation, and the description that it is part of."""

    kind: str
    """The key of the spec: `openapi` or `graphql`."""
    description: Description
    operation: Operation


class OperationItem(SpecFunction):
    """Tries one operation."""

    keeps_cookies: ClassVar[bool] = False  # one request must not depend on the one before
    described: DescribedOperation

    @property
    def facts(self) -> Entry:
        """Who cares about it, and what it may use."""
        facts: Entry = getattr(self.loaded.spec, self.described.kind)
        return facts

    @property
    def line(self) -> int:
        """Where it is asked for, counted from 1."""
        return self.loaded.document.line((self.described.kind,))

    def carry_out(self, context: TestContext, names: Mapping[str, object]) -> list[FailedStep]:
        """Its phases; one failure tells of every check that did not hold."""
        described, recorder = self.described, context.recorder
        findings = Findings(described.operation.name)
        details: Mapping[str, object] = {}
        try:
            with recorder.step(described.kind, described.operation.name) as record:
                entry = self._entry({**context.values, **names})
                until = min(context.allowance.ends(), context.clock.monotonic() + entry.seconds)
                try:
                    self._exercise(entry, StepContext(context, record, until), findings)
                finally:
                    for found in findings.ordered():
                        recorder.add("check", found.title, "failed", found.detail)
                if findings.found:
                    raise StepFailed(findings.message)
        except StepFailed as failed:
            told, details = str(failed), {**failed.details, **findings.details}
        except Exception as error:  # whatever a description makes Schemathesis raise
            told = f"{described.operation.name}: {type(error).__name__}: {error}"[:1000]
        else:
            return []
        return [FailedStep(self.line, recorder.redactor.text(told), details)]

    def _entry(self, names: Mapping[str, object]) -> Entry:
        """What the spec says, with look-ups replaced."""
        written = self.loaded.raw((self.described.kind,))
        try:
            return type(self.facts).model_validate(filled(written, names))
        except (UnknownLookup, ValidationError) as wrong:
            raise StepFailed(f"with its look-ups replaced: {wrong}") from None

    def _exercise(self, entry: Entry, context: StepContext, findings: Findings) -> None:
        description = self.described.description
        with isolated():
            operation = found_operation(description, self.described.operation)
            description.door.open(context, entry.request_seconds)
            base_url = target_of(entry, context.test.base_url, description)
            Exercise(operation, base_url, headers_of(entry), context, findings).run(entry.phases)


def target_of(entry: Entry, base_url: str, description: Description) -> str:
    """Where an entry's requests go.

    Raises:
        StepFailed: neither the suite nor the description says it.
    """
    declared = description.declared_base_url or ""
    base = base_url or (declared if "://" in declared else "")
    base = whole_url(base, entry.base_url) if entry.base_url else base
    return whole_url(base, entry.endpoint if isinstance(entry, GraphqlTests) else "/")


def headers_of(entry: Described) -> dict[str, str]:
    """What every request of an entry carries."""
    given = {} if entry.auth is None else {"Authorization": entry.auth.header()}
    return {**given, **entry.headers}
