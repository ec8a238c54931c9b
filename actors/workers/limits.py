"""What one host may use."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.domain.sandbox_bounds import SandboxBounds


@dataclass(frozen=True, slots=True)
class HostLimits:
    """What one host may use."""

    workers: int
    renew_seconds: float = 5.0
    memory_bytes: int = 4 << 30
    """Of all processes of one run."""
    artifact_bytes: int = 100 << 20
    """Of one artifact."""
    run_artifact_bytes: int = 1 << 30
    """Of all artifacts of one run."""
    collect_seconds: float = 600.0
    write_roots: Sequence[str] | None = None
    """Below what suites may change files; None means everywhere."""
    sandboxes: SandboxBounds = field(default_factory=SandboxBounds)
    """Of each sandbox that a test lets an agent run in."""
