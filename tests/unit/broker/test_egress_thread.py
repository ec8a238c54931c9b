"""The egress proxy from code that is not asynchronous, and names as this machine resolves them."""

import httpx
import pytest

from actors.broker.dialer import SystemResolver
from actors.broker.egress_thread import EgressThread
from actors.broker.ledger import Ledger
from actors.broker.passage import Passage
from harness.domain.account import Account, Budget
from harness.domain.host_rule import HostRule
from harness.domain.network_policy import NetworkPolicy
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from tests.unit.broker.door import Notes
from tests.unit.specs.world import reply, server


def passage(lease: str, notes: Notes, *hosts: str) -> Passage:
    network = NetworkPolicy.allowing([HostRule.written(host) for host in hosts])
    return Passage(lease, network, Ledger(Account(Budget()), SystemEntropy()), notes)


def got(port: int, url: str) -> int:
    with httpx.Client(proxy=f"http://127.0.0.1:{port}", trust_env=False, timeout=5) as client:
        return client.get(url).status_code


def test_each_lease_has_a_port_with_its_own_rules() -> None:
    thread, notes = EgressThread(SystemClock()), Notes()
    with server(lambda connection, _: connection.sendall(reply(b"hi"))) as url:
        named = url.replace("127.0.0.1", "localhost")
        open_ = thread.lend(passage("a", notes, "localhost"))
        closed = thread.lend(passage("b", notes, "b.example"))
        assert (got(open_, named), got(closed, named)) == (200, 403)
        thread.give_back("a")
        with pytest.raises(httpx.TransportError):
            got(open_, named)
    thread.stop()
    with pytest.raises(httpx.TransportError):
        got(closed, named)
    thread.stop()


async def test_a_name_that_nobody_knows_is_an_error() -> None:
    resolver = SystemResolver()
    assert "127.0.0.1" in map(str, await resolver.addresses("localhost", 80))
    with pytest.raises(OSError, match=r"[Nn]ame|service"):
        await resolver.addresses("no-such-name.invalid", 80)
    resolver.close()
