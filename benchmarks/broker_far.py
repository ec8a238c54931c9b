"""The far side of the benchmark `broker`: a small web server that is a model, too.

It answers GET and completions at once. Of a streamed completion it sends 20 tokens a second, each
of which tells when it was sent.
"""

import asyncio
import itertools
import json
import re
import sys
import time

from actors.broker.authority import Authority
from harness.ports.clock import SystemClock

PERIOD_SECONDS = 0.05
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
_USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
_PHASES = itertools.count()


async def main() -> None:
    """Serve until standard input closes; a line of JSON tells ports and who signs for HTTPS."""
    authority = Authority(SystemClock())
    plain = await asyncio.start_server(_hear, "127.0.0.1", 0, backlog=1024)
    tls = authority.context("localhost")
    secure = await asyncio.start_server(_hear, "127.0.0.1", 0, ssl=tls)
    ports = [each.sockets[0].getsockname()[1] for each in (plain, secure)]
    print(json.dumps({"http": ports[0], "https": ports[1], "pem": authority.pem}), flush=True)
    await asyncio.to_thread(input_closes)
    plain.close()
    secure.close()


def input_closes() -> None:
    """Wait for whoever started this process to end, or to end it."""
    sys.stdin.read()


async def _hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            found = _LENGTH.search(head)
            body = await reader.readexactly(int(found[1])) if found else b""
            if head.startswith(b"GET"):
                writer.write(PAGE)
            elif (asked := json.loads(body)).get("stream"):
                await _stream(writer, int(asked["max_tokens"]))
            else:
                writer.write(_completion())
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _completion() -> bytes:
    message = {"role": "assistant", "content": "hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "a", "object": "chat.completion", "choices": [choice], "usage": _USAGE}
    return _whole(json.dumps(answer).encode())


def _whole(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


async def _stream(writer: asyncio.StreamWriter, tokens: int) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    # Spread over the period, as the tokens of models that know nothing of each other are.
    due = loop.time() + next(_PHASES) * 0.618 % 1 * PERIOD_SECONDS
    for _ in range(tokens):
        due += PERIOD_SECONDS
        await asyncio.sleep(max(0.0, due - loop.time()))
        writer.write(_chunk(_token(f"{time.monotonic():.6f} ")))
    usage = {"id": "a", "object": "chat.completion.chunk", "choices": [], "usage": _USAGE}
    writer.write(_chunk(b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(usage).encode()))
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _token(text: str) -> bytes:
    return (
        b'data: {"id":"a","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        b'[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % text.encode()
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


if __name__ == "__main__":
    asyncio.run(main())
