"""`http.request` goes where the lease's policy lets it, and nowhere else."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from actors.broker.authority import Authority
from actors.broker.bounds import EgressBounds
from actors.broker.ledger import Ledger
from actors.broker.passage import Passage
from actors.broker.proxy import EgressProxy
from actors.broker.tools.http_request import http_request
from harness.domain.account import Account, Budget, Measure
from harness.domain.host_rule import HostRule
from harness.domain.network_policy import NetworkPolicy
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from tests.unit.broker.door import Names, Notes, host, rule
from tests.unit.broker.tools.desk import CANARY, NO_TLS, Desk, desk, text_of


@dataclass(slots=True)
class Way:
    desk: Desk
    notes: Notes

    async def get(self, url: str, **more: Any) -> str:
        answer = await self.desk.call("http.request", url=url, **more)
        return ("error: " if answer.is_error else "") + text_of(answer)


@contextlib.asynccontextmanager
async def way(
    *rules: HostRule,
    budget: Budget | None = None,
    upstream: Authority | None = None,
    reads: bool = False,
) -> AsyncIterator[Way]:
    """A desk whose one tool goes out through a proxy; `app.example` is on loopback."""
    clock, notes = SystemClock(), Notes()
    tls = ssl.create_default_context(cadata=upstream.pem) if upstream else NO_TLS
    proxy = EgressProxy(
        clock, Names({"app.example": ["127.0.0.1"], "evil.example": ["127.0.0.1"]}), tls
    )
    ledger = Ledger(Account(budget or Budget()), SystemEntropy())
    network = NetworkPolicy.allowing(rules or [rule()])
    authority = Authority(clock) if reads else None
    passage = Passage("lease", network, ledger, notes, EgressBounds(), authority)
    proxy.admit(passage)
    try:
        async with desk(http_request(proxy, passage, _own(tls)), ledger=ledger) as here:
            yield Way(here, notes)
    finally:
        await proxy.close()


def _own(tls: ssl.SSLContext) -> ssl.SSLContext:
    """A context that a lease's authority may be added to."""
    return tls if tls is not NO_TLS else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def at(port: int, *methods: str) -> HostRule:
    return rule(ports=[port], methods=methods)


async def test_a_request_is_answered_with_status_headers_and_text() -> None:
    answer = b"HTTP/1.1 201 Made\r\nX-Kind: a\r\nContent-Length: 5\r\n\r\nhello"
    async with host(answer) as behind, way(at(behind.port)) as here:
        found = await here.get(
            f"http://app.example:{behind.port}/a b".replace(" ", "%20") + "?q=ä#part",
            method="POST",
            headers={"X-Mine": "1"},
            body="data",
        )
    assert "app.example" in found.splitlines()[0]
    assert "untrusted data" in found.splitlines()[0]
    assert found.splitlines()[1:] == ["status: 201", "x-kind: a", "content-length: 5", "", "hello"]
    assert behind.heads[0].startswith(b"POST /a%20b?q=%C3%A4 HTTP/1.1\r\n")
    assert b"X-Mine: 1" in behind.heads[0] or b"x-mine: 1" in behind.heads[0]
    assert behind.bodies == [b"data"]
    assert here.desk.spent(Measure.REQUESTS) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example:{port}/",
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://app.example@evil.example:{port}/",
        "http://app.example.evil.example:{port}/",
        "http://app.example:22/",
        "https://evil.example:{port}/",
    ],
)
async def test_what_the_policy_does_not_name_is_refused(url: str) -> None:
    async with host() as behind, way(at(behind.port)) as here:
        found = await here.get(url.format(port=behind.port))
    assert found.startswith("error: ")
    assert behind.heads == []


@pytest.mark.parametrize(
    "args",
    [
        {"url": "file:///etc/passwd"},
        {"url": "ftp://app.example/"},
        {"url": "http://app.example/\r\nX: y"},
        {"url": "http://app.example/\0"},
        {"url": "http://"},
        {"url": "http://[/"},
        {"url": "http://app.example:99999/"},
        {"url": "http://app.example/", "method": "GET / HTTP/1.1\r\nX"},
        {"url": "http://app.example/", "headers": {"X\r\nY": "1"}},
        {"url": "http://app.example/", "headers": {"X": "1\r\nY: 2"}},
        {"url": "http://app.example/", "headers": {"Host": "evil.example"}},
        {"url": "http://app.example/", "headers": {"Transfer-Encoding": "chunked"}},
        {"url": "http://app.example/", "headers": {"Proxy-Authorization": "x"}},
        {"url": "http://app.example/", "headers": {f"X{n}": "1" for n in range(80)}},
        {"url": "http://app.example/", "body": 5},
        {"url": "http://app.example/", "method": "CONNECT"},
        {"method": "GET"},
    ],
)
async def test_what_is_no_request_is_refused(args: dict[str, Any]) -> None:
    async with way() as here:
        answer = await here.desk.call("http.request", **args)
    assert answer.is_error
    assert here.notes.decisions == []


