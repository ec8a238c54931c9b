"""What a validation found: every rule, met or not, with the rows that fail it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Row = Mapping[str, str | None]
"""Values by column as texts, masked where declared."""


@dataclass(frozen=True, slots=True)
class FailingRow:
    """One row that fails a rule."""

    key: str
    """Its business key, or `row 17` where none is declared."""
    number: int
    """Its place in the source, from 1."""
    values: Row
    """Of the key and of the columns that the rule looks at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule and what was seen."""

    rule: str
    """Where it stands in the rules, as in `columns.price.range`."""
    source: str
    """The name of the source whose rows it judges."""
    fault: str
    """What is wrong with a row that fails, as in `rows whose price is below 0`."""
    expected: str = ""
    observed: str = ""
    failed: int = 0
    """How many rows fail; 0 for a rule about the whole source that is broken, too."""
    checked: int = 0
    """How many rows were looked at."""
    met: bool = True
    rows: Sequence[FailingRow] = ()
    """The first that fail, in the order of the source."""

    @property
    def text(self) -> str:
        """One line for people."""
        if self.met:
            return f"{self.rule} holds for {self.checked} rows of {self.source}"
        if not self.failed:
            return f"{self.fault}: expected {self.expected}, observed {self.observed}"
        named = ", ".join(row.key for row in self.rows)
        left = self.failed - len(self.rows)
        more = f" and {left} more" if left else ""
        seen = f" ({self.observed})" if self.observed else ""
        return f"{self.failed} {_rows(self.fault, self.failed)}: {named}{more}{seen}"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings of one validation, in the order of the rules."""

    source: str
    rows: int
    findings: Sequence[Finding]
    artifact: Path | None = None
    """Parquet file of failing rows, values as texts; none where no row fails."""
    artifact_rows: int = 0

    @property
    def met(self) -> bool:
        """Whether every rule holds."""
        return all(finding.met for finding in self.findings)

    @property
    def broken(self) -> Sequence[Finding]:
        """The findings of rules that do not hold."""
        return [finding for finding in self.findings if not finding.met]

    @property
    def text(self) -> str:
        """One line for each broken rule; one line in all where none is."""
        if self.met:
            count = len(self.findings)
            rules = "1 rule holds" if count == 1 else f"{count} rules hold"
            return f"{rules} for {self.rows} rows of {self.source}"
        return "\n".join(finding.text for finding in self.broken)


def _rows(fault: str, count: int) -> str:
    noun, _, rest = fault.partition(" ")
    return f"{noun.removesuffix('s')} {rest}" if count == 1 else fault
