"""The door of the benchmark `broker`, in a process of its own: an egress proxy and gateways."""

import asyncio
import json
import socket
import ssl
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from actors.broker.authority import Authority
from actors.broker.connections import Connections
from actors.broker.egress_effects import EgressEffects
from actors.broker.journal import Journal
from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.openai_provider import OpenAIProvider
from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from benchmarks.broker_far import input_closes
from harness.domain.account import Account, Budget, Measure
from harness.domain.host_rule import HostRule
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkPolicy
from harness.domain.policy import Policy
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy

LEASES = 16
"""Each with a gateway, a budget and a journal of its own, as sandboxes have."""
STREAMS = 256
"""At once through one gateway."""


async def main(far: Mapping[str, Any]) -> None:  # Any: what the far side told
    """Serve until standard input closes; a line of JSON tells ports and who signs for HTTPS."""
    clock, entropy = SystemClock(), SystemEntropy()
    authority = Authority(clock)
    proxy = EgressProxy(clock, upstream_tls=ssl.create_default_context(cadata=far["pem"]))
    port = far["http"]
    read = HostRule.written(f"localhost:{far['https']}")
    network = NetworkPolicy.allowing(
        [HostRule.written(f"localhost:{port}"), replace(read, methods=frozenset({"GET"}))]
    )
    policy = Policy(network, NameSet.parse(["local/*"]))
    ports, gateways, providers = [], [], []
    with tempfile.TemporaryDirectory(prefix="ath-benchmark-") as folder:
        for number in range(LEASES):
            journal = Journal(Path(folder) / str(number), clock)
            ledger = Ledger(Account(Budget({Measure.TOKENS: 10**12})), entropy)
            if not number:
                effects = EgressEffects(journal)
                proxy.admit(Passage("0", network, ledger, effects, authority=authority))
                listener = socket.create_server(("127.0.0.1", 0))
                ports.append(listener.getsockname()[1])
                await proxy.serve("0", listener)
            provider = OpenAIProvider(f"http://localhost:{port}/v1")
            gateway = ModelGateway(
                policy, ledger, {"local": provider}, journal, connections=Connections(STREAMS)
            )
            listener = socket.create_server(("127.0.0.1", 0))
            ports.append(listener.getsockname()[1])
            await gateway.serve(listener)
            gateways.append(gateway)
            providers.append(provider)
        print(json.dumps({"ports": ports, "pem": authority.pem}), flush=True)
        await asyncio.to_thread(input_closes)
        for gateway, provider in zip(gateways, providers, strict=True):
            await gateway.close()
            await provider.close()
        await proxy.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
