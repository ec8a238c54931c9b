"""A spec as a pytest module, its tests as pytest functions: fixtures, marks and -k just work."""

from collections.abc import Iterable, Iterator, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from actors.specs.execution import WrittenStep
from actors.specs.failure import StepFailed
from actors.specs.loader import LoadedSpec, load_file
from actors.specs.marks import marks_of
from actors.specs.problem import InvalidSpec
from actors.specs.spec import TestSpec

ROW = "ath_row"
"""The argument by which a test gets its row of the matrix."""


class SpecFile(pytest.Module):
    """One `*.ath.yaml`; a module that is made, not imported."""

    loaded: LoadedSpec

    def _getobj(self) -> ModuleType:
        name = self.nodeid or str(self.path)
        try:
            self.loaded = load_file(self.path, name)
        except InvalidSpec as wrong:
            raise self.CollectError(str(wrong)) from None
        module = ModuleType(self.path.name)
        module.__file__ = str(self.path)
        module.__doc__ = self.loaded.spec.suite
        for index, test in enumerate(self.loaded.spec.tests):
            setattr(module, test.id, self._function(index, test))
        return module

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """One item per test, or per row of its matrix."""
        module = self.obj
        for index, test in enumerate(self.loaded.spec.tests):
            for item in self._genfunctions(test.id, getattr(module, test.id)):
                yield SpecItem.of(self, item, index)

    def _function(self, index: int, test: TestSpec) -> Any:  # Any: a function with marks
        """A function whose arguments are the fixtures that the test uses."""
        spec = self.loaded.spec
        names = list(dict.fromkeys([*spec.use, *test.use]))
        # Asked for here, so that pytest-playwright gives one test for each browser.
        has_page = self.config.pluginmanager.hasplugin("playwright")
        names += ["page"] if has_page and _needs_page(test) and "page" not in names else []
        names += [ROW] if test.matrix else []
        function: Any = _with_arguments(
            names, test.id, str(self.path), self.loaded.test_line(index)
        )
        function.__doc__ = test.title
        for mark in marks_of(spec, test):
            function = mark(function)
        if test.matrix:
            rows = [pytest.param(row, id=row) for row in test.matrix]
            function = pytest.mark.parametrize(ROW, rows)(function)
        return function


class SpecItem(pytest.Function):
    """One test of a spec, for one row of its matrix."""

    test_index: int

    @classmethod
    def of(cls, parent: SpecFile, item: pytest.Function, index: int) -> "SpecItem":
        """The item that pytest made of the test's function, with our own way to run it."""
        made: SpecItem = cls.from_parent(
            parent,
            name=item.name,
            originalname=item.originalname,
            fixtureinfo=item._fixtureinfo,
            callobj=item.obj,
            **({"callspec": item.callspec} if hasattr(item, "callspec") else {}),
        )
        made.test_index = index
        return made

    @property
    def loaded(self) -> LoadedSpec:
        """The suite that it belongs to."""
        parent = self.getparent(SpecFile)
        assert parent is not None  # noqa: S101  # made above with such a parent
        return parent.loaded

    @property
    def test(self) -> TestSpec:
        """What the author wrote."""
        return self.loaded.spec.tests[self.test_index]

    def runtest(self) -> None:
        """Carry out the steps."""
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
        return self.path, self.loaded.test_line(self.test_index) - 1, self.name

    def steps(self) -> tuple[Sequence[WrittenStep], Sequence[WrittenStep]]:
        """Its steps and its cleanup steps."""
        return tuple(self._written("steps")), tuple(self._written("always"))

    def _written(self, part: str) -> Iterator[WrittenStep]:
        path = ("tests", self.test_index, part)
        for index, step in enumerate(getattr(self.test, part)):
            where = (*path, index)
            line = self.loaded.document.line(where)
            yield WrittenStep(step, self.loaded.raw(where), line, index + 1, part == "always")


def _needs_page(test: TestSpec) -> bool:
    return any(step.browser is not None for step in (*test.steps, *test.always))


def _with_arguments(names: Sequence[str], name: str, file: str, line: int) -> FunctionType:
    """A function with these arguments that stands at a line of the spec; it is never called."""
    source = "\n" * (line - 1) + f"lambda {', '.join(names)}: None"
    inner = next(c for c in compile(source, file, "eval").co_consts if isinstance(c, CodeType))
    return FunctionType(inner.replace(co_name=name, co_qualname=name), {}, name)
