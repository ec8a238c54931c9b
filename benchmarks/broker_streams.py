"""Programs that hear streams of a model, and how late each token reaches them."""

import asyncio
import json
import re
import time
from collections.abc import Sequence

TOKENS_A_SECOND = 20
_SENT = re.compile(rb'"content":"([0-9.]+) "')


async def lateness(ports: Sequence[int], streams: int, seconds: float) -> list[float]:
    """Seconds from the sending of each token to its arrival, of all streams.

    Raises:
        RuntimeError: a stream did not come whole.
    """
    tokens = int(seconds * TOKENS_A_SECOND)
    heard = await asyncio.gather(
        *(_hear(ports[number % len(ports)], tokens, number) for number in range(streams))
    )
    return [late for each in heard for late in each]


async def _hear(port: int, tokens: int, number: int) -> list[float]:
    await asyncio.sleep(number * 0.001)  # nobody starts hundreds of agents within one moment
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(
        {
            "model": "local/m",
            "messages": [{"role": "user", "content": "Count."}],
            "stream": True,
            "max_tokens": tokens,
        }
    ).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: model\r\nContent-Length: %d\r\n\r\n"
    writer.write(head % len(body) + body)
    found: list[float] = []
    is_whole = False
    while not is_whole and (data := await reader.read(1 << 16)):
        now = time.monotonic()
        found += [now - float(sent) for sent in _SENT.findall(data)]
        is_whole = b"[DONE]" in data
    writer.close()
    if len(found) != tokens:
        raise RuntimeError(f"A stream of {tokens} tokens brought {len(found)}.")
    return found
