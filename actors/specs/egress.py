"""The way out of a spec's pages: a proxy that knows the test's `allow`."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from actors.broker.egress_thread import EgressThread
from actors.broker.ledger import Ledger
from actors.broker.passage import Passage
from actors.broker.report import EgressDecided, EgressEnded
from actors.specs.allow_list import AllowList
from actors.specs.failure import StepFailed
from harness.domain.account import Account, Budget
from harness.domain.address_range import is_public, real_address
from harness.domain.decision import ALLOWED, Decision, Denial, refused
from harness.domain.host_name import Address, Endpoint, address_of
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy

MOST_DENIALS = 20
_THREAD = pytest.StashKey[EgressThread]()


@dataclass(slots=True)
class PageEgress:
    """Decides for the pages of one test, and keeps what was refused."""

    allow: AllowList
    server: str = ""
    """Its address, as browsers want it."""
    denied: list[EgressDecided] = field(default_factory=list)
    """The first of them, each host and port once."""

    def connection(self, to: Endpoint) -> Decision:
        """Whether anything may go there."""
        try:
            self.allow.check(f"http://{to}")
        except StepFailed as failed:
            return refused(Denial.HOST, str(failed))
        return ALLOWED

    def request(self, to: Endpoint, method: str) -> Decision:
        """The same for every method."""
        return self.connection(to)

    def address(self, to: Endpoint, address: Address, method: str | None = None) -> Decision:
        """Public addresses, and others where the host is named, not only like a pattern.

        An address that is written out leads nowhere else, and a link-local one must be named so.
        """
        is_written, is_named = address_of(to.host) == address, self.allow.names(to.host)
        is_near = real_address(address).is_link_local
        is_meant = (is_written and is_named) if is_near else (is_written or is_named)
        if is_public(address) or is_meant:
            return ALLOWED
        return refused(
            Denial.ADDRESS,
            f"{to} is not allowed: it leads to {address}, which is not public; "
            "name the host itself in the spec's `allow` if that is meant",
        )

    def decided(self, what: EgressDecided) -> None:
        """Keep a refusal; called in the proxy's thread."""
        known = {(each.host, each.port) for each in self.denied}
        is_new = (what.host, what.port) not in known and len(known) < MOST_DENIALS
        if is_new and not what.decision.is_allowed:
            self.denied.append(what)

    def ended(self, what: EgressEnded) -> None:
        """Nobody asks."""

    def plain(self) -> list[dict[str, object]]:
        """What was refused, as plain values for the platform's runner."""
        return [
            {"host": each.host, "port": each.port, "reason": each.decision.reason}
            for each in self.denied
        ]


def open_egress(item: pytest.Item, allow: AllowList) -> tuple[PageEgress, Callable[[], None]]:
    """From now on the item's pages go out through this; the second value ends it.

    Raises:
        Unavailable: the proxy does not answer.
    """
    thread = _thread_of(item.config)
    found = PageEgress(allow)
    entropy = SystemEntropy()
    passage = Passage(entropy.new_id(), found, Ledger(Account(Budget()), entropy), found)
    found.server = f"http://127.0.0.1:{thread.lend(passage)}"
    mark = _proxied(item, found.server)
    item.own_markers.insert(0, mark)

    def end() -> None:
        item.own_markers.remove(mark)
        thread.give_back(passage.lease)

    return found, end


def _proxied(item: pytest.Item, server: str) -> pytest.Mark:
    """What pytest-playwright adds to the arguments of the test's browser contexts."""
    given = next(item.iter_markers("browser_context_args"), None)
    arguments = {**(given.kwargs if given else {}), "proxy": {"server": server}}
    mark: pytest.Mark = pytest.mark.browser_context_args(**arguments).mark
    return mark


def _thread_of(config: pytest.Config) -> EgressThread:
    if _THREAD not in config.stash:
        config.stash[_THREAD] = thread = EgressThread(SystemClock())
        config.add_cleanup(thread.stop)
    return config.stash[_THREAD]
