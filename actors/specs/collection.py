"""A spec as a pytest module, its tests as pytest functions: fixtures, marks and -k just work."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from actors.specs.context import TestContext
from actors.specs.execution import FailedStep, TestExecution, WrittenStep
from actors.specs.facts import Facts
from actors.specs.item import ROW, SpecFunction
from actors.specs.loader import LoadedSpec, load_file
from actors.specs.marks import marks_of
from actors.specs.problem import InvalidSpec
from actors.specs.spec import DESCRIBED, TestSpec


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
                made = SpecItem.of(self, item)
                made.test_index = index
                yield made
        yield from self._described()

    def function(
        self, name: str, line: int, facts: Facts, arguments: Sequence[str] = ()
    ) -> Any:  # Any: a function with marks
        """A function whose arguments are the fixtures that a test uses."""
        spec = self.loaded.spec
        names = list(dict.fromkeys([*spec.use, *facts.use, *arguments]))
        function: Any = _with_arguments(names, name, str(self.path), line)
        for mark in marks_of(spec, facts, name):
            function = mark(function)
        return function

    def _described(self) -> Iterable[pytest.Item]:
        """Tests that an API's own description makes."""
        spec = self.loaded.spec
        for kind in DESCRIBED:
            if getattr(spec, kind) is not None:
                # Not before: it takes longer to load than everything else.
                from actors.specs.operations.collection import operation_items

                yield from operation_items(self, kind)

    def _function(self, index: int, test: TestSpec) -> Any:  # Any: a function with marks
        # Asked for here, so that pytest-playwright gives one test for each browser.
        has_page = self.config.pluginmanager.hasplugin("playwright")
        arguments = ["page"] if has_page and _needs_page(test) else []
        arguments += [ROW] if test.matrix else []
        function = self.function(test.id, self.loaded.test_line(index), test, arguments)
        function.__doc__ = test.title
        if test.matrix:
            rows = [pytest.param(row, id=row) for row in test.matrix]
            function = pytest.mark.parametrize(ROW, rows)(function)
        return function


class SpecItem(SpecFunction):
    """One test of a spec, for one row of its matrix."""

    test_index: int

    @property
    def test(self) -> TestSpec:
        """What the author wrote."""
        return self.loaded.spec.tests[self.test_index]

    @property
    def facts(self) -> TestSpec:
        """Who cares about it, and what it may use."""
        return self.test

    @property
    def line(self) -> int:
        """Where it is written, counted from 1."""
        return self.loaded.test_line(self.test_index)

    def variables(self) -> Mapping[str, object]:
        """What it adds to the suite's, look-ups unreplaced."""
        return self.test.variables

    def row(self) -> object:
        """Its row of the matrix, look-ups unreplaced."""
        return self.test.matrix[str(self.callspec.params[ROW])] if self.test.matrix else {}

    @property
    def case(self) -> str:
        """Its id, and its row's."""
        return f"{self.test.id}[{self.callspec.params[ROW]}]" if self.test.matrix else self.test.id

    def carry_out(self, context: TestContext, names: Mapping[str, object]) -> list[FailedStep]:
        """Its steps and its cleanup steps."""
        steps = TestExecution(context, time.sleep, names)
        return steps.run(tuple(self._written("steps")), tuple(self._written("always")))

    def _written(self, part: str) -> Iterator[WrittenStep]:
        path = ("tests", self.test_index, part)
        for index, step in enumerate(getattr(self.test, part)):
            where = (*path, index)
            line = self.loaded.document.line(where)
            yield WrittenStep(step, self.loaded.raw(where), line, index + 1, part == "always")


def _needs_page(test: TestSpec) -> bool:
    kinds = {step.kind for step in (*test.steps, *test.always)}
    return not kinds.isdisjoint({"browser", "goal"})


def _with_arguments(names: Sequence[str], name: str, file: str, line: int) -> FunctionType:
    """A function with these arguments that stands at a line of the spec; it is never called."""
    source = "\n" * (line - 1) + f"lambda {', '.join(names)}: None"
    inner = next(c for c in compile(source, file, "eval").co_consts if isinstance(c, CodeType))
    return FunctionType(inner.replace(co_name=name, co_qualname=name), {}, name)
