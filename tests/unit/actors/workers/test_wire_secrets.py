"""What a suite says holds no secret from the first moment on."""

import asyncio
import json
import socket

from actors.workers.wire import Wire
from harness.domain.redaction import NOTE, Redactor

VALUE = 'hunter2-"secret"-0123456789'
NOTED = NOTE.format("TOKEN")


async def received(message: object, redactor: Redactor) -> object:
    ours, theirs = socket.socketpair()
    with theirs:
        wire = await Wire.open(ours, redactor)
        theirs.sendall(json.dumps(message).encode() + b"\n")
        try:
            return await asyncio.wait_for(wire.receive(), 5)
        finally:
            await wire.close()


async def test_texts_of_a_message_are_cleaned_at_any_depth() -> None:
    message = {
        "ev": "finished",
        "i": 3,
        "phases": [{"name": "call", "failure": {"message": f"got {VALUE}", "frames": [["f"]]}}],
        "properties": [["header", f"Bearer {VALUE}"]],
        "files": [f"/tmp/{VALUE}.txt"],
    }
    assert await received(message, Redactor.of({"TOKEN": VALUE})) == {
        "ev": "finished",
        "i": 3,
        "phases": [{"name": "call", "failure": {"message": f"got {NOTED}", "frames": [["f"]]}}],
        "properties": [["header", f"Bearer {NOTED}"]],
        "files": [f"/tmp/{VALUE}.txt"],
    }


async def test_without_secrets_a_message_stays_as_it_is() -> None:
    message = {"ev": "finished", "text": VALUE}
    assert await received(message, Redactor()) == message
