"""The system under test as a run sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from harness.domain.host_rule import HostRule
from harness.domain.network_policy import NetworkPolicy
from harness.errors import InvalidInput

_PORTS = {"http": 80, "https": 443}


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
    allow: tuple[str, ...] | None = None
    """Hosts that browsers of its tests, and specs, may reach besides the one of `base_url`, as
    `host`, `host:port` or `*.host`; None does not limit them."""

    def __post_init__(self) -> None:
        """Refuse an allow-list that nobody can mean."""
        for text in self.allow or ():
            HostRule.written(text)

    def network(self) -> NetworkPolicy | None:
        """Where its browsers may go, once its look-ups are replaced; None does not limit them.

        Raises:
            InvalidInput: `base_url` names no host.
        """
        if self.allow is None:
            return None
        rules = [HostRule.written(text) for text in self.allow]
        return NetworkPolicy.allowing([*rules, *([_own(self.base_url)] if self.base_url else [])])


def _own(base_url: str) -> HostRule:
    try:
        parts = urlsplit(base_url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        port = None
    if not port or not parts.hostname:
        raise InvalidInput(
            f"The base URL {base_url[:200]!r} names no host; write http://host:port."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return HostRule.written(f"{host}:{port}")
