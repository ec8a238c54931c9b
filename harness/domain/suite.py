"""What is executed: a Suite version and the TestCases collected from it."""

from dataclasses import dataclass

from harness.domain.git_reference import Origin
from harness.domain.ids import Digest, TestId


@dataclass(frozen=True, slots=True)
class SuiteVersion:
    """One exact state of a suite's source."""

    digest: Digest
    """Of the uploaded archive (tar, optionally gzip)."""
    folder: str
    """Name of the folder the archive was made of; kept, because suites may depend on it."""
    cwd: str = "."
    """Where the command runs, relative to the folder."""
    origin: Origin | None = None
    """The repository that it was fetched from."""


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test of a run, in the order of collection."""

    __test__ = False

    id: TestId
    index: int
    """Position in the collection, from 0; workers address tests by it."""
    file: str
    """Relative to the suite's folder, with forward slashes."""
    line: int | None = None
    """From 1."""
    serial_group: str | None = None
    """Tests of one group never run side by side."""
    quarantined: str | None = None
    """Why its failures decide nothing in this run; None if they do."""
