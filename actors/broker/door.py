"""The one way out of a sandbox: proxy, models and forwarded ports on its own loopback."""

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from actors.broker.egress_effects import EgressEffects
from actors.broker.journal import Journal
from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.model_provider import ModelProvider
from actors.broker.model_sources import keys_of, open_providers
from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from actors.broker.scripted_provider import ScriptedProvider
from actors.broker.secret_headers import SecretHeaders
from actors.broker.tools.server import ToolServer
from actors.broker.tools.tool import Tool
from actors.sandbox.files import SandboxFiles
from actors.sandbox.sandbox import Sandbox
from harness.domain.account import Account, Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.host_name import Endpoint
from harness.domain.host_rule import WEB_PORTS
from harness.domain.network_policy import NetworkMode, NetworkPolicy
from harness.domain.redaction import Redactor
from harness.domain.sandbox import WORKSPACE, SandboxRef
from harness.domain.scope import Scope
from harness.errors import Forbidden
from harness.ports.clock import Clock
from harness.ports.entropy import Entropy
from harness.ports.knowledge import Knowledge

if TYPE_CHECKING:  # loading cryptography takes longer than all of the rest
    from actors.broker.authority import Authority

PROXY_PORT, MODEL_PORT, TOOL_PORT = 61080, 61081, 61082
"""Above what kernels give to clients, and out of the way of what agents serve."""
FORWARDED_PORT = 61100
"""From here on, where two hosts have the same port."""
MOST_FORWARDS = 32
SCRIPTED = "scripted"
_FOLDER = ".door"
_CERTIFICATES = f"{_FOLDER}/certificates.pem"
_LEASE = "door"
_OPEN, _SNAPSHOT = "browser.open", "browser.snapshot"
_TRUSTING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


class Browsers(Protocol):
    """Lends browsers to doors."""

    async def lend(self, tenant: str, lease: str) -> str:
        """A program that stands in for a Chromium."""
        ...

    async def take_back(self, lease: str) -> None:
        """Whatever was lent under this name."""
        ...


@dataclass(frozen=True, slots=True)
class BrokerDoorway:
    """A `Doorway` of the platform's own broker."""

    clock: Clock
    entropy: Entropy
    browsers: Browsers | None = None
    """Without any, tools that need one are not offered."""
    knowledge: Callable[[Scope], Knowledge] | None = None
    """Of a project; without it nothing is known."""

    async def open(
        self, ref: SandboxRef, sandbox: Sandbox, spec: DoorSpec, journal: Path
    ) -> "Door":
        """See `Doorway.open`."""
        if spec.policy.network.mode is NetworkMode.HOST:
            raise Forbidden(
                "A sandbox never has the machine's own network. Let the policy list what it may "
                "reach under `network.allow`."
            )
        redactor = Redactor.of({**spec.secrets, **spec.databases, **keys_of(spec.sources)})
        ledger = Ledger(Account(spec.policy.budget), self.entropy)
        door = Door(ref, spec, self, Journal(journal, self.clock, redactor), redactor, ledger)
        try:
            await door.serve(sandbox)
        except BaseException:
            await door.close()
            raise
        return door


