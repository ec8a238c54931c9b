"""What was wrong with an operation's answers, grouped so that the same is told the same."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST_DETAILS = 10
CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that did not hold, with the smallest request known that shows it."""

    check: str
    kind: str
    """What is wrong, in words that do not depend on what was sent."""
    told: str
    """The same with what was sent and answered."""
    request: str
    """As a curl command."""
    answer: str

    @property
    def title(self) -> str:
        """The check and what is wrong."""
        return f"{self.check}: {self.kind}"

    @property
    def detail(self) -> str:
        """For people, bounded."""
        parts = (self.told, self.request, self.answer)
        return "\n".join(bounded(part) for part in parts if part)


@dataclass(slots=True)
class Findings:
    """Of one operation."""

    operation: str
    found: dict[str, Finding] = field(default_factory=dict)
    """By title."""

    def add(self, finding: Finding) -> None:
        """Keep it, unless a smaller request shows the same."""
        known = self.found.setdefault(finding.title, finding)
        if len(finding.request) < len(known.request):
            self.found[finding.title] = finding

    def ordered(self) -> list[Finding]:
        """In an order that does not depend on what was sent."""
        return [self.found[title] for title in sorted(self.found)]

    @property
    def message(self) -> str:
        """The same text for the same failing checks."""
        count = len({finding.check for finding in self.found.values()})
        failing = f"{count} check{'s' if count > 1 else ''} failed"
        return f"{self.operation}: {failing}: {'; '.join(each.title for each in self.ordered())}"

    @property
    def details(self) -> Mapping[str, object]:
        """What to send to see each again."""
        return {each.title: each.detail for each in self.ordered()[:MOST_DETAILS]}


@dataclass(slots=True)
class Tally:
    """Requests of one phase."""

    statuses: Counter[int] = field(default_factory=Counter)
    failed: int = 0
    unsendable: int = 0

    def notes(self) -> Iterator[str]:
        """What was sent and what came back."""
        sent = self.statuses.total()
        told = ", ".join(
            f"{count} gave {status}" for status, count in sorted(self.statuses.items())
        )
        yield f"{sent} examples: {told}" if sent else "no examples"
        if self.failed:
            yield f"{self.failed} of them failed a check"
        if self.unsendable:
            yield f"{self.unsendable} further examples cannot be sent over HTTP"


def bounded(text: str) -> str:
    """At most so much of it."""
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}… ({len(text)} characters)"
