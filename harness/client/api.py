"""The client: one project of one platform."""

from types import TracebackType
from typing import Self, TypedDict, Unpack

import httpx

from harness.client.artifacts import Artifacts
from harness.client.connection import Connection, Patience
from harness.client.decode import decode
from harness.client.imports import Imports
from harness.client.model_servers import ModelServers
from harness.client.policies import Policies
from harness.client.quarantines import Quarantines
from harness.client.quotas import Quotas
from harness.client.runs import Runs
from harness.client.sandbox_calls import SandboxOptions
from harness.client.sandboxes import Sandbox, Sandboxes
from harness.client.secrets import Secrets
from harness.client.suites import Suites
from harness.domain.ids import RunId
from harness.domain.principal import Principal
from harness.domain.scope import DEFAULT_SCOPE
from harness.errors import InvalidInput


class Client:
    """Talks to the API at `url` with an API key; use it as a context manager, from any thread."""

    def __init__(
        self,
        url: str,
        token: str,
        project: str = DEFAULT_SCOPE.project,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Connects on first use.

        Args:
            url: such as `http://127.0.0.1:8000`.
            token: an API key, `ath_…`.
            project: whose runs and suites.
            patience: how long to wait.
            transport: instead of the network.

        Raises:
            InvalidInput: the key cannot be sent as it stands.
        """
        waits = patience or Patience()
        self._http = httpx.Client(**http_options(url, token, waits), transport=transport)
        self._connection = Connection(self._http, waits)
        self._project = project
        path = f"/v1/projects/{project}"
        self.runs = Runs(self._connection, f"{path}/runs")
        self.imports = Imports(self._connection, f"{path}/imports")
        self.suites = Suites(self._connection, f"{path}/suites", f"{path}/sources")
        self.secrets = Secrets(self._connection, f"{path}/secrets")
        self.artifacts = Artifacts(self._connection, f"{path}/artifacts")
        self.quarantines = Quarantines(self._connection, f"{path}/quarantines")
        self.quotas = Quotas(self._connection)
        self.policies = Policies(self._connection)
        self.models = ModelServers(self._connection)
        self.sandboxes = Sandboxes(self._connection)

    def sandbox(self, **options: Unpack[SandboxOptions]) -> Sandbox:
        """A sandbox of its own; `with client.sandbox() as box:` ends it after the block.

        See `Sandboxes.create`.
        """
        return self.sandboxes.create(**options)

    @property
    def url(self) -> str:
        """The platform's address, without a slash at the end."""
        return str(self._http.base_url).rstrip("/")

    def page(self, run_id: RunId) -> str:
        """Where a browser that has signed in sees the run."""
        return f"{self.url}{self._page(run_id)}"

    def sign_in(self, run_id: RunId | None = None) -> str:
        """A link that signs a browser in and shows the run; works once, for five minutes."""
        body = {"to": self._page(run_id)} if run_id else {}
        link = self._connection.call("POST", "/v1/me/links", json=body).json()
        return f"{self.url}{link['path']}"

    def me(self) -> Principal:
        """Who the key belongs to.

        Raises:
            Unauthenticated: nobody has this key.
        """
        return decode(Principal, self._connection.call("GET", "/v1/me").json())

    def is_ready(self) -> bool:
        """Whether the platform answers and its stores do, now; never waits for it."""
        try:
            return self._http.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _page(self, run_id: RunId) -> str:
        return f"/ui/{self._project}/runs/{run_id}"

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


class HttpOptions(TypedDict):
    """What httpx's two clients have in common."""

    base_url: str
    headers: dict[str, str]
    timeout: httpx.Timeout
    trust_env: bool
    verify: bool


def http_options(url: str, token: str, waits: Patience) -> HttpOptions:
    """How a client reaches the API at `url`.

    Raises:
        InvalidInput: the key cannot be sent as it stands.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidInput("The API key has characters that no key has. Copy it again.")
    return HttpOptions(
        base_url=url,
        headers={"Authorization": f"Bearer {token}", "User-Agent": "ath"},
        timeout=httpx.Timeout(waits.quiet_seconds, connect=waits.connect_seconds),
        # A proxy in the environment must not come between us and a loopback API.
        trust_env=not _is_loopback(url),
        # Reading the machine's certificates takes time and serves nothing without TLS.
        verify=not url.startswith("http://"),
    )


def _is_loopback(url: str) -> bool:
    return httpx.URL(url).host in {"127.0.0.1", "::1", "localhost"}
