"""Whatever bytes a client sends, only what is allowed is reached, and the proxy lives on."""

import asyncio
import contextlib
import random

from tests.unit.broker.door import door, host, rule

TRIES = 1000
PIECES = (
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"@", b"#", b"?", b"/", b"\\", b"%00", b"\x00"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b.example\r\n"),
    *(b"0\r\n\r\n", b"GET http://b.example/ HTTP/1.1\r\n\r\n", b"http://", b"[::1]", b"\xff"),
    *(b"CONNECT b.example:443 HTTP/1.1\r\n\r\n", b"HTTP/1.0", b"b.example", b"127.0.0.1"),
)


def mutated(chance: random.Random, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        if chance.random() < 0.3:
            del data[at : at + chance.randint(1, 6)]
        else:
            data[at:at] = chance.choice(PIECES)
    return bytes(data)


async def test_mutated_requests_reach_nothing_else() -> None:
    chance = random.Random(20)
    names = {"b.example": ["127.0.0.1"]}
    async with host() as app, host() as other:
        async with door(rule(ports=[app.port]), names=names) as way:
            seeds = [
                b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (app.at, app.at),
                b"POST http://%s/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" % app.at,
                b"GET http://b.example:%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % other.port,
                b"CONNECT b.example:%d HTTP/1.1\r\nHost: x\r\n\r\n" % other.port,
            ]

            async def one() -> None:
                with contextlib.suppress(TimeoutError):
                    await way.say(mutated(chance, chance.choice(seeds)))

            for _ in range(TRIES // 20):
                await asyncio.gather(*(one() for _ in range(20)))
            assert b"200 OK" in await way.say(seeds[0])
        reached = {each.host for each in way.notes.decisions if each.decision.is_allowed}
        assert reached <= {"app.example"}
        assert other.heads == []
        assert len(app.heads) > TRIES // 20
        assert len(way.notes.ends) == sum(each.decision.is_allowed for each in way.notes.decisions)
