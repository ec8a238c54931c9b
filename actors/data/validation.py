"""A validation from its rules to its report."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actors.data.artifact import write_artifact
from actors.data.confinement import Confinement
from actors.data.findings import Report
from actors.data.masking import Mask
from actors.data.opening import Opener
from actors.data.pandera_schema import PanderaSchema
from actors.data.plan import Plan, Wanted
from actors.data.rules import RuleSet
from actors.data.scan import Scan, scan
from actors.data.scheduling import Tasks, workers
from actors.data.seen import Seen, SourceRows
from harness.errors import InvalidInput
from harness.ports.clock import Clock, SystemClock
from harness.ports.entropy import Entropy, SystemEntropy
from harness.ports.query import Query


@dataclass(frozen=True, slots=True)
class Validator:
    """Validates data sets of one suite."""

    folder: Path
    """Where relative paths begin."""
    root: Path | None = None
    """The suite's folder, which no path leads out of; `folder` itself where left out."""
    databases: Callable[[str], Query] | None = None
    """The database of a secret's name."""
    mask_key: bytes = b""
    """Makes tokens of masked values the same in every report; else they are of one report."""
    unpacked_bytes: int = 4 << 30
    """How much archives may become on the disk."""
    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = field(default_factory=SystemEntropy)

    def validate(
        self,
        rules: RuleSet,
        *,
        schema: object | None = None,
        frames: Mapping[str, object] | None = None,
        artifact: Path | None = None,
        seconds: float | None = None,
    ) -> Report:
        """Reads every source once, and judges every rule.

        Args:
            rules: What must hold.
            schema: A Pandera `DataFrameSchema` or `DataFrameModel` that must hold, too.
            frames: Frames in memory, by the names that sources give them.
            artifact: Where failing rows are written, as `.parquet` or `.csv`.
            seconds: How long it may take, but for what tasks that have begun still do.

        Raises:
            HarnessError: a source cannot be read, or a rule makes no sense for it. That a rule
                does not hold is no error, but a finding.
        """
        with tempfile.TemporaryDirectory(prefix="ath-data-") as scratch:
            opener = self._opener(rules, frames or {}, Path(scratch))
            plan = Plan(rules, opener.open, self.clock.now, _schema(schema)).make()
            tasks = Tasks(Path(scratch), self.clock, seconds)
            return self._judged(plan, artifact, Path(scratch), tasks)

    def _judged(self, plan: Plan, artifact: Path | None, scratch: Path, tasks: Tasks) -> Report:
        rules = plan.rules
        mask = Mask(frozenset(plan.masked), self.mask_key or self.entropy.secret().encode())
        seen = _seen(plan, mask, scratch, tasks)
        judged = [judgement.judge(seen) for judgement in plan.judgements]
        findings = [finding for finding, _ in judged]
        broken = [(finding, kept) for finding, kept in judged if kept is not None]
        main = seen.of(rules.source)
        if artifact is None or not broken or not rules.kept:
            return Report(main.name, main.rows, findings)
        count = write_artifact(artifact, broken, rules.kept, mask)
        return Report(main.name, main.rows, findings, artifact, count)

    def _opener(self, rules: RuleSet, frames: Mapping[str, object], scratch: Path) -> Opener:
        folder = scratch / "spooled"
        folder.mkdir()
        share = _memory(rules) // workers()
        paths = Confinement(self.root or self.folder, self.folder)
        return Opener(paths, folder, frames, self.databases, share, workers(), self.unpacked_bytes)


def _seen(plan: Plan, mask: Mask, scratch: Path, tasks: Tasks) -> Seen:
    sources = {
        source: _scanned(plan.rules, wanted, scratch / f"scan-{place}", tasks)
        for place, (source, wanted) in enumerate(plan.wanted.items())
    }
    share = _memory(plan.rules) // workers()
    return Seen(sources, mask, plan.rules.shown, plan.rules.kept, share, scratch, tasks)


def _scanned(rules: RuleSet, wanted: Wanted, folder: Path, tasks: Tasks) -> SourceRows:
    columns = wanted.columns or list(wanted.opened.types)[:1]
    asked = Scan(
        folder,
        tuple(columns),
        wanted.key,
        tuple(wanted.checks),
        tuple(wanted.keys),
        tuple(wanted.groupings),
        max(rules.kept, rules.shown),
    )
    return SourceRows(wanted.opened, asked, scan(asked, wanted.opened.partitions, tasks))


def _memory(rules: RuleSet) -> int:
    return rules.memory_mib << 20


def _schema(schema: object | None) -> PanderaSchema | None:
    if schema is None:
        return None
    if hasattr(schema, "to_schema"):
        schema = schema.to_schema()
    if not hasattr(schema, "columns") or not hasattr(schema, "validate"):
        raise InvalidInput(
            f"{type(schema).__name__} is no Pandera schema: hand over a DataFrameSchema or a "
            "DataFrameModel"
        )
    return PanderaSchema(schema)
