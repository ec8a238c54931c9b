"""Validation of data sets, for tests in Python."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from actors.data.rules import RuleSet
from actors.specs.context import StepContext, TestContext
from actors.specs.failure import StepFailed
from actors.specs.steps.data import validated
from actors.specs.twin_record import checked, recorded

if TYPE_CHECKING:
    from actors.data.findings import Report

SECONDS = 600.0


@dataclass(frozen=True, slots=True, repr=False)
class Datasets:
    """Rules about rows, as a data step has them."""

    _test: TestContext

    def check(
        self,
        rows: object,
        *,
        schema: object = None,
        within: float = 0,
        seconds: float = SECONDS,
        **rules: Any,  # Any: checked by the model of the rules
    ) -> "Report":
        """Fail unless every rule holds for the rows; gives what was found.

        Args:
            rows: A frame, a list of objects, a function that gives either, or a source as a spec
                has it: `{"csv": "a.csv"}`.
            schema: A Pandera schema that must hold, too.
            within: For how many seconds rows may still be wrong, or not there.
            seconds: How long one reading may take.
            rules: The fields of a data step.

        Raises:
            StepFailed: a rule does not hold, or the rows cannot be read.
        """
        __tracebackhide__ = True
        given = rows if isinstance(rows, dict) else None
        source = given or {"frame": "rows", "name": rules.pop("name", "rows")}

        def judge(context: StepContext) -> "Report":
            from actors.data.polling import Polling
            from harness.errors import HarnessError

            asked = checked(RuleSet, {"source": source, **rules})

            def once() -> "Report":
                frame = rows() if callable(rows) else rows
                each = replace(context, until=context.test.clock.monotonic() + seconds)
                return validated(asked, each, schema=schema, frame=None if given else frame)

            polling = Polling(timedelta(seconds=within), clock=self._test.clock)
            try:
                polled = polling.until_met(once)
            except HarnessError as refused:
                raise StepFailed(str(refused)) from None
            context.note(polled.text)
            if not polled.report.met:
                raise StepFailed(polled.report.text if not within else polled.text)
            return polled.report

        title = f"rows of {source.get('name') or next(iter(source.values()), '')}"
        return recorded(self._test, "data", title, seconds + within, judge)