@dataclass(slots=True)
class Door:
    """Open for one sandbox; whatever passes it, or wanted to, stands in its journal."""

    ref: SandboxRef
    spec: DoorSpec
    way: BrokerDoorway
    journal: Journal
    redactor: Redactor
    ledger: Ledger
    environ: dict[str, str] = field(default_factory=dict)
    """By which unmodified programs find it."""
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    _token: str = field(init=False, repr=False)
    """Of whatever goes out for the sandbox from this machine, such as its browser."""

    def __post_init__(self) -> None:
        """Nothing is open."""
        self._token = self.way.entropy.secret()

    @property
    def spent(self) -> Mapping[Measure, int]:
        """What was used so far."""
        return self.ledger.account.spent

    async def shut(self) -> None:
        """End everything that is under way."""
        await self._opened.aclose()

    async def close(self) -> None:
        """The same, and forget the journal."""
        await self.shut()
        self.journal.close()

    async def serve(self, sandbox: Sandbox) -> None:
        """Listen inside the sandbox."""
        forwards = _forwards(self.spec.policy.network)
        ports = [PROXY_PORT, MODEL_PORT, TOOL_PORT, *forwards]
        http, models, tools, *forwarded = await sandbox.listen(ports)
        for listener in (http, models, tools, *forwarded):
            self._opened.callback(listener.close)
        proxy, passage = self._passage()
        await proxy.serve(_LEASE, http)
        for each, to in zip(forwarded, forwards.values(), strict=True):
            await proxy.forward(_LEASE, each, to)
        await self._serve_models(models)
        await self._serve_tools(tools, await self._tools(sandbox, proxy, passage))
        self.environ |= _environ(forwards)
        if passage.authority is not None:
            await asyncio.to_thread(_trust, sandbox.files, passage.authority)
            self.environ |= dict.fromkeys(_TRUSTING, f"{WORKSPACE}/{_CERTIFICATES}")

    def _passage(self) -> tuple[EgressProxy, Passage]:
        network = self.spec.policy.network
        proxy = EgressProxy(self.way.clock)
        self._opened.push_async_callback(proxy.close)
        passage = Passage(
            _LEASE,
            network,
            self.ledger,
            EgressEffects(self.journal),
            authority=_authority(self.way.clock) if network.reads else None,
            secrets=SecretHeaders.of(network, self.spec.secrets),
        )
        proxy.admit(passage, self._token)
        return proxy, passage

    async def _serve_models(self, listener: socket.socket) -> None:
        gateway = ModelGateway(
            self.spec.policy, self.ledger, self._providers(), self.journal, self.spec.missing
        )
        self._opened.push_async_callback(gateway.close)
        await gateway.serve(listener)

    async def _serve_tools(self, listener: socket.socket, tools: Sequence[Tool]) -> None:
        server = ToolServer(
            self.ref.id,
            self.spec.policy,
            self.ledger,
            self.journal,
            self.redactor,
            self.way.clock,
            tools,
        )
        self._opened.push_async_callback(server.close)
        await server.serve(listener)

    async def _tools(
        self, sandbox: Sandbox, proxy: EgressProxy, passage: Passage
    ) -> Sequence[Tool]:
        """Those that the policy names anything of; it decides on each call, too."""
        from actors.broker.tools.files import SandboxWorkspace, file_tools
        from actors.broker.tools.http_request import http_request
        from actors.broker.tools.knowledge import knowledge_search
        from actors.broker.tools.sql_read import sql_read

        if not self.spec.policy.tools.patterns:
            return ()
        found = [http_request(proxy, passage), *file_tools(SandboxWorkspace(sandbox.files))]
        if self.spec.scope is not None and self.way.knowledge is not None:
            found.append(knowledge_search(self.way.knowledge(self.spec.scope)))
        if self.spec.databases:
            found.append(sql_read(self.spec.databases, self.way.clock))
        return [*found, *await self._browser(proxy, passage)]

    async def _browser(self, proxy: EgressProxy, passage: Passage) -> Sequence[Tool]:
        from actors.broker.tools.browser import browser_tools
        from actors.broker.tools.browser_session import WayOut

        names = self.spec.policy.tools
        if self.way.browsers is None or not (names.holds(_OPEN) or names.holds(_SNAPSHOT)):
            return ()
        self._opened.push_async_callback(self.way.browsers.take_back, self.ref.id)
        executable = await self.way.browsers.lend(self.ref.tenant, self.ref.id)
        port = await proxy.open(passage.bounds)
        server = f"http://127.0.0.1:{port}"
        return browser_tools(executable, WayOut(server, _LEASE, self._token), passage)

    def _providers(self) -> dict[str, ModelProvider]:
        found = open_providers(self.spec.sources, self._opened)
        if self.spec.script:
            found[SCRIPTED] = ScriptedProvider(self.spec.script)
        return found


def _forwards(network: NetworkPolicy) -> dict[int, Endpoint]:
    """Local ports, and the hosts behind them: those that are written out, with their ports."""
    wanted = sorted(
        Endpoint(rule.hosts.text, port)
        for rule in network.rules
        if rule.methods is None and "*" not in rule.hosts.text
        for port in rule.ports or ()
        if port not in WEB_PORTS
        and not network.connection(Endpoint(rule.hosts.text, port)).must_read
    )
    found: dict[int, Endpoint] = {}
    for to in wanted[:MOST_FORWARDS]:
        is_free = to.port not in found and 1024 <= to.port < PROXY_PORT
        found[to.port if is_free else FORWARDED_PORT + len(found)] = to
    return found


def _environ(forwards: Mapping[int, Endpoint]) -> dict[str, str]:
    proxy = f"http://127.0.0.1:{PROXY_PORT}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    proxies = {each: proxy for name in names for each in (name, name.lower())}
    here = "localhost,127.0.0.1,::1"
    led = {str(to): f"127.0.0.1:{port}" for port, to in forwards.items()}
    return {
        **proxies,
        "NO_PROXY": here,
        "no_proxy": here,
        "OPENAI_BASE_URL": f"http://127.0.0.1:{MODEL_PORT}/v1",
        "OPENAI_API_KEY": "none-needed",
        "ATH_MCP_URL": f"http://127.0.0.1:{TOOL_PORT}/mcp",
        **({"ATH_FORWARDS": json.dumps(led)} if led else {}),
    }


def _authority(clock: Clock) -> "Authority":
    from actors.broker.authority import Authority

    return Authority(clock)


def _trust(files: SandboxFiles, authority: "Authority") -> None:
    """The machine's own certificates and the sandbox's, in one file."""
    known = ssl.get_default_verify_paths().cafile
    own = Path(known).read_text() if known else ""
    files.make_folder(_FOLDER)
    files.write(_CERTIFICATES, f"{own}\n{authority.pem}".encode())
