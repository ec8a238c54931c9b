"""What the application needs from the rest of the platform, as one value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

import anyio.to_thread

from harness.domain.results import RunResults
from harness.ports.artifacts import ArtifactStore
from harness.ports.clock import Clock
from harness.ports.entropy import Entropy
from harness.ports.records import Records
from harness.services.imports import Imports
from harness.services.model_servers import ModelServers
from harness.services.policies import Policies
from harness.services.quarantines import Quarantines
from harness.services.quotas import Quotas
from harness.services.runs import Runs
from harness.services.sandboxes import Sandboxes
from harness.services.secrets import Secrets
from harness.services.sources import Sources

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits and addresses of the application."""

    allowed_hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost", "[::1]"})
    """Names without port under which the application may be addressed."""
    max_body_bytes: int = 1024 * 1024
    """Of any request but an upload."""
    max_suite_bytes: int = 512 * 1024 * 1024
    max_import_bytes: int = 256 * 1024 * 1024
    """Of reports and the files that they name."""
    max_sandbox_file_bytes: int = 32 * 1024 * 1024
    """Of a file that is read from or written to a sandbox at once."""
    max_followers: int = 256
    """Event streams that one process serves at a time."""
    poll_seconds: float = 0.05
    """How soon a follower looks again after it saw an event; it backs off to `idle_seconds`."""
    idle_seconds: float = 0.5
    heartbeat_seconds: float = 10.0
    stream_seconds: float = 300.0
    """A longer stream ends and the client resumes, so that a draining replica comes to rest."""
    assess_seconds: float = 60.0
    """How long a follower of a finished run waits for its assessment."""
    principal_cache_seconds: float = 5.0
    """How long a revoked key may still work."""
    session_seconds: float = 12 * 3600.0
    trace_origin: str | None = None
    """Another name of this server, such as `https://traces.example.org`, for the trace viewer:
    recorded pages may be hostile and must not share an origin with sessions. On a loopback
    address the other one of `127.0.0.1` and `localhost` serves. Add it to `allowed_hosts`."""
    inline_reads: bool = True
    """Read records in the event loop: quicker where a read takes microseconds (SQLite)."""
    secure_cookies: bool = False
    """Set where browsers come by HTTPS."""


@dataclass(frozen=True, slots=True)
class Services:
    """Use cases, stores and settings of one application."""

    runs: Runs
    imports: Imports
    secrets: Secrets
    sources: Sources
    quotas: Quotas
    quarantines: Quarantines
    policies: Policies
    model_servers: ModelServers
    sandboxes: Sandboxes
    records: Records
    artifacts: ArtifactStore
    clock: Clock
    entropy: Entropy
    secret: bytes
    """Of the installation, 32 bytes or more; keys of every purpose are derived from it."""
    junit: Callable[[RunResults], Iterable[bytes]]
    """Makes a JUnit document, in pieces."""
    trace_viewer: Path | None = None
    """Folder of Playwright's trace viewer."""
    docs_assets: Path | None = None
    """Folder that holds `swagger-ui-bundle.js` and `swagger-ui.css`."""
    settings: ApiSettings = field(default_factory=ApiSettings)

    async def read(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do a short read, where the settings say."""
        if self.settings.inline_reads:
            return call(*args, **kwargs)
        return await self.threaded(call, *args, **kwargs)

    async def threaded(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what may take milliseconds in a thread."""
        return await anyio.to_thread.run_sync(lambda: call(*args, **kwargs))
