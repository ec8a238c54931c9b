"""The one way out of a sandbox: proxy, models and forwarded ports on its own loopback."""

import asyncio
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actors.broker.egress_effects import EgressEffects
from actors.broker.journal import Journal
from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.model_provider import ModelProvider
from actors.broker.openai_provider import OpenAIProvider
from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from actors.broker.scripted_provider import ScriptedProvider
from actors.broker.secret_headers import SecretHeaders
from actors.sandbox.files import SandboxFiles
from actors.sandbox.sandbox import Sandbox
from harness.domain.account import Account, Measure
from harness.domain.door_spec import DoorSpec
from harness.domain.host_name import Endpoint
from harness.domain.host_rule import WEB_PORTS
from harness.domain.network_policy import NetworkMode, NetworkPolicy
from harness.domain.redaction import Redactor
from harness.domain.sandbox import WORKSPACE
from harness.errors import Forbidden
from harness.ports.clock import Clock
from harness.ports.entropy import Entropy

if TYPE_CHECKING:  # loading cryptography takes longer than all of the rest
    from actors.broker.authority import Authority

PROXY_PORT, MODEL_PORT = 61080, 61081
"""Above what kernels give to clients, and out of the way of what agents serve."""
FORWARDED_PORT = 61100
"""From here on, where two hosts have the same port."""
MOST_FORWARDS = 32
SCRIPTED = "scripted"
_FOLDER = ".door"
_CERTIFICATES = f"{_FOLDER}/certificates.pem"
_LEASE = "door"
_TRUSTING = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@dataclass(frozen=True, slots=True)
class BrokerDoorway:
    """A `Doorway` of the platform's own broker."""

    clock: Clock
    entropy: Entropy

    async def open(self, sandbox: Sandbox, spec: DoorSpec, journal: Path) -> "Door":
        """See `Door.open`."""
        return await Door.open(sandbox, spec, journal, self.clock, self.entropy)


@dataclass(slots=True)
class Door:
    """Open for one sandbox; whatever passes it, or wanted to, stands in its journal."""

    spec: DoorSpec
    journal: Journal
    ledger: Ledger
    clock: Clock
    environ: dict[str, str] = field(default_factory=dict)
    """By which unmodified programs find it."""
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    async def open(
        cls, sandbox: Sandbox, spec: DoorSpec, journal: Path, clock: Clock, entropy: Entropy
    ) -> "Door":
        """Listen inside the sandbox.

        Raises:
            Forbidden: the policy gives the machine's own network, which no sandbox has.
        """
        network = spec.policy.network
        if network.mode is NetworkMode.HOST:
            raise Forbidden(
                "A sandbox never has the machine's own network. Let the policy list what it may "
                "reach under `network.allow`."
            )
        redactor = Redactor.of({**spec.secrets, **_keys(spec)})
        ledger = Ledger(Account(spec.policy.budget), entropy)
        door = cls(spec, Journal(journal, clock, redactor), ledger, clock)
        try:
            await door._serve(sandbox, network)
        except BaseException:
            await door.close()
            raise
        return door

    @property
    def spent(self) -> Mapping[Measure, int]:
        """What was used so far."""
        return self.ledger.account.spent

    async def close(self) -> None:
        """End everything that is under way, and forget the journal."""
        await self._opened.aclose()
        self.journal.close()

    async def _serve(self, sandbox: Sandbox, network: NetworkPolicy) -> None:
        forwards = _forwards(network)
        listeners = await sandbox.listen([PROXY_PORT, MODEL_PORT, *forwards])
        for listener in listeners:
            self._opened.callback(listener.close)
        authority = _authority(self.clock) if network.reads else None
        await self._serve_network(network, authority, listeners[0], forwards, listeners[2:])
        await self._serve_models(listeners[1])
        self.environ |= _environ(forwards)
        if authority is not None:
            await asyncio.to_thread(_trust, sandbox.files, authority)
            self.environ |= dict.fromkeys(_TRUSTING, f"{WORKSPACE}/{_CERTIFICATES}")

    async def _serve_network(
        self,
        network: NetworkPolicy,
        authority: "Authority | None",
        listener: socket.socket,
        forwards: Mapping[int, Endpoint],
        forwarded: Sequence[socket.socket],
    ) -> None:
        proxy = EgressProxy(self.clock)
        self._opened.push_async_callback(proxy.close)
        effects = EgressEffects(self.journal)
        secrets = SecretHeaders.of(network, self.spec.secrets)
        passage = Passage(
            _LEASE, network, self.ledger, effects, authority=authority, secrets=secrets
        )
        proxy.admit(passage)
        await proxy.serve(_LEASE, listener)
        for each, to in zip(forwarded, forwards.values(), strict=True):
            await proxy.forward(_LEASE, each, to)

    async def _serve_models(self, listener: socket.socket) -> None:
        gateway = ModelGateway(self.spec.policy, self.ledger, self._providers(), self.journal)
        self._opened.push_async_callback(gateway.close)
        await gateway.serve(listener)

    def _providers(self) -> dict[str, ModelProvider]:
        found: dict[str, ModelProvider] = {}
        for source in self.spec.sources:
            provider = OpenAIProvider(source.base_url, source.key, source.prices)
            self._opened.push_async_callback(provider.close)
            found[source.name] = provider
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


def _keys(spec: DoorSpec) -> dict[str, str]:
    return {f"key of {source.name}": source.key for source in spec.sources if source.key}
