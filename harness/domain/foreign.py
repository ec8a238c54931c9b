"""Results that another tool made, whatever format they came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.domain.attempt import AttemptResult, Verdict
from harness.domain.ids import TestId
from harness.domain.results import judge
from harness.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ForeignAttachment:
    """A file that a report names; whether it is there, and where it may lie, is not known yet."""

    path: str
    """As the report says it; may be absolute, may point anywhere."""
    name: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class ForeignAttempt:
    """One execution that another tool told of."""

    result: AttemptResult
    """Without artifacts: those are the attachments, once their bytes are there."""
    attachments: tuple[ForeignAttachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignTest:
    """A test with everything that was told of it, in order."""

    id: TestId
    """Made of the names below, the same in every report; pytest's are its node ids again."""
    name: str
    classname: str = ""
    suite: str = ""
    file: str = ""
    """With forward slashes; empty where the report does not say."""
    line: int | None = None
    """From 1."""
    attempts: tuple[ForeignAttempt, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """Over all attempts; None where the report says that the test was not run."""
        return judge([attempt.result.verdict for attempt in self.attempts])


@dataclass(frozen=True, slots=True)
class ForeignResults:
    """What a report says."""

    tests: tuple[ForeignTest, ...]
    """In the order of the report, each id once."""
    tool: str = ""
    """What executed the tests, if the report tells."""
    started_at: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    """Of the whole report, where a platform wrote it."""
    notes: tuple[str, ...] = ()
    """What was cut, guessed or looks wrong, as sentences."""


class OtherFormat(InvalidInput):
    """The document may be in order, but is no report of the kind that was expected."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much of a report is read; it may come from anybody."""

    bytes: int = 128 << 20
    elements: int = 4_000_000
    depth: int = 100
    tests: int = 100_000
    name_characters: int = 2_000
    text_characters: int = 64 * 1024
    """Of one text, head and tail together."""
    all_characters: int = 32 << 20
    """Of all names and texts together; those that come after are cut to a few lines."""


DEFAULT_LIMITS = ReadLimits()
