"""What every test of a spec is to pytest."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pytest

from actors.specs.execution import FailedStep
from actors.specs.facts import Facts
from actors.specs.failure import StepFailed
from actors.specs.loader import LoadedSpec

if TYPE_CHECKING:
    from actors.specs.context import TestContext
    from actors.specs.egress import PageEgress

ROW = "ath_row"
"""The argument by which a test gets its row of the matrix."""


class SpecFunction(pytest.Function):
    """A function that pytest made for fixtures and marks, with our own way to run it."""

    keeps_cookies: ClassVar[bool] = True
    egress: "PageEgress | None" = None
    """The way out of its pages, where the spec has an allow-list."""

    @classmethod
    def of(cls, parent: pytest.Collector, item: pytest.Function) -> Self:
        """In the place of the item that pytest made."""
        made: Self = cls.from_parent(
            parent,
            name=item.name,
            originalname=item.originalname,
            fixtureinfo=item._fixtureinfo,
            callobj=item.obj,
            **({"callspec": item.callspec} if hasattr(item, "callspec") else {}),
        )
        return made

    @property
    def loaded(self) -> LoadedSpec:
        """The suite that it belongs to."""
        loaded: LoadedSpec = self.parent.loaded  # type: ignore[union-attr]  # made for a SpecFile
        return loaded

    @property
    def facts(self) -> Facts:
        """Who cares about it, and what it may use."""
        raise NotImplementedError

    @property
    def line(self) -> int:
        """Where it is written, counted from 1."""
        raise NotImplementedError

    @property
    def case(self) -> str:
        """Which test of the file it is, whatever browser it uses."""
        return self.originalname

    def variables(self) -> Mapping[str, object]:
        """What it adds to the suite's, look-ups unreplaced."""
        return {}

    def row(self) -> object:
        """Its row of the matrix, look-ups unreplaced."""
        return {}

    def carry_out(self, context: "TestContext", names: Mapping[str, object]) -> list[FailedStep]:
        """Run it; gives what failed."""
        raise NotImplementedError

    def setup(self) -> None:
        """Lead its pages through the proxy before fixtures open one."""
        if "page" in self.fixturenames:
            from actors.specs.item_egress import lead_out

            lead_out(self)
        super().setup()

    def runtest(self) -> None:
        """Carry it out as pytest asks for it."""
        from actors.specs.item_run import run_item

        run_item(self)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """A step's failure as its line in the spec and its message; Any: as pytest declares it."""
        if not isinstance(excinfo.value, StepFailed):
            return super().repr_failure(excinfo)
        return excinfo.getrepr(
            style="short", chain=False, tbfilter=lambda found: found.traceback.cut(path=self.path)
        )

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where the test is written; pytest counts from 0."""
        return self.path, self.line - 1, self.name
