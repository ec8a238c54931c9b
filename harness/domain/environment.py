"""The system under test as a run sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a suite version is executed against.

    `${port}` (a free port) and `${base_url}` are replaced in `base_url`, `up`, `health` and
    `variables`.
    """

    name: str
    base_url: str | None = None
    up: tuple[str, ...] = ()
    """Command that serves the system under test in the foreground; empty when it is up already."""
    health: str | None = None
    """URL that answers below 400 as soon as tests may start."""
    ready_seconds: float = 60.0
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the tests, besides `ATH_BASE_URL`, which is given as well."""
