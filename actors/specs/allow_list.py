"""Which hosts a test may reach."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from actors.specs.failure import StepFailed

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class AllowList:
    """Hosts as `name`, `name:port`, or with `*` for any characters; None allows all."""

    hosts: Sequence[str] | None
    base_url: str = ""
    """Its host is always allowed."""

    def check(self, url: str) -> None:
        """Raise unless the address may be reached.

        Raises:
            StepFailed: its host is not on the list.
        """
        if not self.permits(url):
            raise StepFailed(
                f"{address(url) or url} is not allowed: the spec's `allow` names "
                f"{', '.join(self.hosts or ()) or 'no host'}",
                url=url,
            )

    def permits(self, url: str) -> bool:
        """Whether the address may be reached."""
        if self.hosts is None:
            return True
        found = address(url)
        if found is None:
            return False
        if self.base_url and found == address(self.base_url):
            return True
        host = found.rpartition(":")[0]
        return any(_is_like(each.lower(), found, host) for each in self.hosts)

    def names(self, host: str) -> bool:
        """Whether this host itself is named, not only a pattern that it is like."""
        written = [f"http://{each.removesuffix(':*')}" for each in self.hosts or ()]
        named = (address(url) for url in (*written, self.base_url))
        bare = f"[{host}]" if ":" in host else host
        return any(each is not None and each.rpartition(":")[0] == bare for each in named)


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


def _is_like(pattern: str, found: str, host: str) -> bool:
    has_port = re.search(r"(?:^|[^:]):(?:\d+|\*)$", pattern) and not pattern.endswith("]")
    wanted = ".*".join(re.escape(part) for part in pattern.split("*"))
    return bool(re.fullmatch(wanted, found if has_port else host))
