"""Tries one operation: makes requests, sends them, checks the answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis.errors import HypothesisException
from jsonschema_rs import ValidationError
from requests.structures import CaseInsensitiveDict
from schemathesis.checks import CheckContext, run_checks
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from schemathesis.engine.run import PhaseName
from schemathesis.generation import derive_operation_seed, overrides
from schemathesis.generation.coverage import GenerationSession
from schemathesis.generation.drivers import CaseGenerator, CoverageGenerator, ExamplesGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.schemas import APIOperation

from actors.specs.context import StepContext
from actors.specs.failure import StepFailed
from actors.specs.http import CannotSend
from actors.specs.operations.door import AnyCase, Stopped, curl_of
from actors.specs.operations.findings import Finding, Findings, Tally, bounded

_PHASES = ("examples", "coverage", "fuzzing")


@dataclass(slots=True)
class Exercise:
    """One operation of one description; its requests depend on nothing but that and the seed."""

    operation: APIOperation[Any, Any, Any, Any]
    base_url: str
    headers: Mapping[str, str]
    context: StepContext
    findings: Findings

    def run(self, phases: Sequence[str]) -> None:
        """Go through the phases; what is wrong stands in the findings.

        Raises:
            StepFailed: no requests can be made, or no answers come.
        """
        recorder = self.context.test.recorder
        for phase in _PHASES:
            if phase not in phases:
                continue
            tally = Tally()
            with recorder.step("phase", phase) as record:
                try:
                    self._phase(phase, tally)
                    record.outcome = "failed" if tally.failed else "passed"
                except Stopped as stopped:
                    raise stopped.failed from None
                except (SchemathesisError, HypothesisException, ValidationError) as wrong:
                    told = bounded(str(wrong) or type(wrong).__name__)
                    raise StepFailed(
                        f"no requests can be made of its description: {told}"
                    ) from None
                finally:
                    record.notes += tally.notes()

    def _phase(self, phase: str, tally: Tally) -> None:
        check = self._checking(phase, tally)
        if phase == "fuzzing":
            self._fuzz(check)
            return
        generator = self._generator(phase)
        self._all(generator, check)
        for error in generator.controller.deferred_errors:
            raise error

    def _all(self, cases: Iterable[AnyCase], check: Callable[[AnyCase], None]) -> None:
        for case in cases:
            try:
                check(case)
            except FailureGroup:
                continue  # it is found; others may show something else

    def _generator(self, phase: str) -> CaseGenerator:
        config = self.operation.schema.config
        override = overrides.with_config_headers(config, operation=self.operation)
        override.headers = {**override.headers, **self.headers}
        if phase == "examples":
            return ExamplesGenerator(
                operation=self.operation,
                override=override,
                feedback=NO_FEEDBACK,
                fill_missing=False,
            )
        generation = config.generation_for(operation=self.operation, phase=phase)
        return CoverageGenerator(
            operation=self.operation,
            generation_modes=generation.modes,
            generation_config=generation,
            auth_storage=None,
            override=override,
            feedback=NO_FEEDBACK,
            # One of its own: what other operations tried before must not matter.
            session=GenerationSession(),
        )

    def _fuzz(self, check: Callable[[AnyCase], None]) -> None:
        config, operation = self.operation.schema.config, self.operation
        override = overrides.with_config_headers(config, operation=operation)
        override.headers = {**override.headers, **self.headers}

        def one(case: AnyCase) -> None:
            check(case)

        test = create_test(
            operation=operation,
            test_func=one,
            config=HypothesisTestConfig(
                project=config,
                modes=[HypothesisTestMode.FUZZING],
                settings=config.get_hypothesis_settings(
                    operation=operation, phase="fuzzing", apply_ci_profile=False
                ),
                explicit_setting_names=config.explicit_hypothesis_settings(
                    operation=operation, phase="fuzzing"
                ),
                apply_ci_profile=False,
                seed=derive_operation_seed(config.seed, operation.label),
                override=override,
                feedback=NO_FEEDBACK,
            ),
        )
        try:
            test()
        except BaseExceptionGroup as group:
            _, others = group.split(Failure)
            if others is not None:
                raise others from None

    def _checking(self, phase: str, tally: Tally) -> Callable[[AnyCase], None]:
        """Sends a case and raises when a check does not hold."""
        config = self.operation.schema.config
        headers = dict(self.headers)
        checks = CheckContext(
            override=None,
            auth=None,
            headers=CaseInsensitiveDict(headers) if headers else None,
            config=config.checks_config_for(operation=self.operation, phase=phase),
            transport_kwargs={"base_url": self.base_url, "headers": headers},
            response_checks=None,
            phase=PhaseName.from_str(phase),
        )

        def check(case: AnyCase) -> None:
            try:
                response = case.call(base_url=self.base_url, headers=headers)
            except CannotSend:
                tally.unsendable += 1
                return
            tally.statuses[response.status_code] += 1
            failures = run_checks(
                case=case,
                response=response,
                ctx=checks,
                checks=checks.internals.checks,
                on_failure=lambda name, found, failure: self._found(name, found, failure, response),
            )
            if failures:
                tally.failed += 1
                raise FailureGroup(list(failures))

        return check

    def _found(self, name: str, found: set[Failure], failure: Failure, response: Response) -> None:
        found.add(failure)
        self.findings.add(
            Finding(
                check=name,
                kind=_kind(failure),
                told=failure.message,
                request=curl_of(response.request, self.context),
                answer=f"{response.status_code} {response.text_lossy()}",
            )
        )


def _kind(failure: Failure) -> str:
    status = getattr(failure, "status_code", None)
    return f"{failure.kind_title} ({status})" if status else failure.kind_title
