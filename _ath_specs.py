"""The platform's pytest plugin: collects `*.ath.yaml` and gives the fixture `ath`.

Loaded by every pytest of this interpreter, so it imports nothing but pytest until it is used, and
is no part of `actors`: a suite's own package of that name must not end pytest.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from actors.specs.collection import SpecFile
    from actors.specs.twin import Ath

_SUFFIX = ".ath.yaml"
_MARK = "ath(id, owner, severity, tags): who cares about a test, and how much"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", _MARK)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "SpecFile | None":
    """A spec is a file like any other."""
    if not file_path.name.endswith(_SUFFIX):
        return None
    from actors.specs.collection import SpecFile

    found: SpecFile = SpecFile.from_parent(parent, path=file_path)
    return found


def pytest_itemcollected(item: pytest.Item) -> None:
    """Turn the tags of `@pytest.mark.ath` into marks, so that `-m` selects by them."""
    if any(item.iter_markers("ath")):
        from actors.specs.marks import apply_marks

        apply_marks(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep secret values out of what pytest prints and writes."""
    report = yield
    redact = getattr(item, "_ath_redact", None)
    if redact is not None:
        from actors.specs.reports import redact_report

        redact_report(report, redact)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Take secret values out of the traces that pytest-playwright writes as it closes a test."""
    folder = getattr(item, "funcargs", {}).get("output_path")
    try:
        return (yield)
    finally:
        redactor = getattr(item, "_ath_redactor", None)
        if folder and redactor:
            from actors.specs.traces import redact_traces

            redact_traces(Path(folder), redactor)


@pytest.fixture
def ath(request: pytest.FixtureRequest) -> "Iterator[Ath]":
    """What specs can do, for tests in Python: `ath.api`, `ath.browser`, `ath.step(…)`."""
    from actors.specs.twin import open_ath

    with open_ath(request) as opened:
        yield opened