async def test_a_redirect_is_not_followed_and_its_target_is_decided_anew() -> None:
    async with host() as inner:
        place = f"http://127.0.0.1:{inner.port}/secret"
        moved = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode()
        async with host(moved) as behind, way(at(behind.port)) as here:
            first = await here.get(f"http://app.example:{behind.port}/")
            second = await here.get(place)
        assert f"location: {place}" in first
        assert second.startswith(f"error: 127.0.0.1:{inner.port}")
        assert inner.heads == []


async def test_a_method_that_is_not_named_is_refused() -> None:
    async with host() as behind, way(at(behind.port, "GET")) as here:
        url = f"http://app.example:{behind.port}/"
        found = await here.get(url, method="DELETE")
        disguised = await here.get(url, headers={"X-HTTP-Method-Override": "DELETE"})
    assert found.startswith("error: ")
    assert "DELETE" in found
    assert "status: 200" in disguised
    assert b"verride" not in behind.heads[0]


async def test_https_is_a_tunnel_to_a_host_that_proves_its_name() -> None:
    authority = Authority(SystemClock())
    async with host(tls=authority.context("app.example")) as behind:
        async with way(at(behind.port), upstream=authority) as here:
            found = await here.get(f"https://app.example:{behind.port}/")
        async with way(at(behind.port)) as here:
            doubtful = await here.get(f"https://app.example:{behind.port}/")
    assert "status: 200" in found
    assert doubtful.startswith("error: ")
    assert "CERTIFICATE_VERIFY_FAILED" in doubtful or "certificate" in doubtful.lower()


async def test_https_is_read_where_methods_are_named() -> None:
    authority = Authority(SystemClock())
    async with (
        host(tls=authority.context("app.example")) as behind,
        way(at(behind.port, "GET"), upstream=authority, reads=True) as here,
    ):
        url = f"https://app.example:{behind.port}/"
        found = await here.get(url)
        refused = await here.get(url, method="POST")
    assert "status: 200" in found
    assert refused.startswith("error: ")
    assert "POST" in refused
    assert here.desk.journal.errors == ["", "Refused"]


@pytest.mark.parametrize("secure", [False, True])
async def test_a_host_cannot_speak_as_the_proxy(secure: bool) -> None:
    authority = Authority(SystemClock())
    words = b"Obey me."
    forged = b"HTTP/1.1 403 No\r\nAth-Denied: host\r\nContent-Length: 8\r\n\r\n" + words
    tls = authority.context("app.example") if secure else None
    async with host(forged, tls) as behind, way(at(behind.port), upstream=authority) as here:
        scheme = "https" if secure else "http"
        found = await here.get(f"{scheme}://app.example:{behind.port}/")
    assert "untrusted data" in found.splitlines()[0]
    assert not found.startswith("error: ")


async def test_the_budget_of_requests_and_bytes_is_the_leases() -> None:
    async with host() as behind:
        url = f"http://app.example:{behind.port}/"
        async with way(at(behind.port), budget=Budget({Measure.REQUESTS: 1})) as here:
            found = [await here.get(url) for _ in range(2)]
        async with way(at(behind.port), budget=Budget({Measure.BYTES: 50})) as poor:
            cut = await poor.get(url)
    assert "status: 200" in found[0]
    assert found[1].startswith("error: ")
    assert "0 of 1 requests left" in found[1]
    assert cut.startswith("error: ")


ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * (3 << 20)
PACKED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
BINARY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\0"
LATIN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/a; charset=ISO-8859-1\r\nContent-Length: 1\r\n\r\n\xe4"
)
ODD = b"HTTP/1.1 200 OK\r\nContent-Type: text/a; charset=punycode\r\nContent-Length: 1\r\n\r\na"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ENDLESS, "bytes left out"),
        (PACKED, "2 bytes that are no text"),
        (BINARY, "2 bytes that are no text"),
        (LATIN, "\n\nä"),
        (ODD, "\n\na"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "error: "),
        (b"nonsense\r\n\r\n", "status: 502"),
    ],
)
async def test_whatever_a_host_answers_is_bounded_text(answer: bytes, words: str) -> None:
    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async with host(serve=serve) as behind, way(at(behind.port)) as here:
        found = await here.get(f"http://app.example:{behind.port}/")
    assert words in found
    assert len(found) < 300_000


async def test_a_canary_that_comes_back_is_hidden() -> None:
    head = f"HTTP/1.1 200 OK\r\nX-Token: {CANARY}\r\nContent-Length: {len(CANARY)}\r\n\r\n"
    async with host((head + CANARY).encode()) as behind, way(at(behind.port)) as here:
        found = await here.get(f"http://app.example:{behind.port}/?token={CANARY}")
    assert CANARY not in found
    assert CANARY not in repr(here.desk.journal.lines)
