"""A command's output as server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from anyio.lowlevel import checkpoint_if_cancelled
from pydantic import BaseModel
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.refusal import refusal
from api.rest.wire.sandbox import chunk_wire, result_wire
from harness.domain.sandbox import Chunk, ExecResult
from harness.errors import HarnessError
from harness.ports.entropy import Entropy

EVENT_STREAM = "text/event-stream"
_WAITING = 16
"""Pieces that may wait for a slow client; beyond that the command waits."""

_Item = Chunk | ExecResult | HarnessError | None


@dataclass(frozen=True, slots=True)
class Narration:
    """One command's stream; whoever stops reading it ends the command."""

    items: AsyncGenerator[Chunk | ExecResult, None]
    heartbeat_seconds: float
    entropy: Entropy

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Events as they come, a comment now and then in silence."""
        queue: asyncio.Queue[_Item] = asyncio.Queue(_WAITING)
        # In one task, because the deadline within the generator belongs to the task that began it.
        telling = asyncio.create_task(self._tell(queue))
        try:
            yield b": begun\n\n"
            while True:
                # While items keep coming, nothing else here would notice that the client left.
                await checkpoint_if_cancelled()
                try:
                    async with asyncio.timeout(self.heartbeat_seconds):
                        item = await queue.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if item is None:
                    return
                yield self._frame(item)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, queue: "asyncio.Queue[_Item]") -> None:
        try:
            async with aclosing(self.items):
                async for item in self.items:
                    await queue.put(item)
        except HarnessError as trouble:
            await queue.put(trouble)
        except Exception as trouble:  # a response that has begun can only tell
            broken = HarnessError("The host of sandboxes failed at this.")
            broken.__cause__ = trouble
            await queue.put(broken)
        await queue.put(None)

    def _frame(self, item: Chunk | ExecResult | HarnessError) -> bytes:
        match item:
            case Chunk():
                return _event("output", _json(chunk_wire(item)))
            case ExecResult():
                return _event("result", _json(result_wire(item)))
            case _:
                body = refusal(item, self.entropy.new_id())
                return _event("problem", json.dumps(body).encode())


class NarratedResponse(StreamingResponse):
    """Closes the stream when it ends, also when the client went away while bytes were sent."""

    def __init__(self, narration: Narration) -> None:
        self._frames = narration.frames()
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._frames, 200, headers, EVENT_STREAM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See Starlette."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._frames.aclose()


def _json(model: BaseModel) -> bytes:
    return model.__pydantic_serializer__.to_json(model, warnings="none")


def _event(kind: str, data: bytes) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"
