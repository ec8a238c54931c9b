"""Tests that run and are told of, but decide nothing until somebody mends them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase

from harness.domain.suite import TestCase
from harness.errors import InvalidInput

MAX_PATTERN = 4096
MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One or more tests of a project.

    Raises:
        InvalidInput: the pattern or the reason is empty or too long.
    """

    pattern: str
    """A test's id, or a glob of ids such as `tests/test_shop.py::*`; brackets stand for
    themselves, because ids of parametrised tests have them."""
    reason: str
    by: str
    since: datetime
    until: datetime | None = None
    """When the tests gate again; None means when somebody says so."""

    def __post_init__(self) -> None:
        """Refuse what nobody could find again."""
        for name, text, most in (
            ("pattern", self.pattern, MAX_PATTERN),
            ("reason", self.reason, MAX_REASON),
        ):
            if not text.strip() or len(text) > most:
                raise InvalidInput(f"A quarantine needs a {name} of 1 to {most} characters.")

    def holds(self, case: TestCase, now: datetime) -> bool:
        """Whether the test is quarantined by this, now."""
        if self.until is not None and now >= self.until:
            return False
        return case.id == self.pattern or fnmatchcase(case.id, self.pattern.replace("[", "[[]"))


def marked(
    cases: Iterable[TestCase], quarantines: Sequence[Quarantine], now: datetime
) -> Sequence[TestCase]:
    """The cases, each with the reason of the first quarantine that holds it."""
    if not quarantines:
        return list(cases)
    return [replace(case, quarantined=_reason(case, quarantines, now)) for case in cases]


def _reason(case: TestCase, quarantines: Sequence[Quarantine], now: datetime) -> str | None:
    return next((each.reason for each in quarantines if each.holds(case, now)), None)
