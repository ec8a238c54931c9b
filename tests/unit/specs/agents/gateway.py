"""A model that plays a transcript, behind the platform's own gateway."""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

from actors.broker.ledger import Ledger
from actors.broker.model_gateway import ModelGateway
from actors.broker.scripted_provider import ScriptedProvider
from harness.domain.account import Account, Budget
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.script import Reply
from harness.ports.entropy import SystemEntropy
from tests.fakes.journal import FakeJournal


@dataclass(slots=True)
class Watched:
    """A provider's requests, as it got them."""

    inner: ScriptedProvider
    bodies: list[str]

    def price(self, model: str) -> Any:  # Any: a price, which nobody looks at
        return self.inner.price(model)

    def call(self, kind: str, body: dict[str, Any]) -> Any:  # Any: JSON of the OpenAI API
        self.bodies.append(json.dumps(body))
        return self.inner.call(kind, body)


@contextmanager
def gateway(
    replies: Sequence[Reply], models: Sequence[str] = ("*",)
) -> Iterator[tuple[str, list[str]]]:
    """The platform's own gateway on loopback, with a model that plays a transcript."""
    watched = Watched(ScriptedProvider(replies), [])
    ledger = Ledger(Account(Budget({})), SystemEntropy())
    policy = Policy(models=NameSet.parse(models))
    served = ModelGateway(policy, ledger, {"scripted": watched}, FakeJournal())
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    serving = asyncio.run_coroutine_threadsafe(served.serve(listener), loop)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", watched.bodies
    finally:
        asyncio.run_coroutine_threadsafe(served.close(), loop).result(10)
        serving.cancel()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        listener.close()
