"""What is known about every test, whatever it does."""

from typing import Literal, TypeAlias

from actors.specs.budget import Budget
from actors.specs.model import Fixture, Name, SpecModel

Severity: TypeAlias = Literal["blocker", "critical", "major", "minor", "trivial"]


class Facts(SpecModel):
    """Who cares about a test, and what it may use."""

    owner: str | None = None
    """Who cares when it fails; the suite's, if not given."""
    severity: Severity | None = None
    tags: list[Name] = []
    """Marks for `pytest -m`, besides those of the suite."""
    use: list[Fixture] = []
    """Fixtures of a conftest.py beside the spec; `${fixtures.<name>}` sees their values."""
    budget: Budget | None = None
    skip: str | None = None
    """Why it is not run now."""
