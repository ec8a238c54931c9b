"""Which hosts a test may reach."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from actors.specs.failure import StepFailed

VARIABLE = "ATH_ALLOW"
"""Where the run's environment says what it allows."""
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts as `name`, `name:port`, or with `*` for any characters; None allows all."""

    hosts: Sequence[str] | None
    base_url: str = ""
    """Its host is always allowed."""
    environment: Sequence[str] | None = None
    """The same of the run's environment; what either refuses is refused."""

    @classmethod
    def of(cls, hosts: Sequence[str] | None, base_url: str, environ: Mapping[str, str]) -> Self:
        """A spec's list within that of the environment in which it runs."""
        allowed = environ.get(VARIABLE)
        if allowed is None:
            return cls(hosts, base_url)
        # A base URL that the spec itself names is none of the environment's.
        own = address(environ.get("ATH_BASE_URL", ""))
        return cls(hosts, base_url, [*allowed.split(), *([own] if own else [])])

    @property
    def is_open(self) -> bool:
        """Whether it allows everything."""
        return self.hosts is None and self.environment is None

    def check(self, url: str) -> None:
        """Raise unless the address may be reached.

        Raises:
            StepFailed: its host is not on the list.
        """
        if not self.permits(url):
            is_own = self.hosts is not None and not self._is_own(url)
            whose, hosts = (
                ("the spec's", self.hosts) if is_own else ("the environment's", self.environment)
            )
            raise StepFailed(
                f"{address(url) or url} is not allowed: {whose} `allow` names "
                f"{', '.join(hosts or ()) or 'no host'}",
                url=url,
            )

    def permits(self, url: str) -> bool:
        """Whether the address may be reached."""
        is_within = self.environment is None or _lists(self.environment, url)
        return is_within and (self.hosts is None or self._is_own(url))

    def names(self, host: str) -> bool:
        """Whether this host itself is named, not only a pattern that it is like."""
        own = None if self.hosts is None else [*self.hosts, address(self.base_url) or ""]
        lists = [each for each in (own, self.environment) if each is not None]
        return all(_names(each, host) for each in lists)

    def _is_own(self, url: str) -> bool:
        is_base = bool(self.base_url) and address(url) == address(self.base_url)
        return is_base or _lists(self.hosts or (), url)


def address(url: str) -> str | None:
    """`host:port` of a URL in lower case; None where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    host = parts.hostname.lower().rstrip(".")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _lists(hosts: Sequence[str], url: str) -> bool:
    found = address(url)
    if found is None:
        return False
    host = found.rpartition(":")[0]
    return any(_is_like(each.lower(), found, host) for each in hosts)


def _names(hosts: Sequence[str], host: str) -> bool:
    bare = f"[{host}]" if ":" in host else host
    named = (address(f"http://{each.removesuffix(':*')}") for each in hosts)
    return any(each is not None and each.rpartition(":")[0] == bare for each in named)


def _is_like(pattern: str, found: str, host: str) -> bool:
    has_port = re.search(r"(?:^|[^:]):(?:\d+|\*)$", pattern) and not pattern.endswith("]")
    wanted = ".*".join(re.escape(part) for part in pattern.split("*"))
    return bool(re.fullmatch(wanted, found if has_port else host))
