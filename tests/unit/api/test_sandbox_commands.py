"""Commands in sandboxes over HTTP."""

import base64
import json
from collections.abc import Sequence

import httpx
import pytest

from tests.unit.api.test_sandboxes import made
from tests.unit.api.world import World

pytestmark = pytest.mark.anyio
STREAM = {"Accept": "text/event-stream"}


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    frames = [frame.split("\n") for frame in text.strip().split("\n\n")]
    return [
        (lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: ")))
        for lines in frames
        if len(lines) == 2
    ]


async def test_a_command_gives_how_it_ended(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        answer = await client.post(f"{box}/exec", json={"argv": ["echo", "grüß", "dich"]})
    assert answer.json() == {
        "exit_code": 0,
        "signal": None,
        "reason": "exit",
        "stdout": "grüß dich\n",
        "stdout_encoding": "text",
        "stderr": "",
        "stderr_encoding": "text",
        "stdout_dropped": 0,
        "stderr_dropped": 0,
        "usage": {"wall_seconds": 0.25, "cpu_seconds": 0.125, "peak_bytes": 1024},
    }


async def test_a_timeout_is_a_result(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        answer = await client.post(f"{box}/exec", json={"argv": ["sleep"], "timeout_seconds": 0.1})
        after = await client.post(f"{box}/exec", json={"argv": ["exit", "3"]})
    told = answer.json()
    assert (answer.status_code, told["reason"], told["signal"]) == (200, "timeout", 9)
    assert after.json()["exit_code"] == 3


async def test_bytes_come_and_go_as_base64(world: World) -> None:
    data = base64.b64encode(b"\xff\x00\xfe").decode()
    async with world.client() as client:
        box = await made(client)
        out = (await client.post(f"{box}/exec", json={"argv": ["bytes"]})).json()
        body = {"argv": ["cat"], "stdin": data, "stdin_encoding": "base64"}
        back = (await client.post(f"{box}/exec", json=body)).json()
        text = (await client.post(f"{box}/exec", json={"argv": ["cat"], "stdin": "ü"})).json()
        wrong = await client.post(f"{box}/exec", json=body | {"stdin": "no base64!"})
    assert (out["stdout"], out["stdout_encoding"]) == ("//4A", "base64")
    assert (back["stdout"], text["stdout"]) == (data, "ü")
    assert wrong.status_code == 422


async def test_output_comes_as_events_and_the_result_last(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        answer = await client.post(f"{box}/exec", json={"argv": ["echo", "grün"]}, headers=STREAM)
    told = events(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert told[-1][0] == "result"
    assert told[-1][1]["stdout"] == "grün\n"
    pieces = [fields for kind, fields in told if kind == "output"]
    data = b"".join(
        base64.b64decode(str(one["data"]))
        if one["encoding"] == "base64"
        else str(one["data"]).encode()
        for one in pieces
    )
    assert data == "grün\n".encode()
    assert {one["stream"] for one in pieces} == {"stdout"}


async def test_a_stream_that_breaks_says_so(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        answer = await client.post(f"{box}/exec", json={"argv": ["fail"]}, headers=STREAM)
        whole = await client.post(f"{box}/exec", json={"argv": ["fail"]})
    (kind, told) = events(answer.text)[-1]
    assert (kind, told["code"], whole.status_code) == ("problem", "internal", 500)
    assert "secret" not in answer.text + whole.text


async def test_who_goes_away_ends_the_command(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
    headers = {"Authorization": f"Bearer {world.member}", **STREAM}
    with world.serving() as url:
        async with (
            httpx.AsyncClient(base_url=url, headers=headers) as client,
            client.stream("POST", f"{box}/exec", json={"argv": ["yes"]}) as answer,
        ):
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    break
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            while not world.node.left:
                await client.get("/healthz")


REFUSED: Sequence[tuple[dict[str, object], str]] = (
    ({}, "argv or code"),
    ({"argv": ["a"], "code": "b"}, "argv or code"),
    ({"argv": ["a\0b"]}, "NUL"),
    ({"argv": ["echo"], "fds": {"3": 1}}, "fds"),
    ({"argv": ["echo"], "timeout_seconds": 0}, "timeout_seconds"),
    ({"argv": ["echo"], "timeout_seconds": 1e9}, "timeout_seconds"),
    ({"argv": ["echo"], "output_bytes": 1 << 40}, "output_bytes"),
    ({"argv": ["echo"], "output_limit_bytes": 1 << 50}, "output_limit_bytes"),
    ({"argv": ["echo"], "environ": {"": "x"}}, "variable"),
    ({"argv": ["x" * 70_000, "y" * 70_000]}, "larger"),
    ({"argv": ["x"] * 20_000}, "arguments"),
)


async def test_what_cannot_be_executed_is_refused(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        for fields, word in REFUSED:
            answers = [
                await client.post(f"{box}/exec", json=fields),
                await client.post(f"{box}/exec", json=fields, headers=STREAM),
                await client.post(f"{box}/commands", json=fields),
            ]
            assert {answer.status_code for answer in answers} == {422}, fields
            assert all(word in answer.json()["detail"] for answer in answers)


async def test_a_large_command_belongs_into_a_file(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        answer = await client.post(f"{box}/exec", json={"argv": ["cat"], "stdin": "x" * (2 << 20)})
    assert answer.status_code == 413


async def test_started_commands_are_waited_for_signalled_and_ended(world: World) -> None:
    async with world.client() as client:
        box = await made(client)
        first, second, third = [
            (await client.post(f"{box}/commands", json={"argv": words})).json()["number"]
            for words in (["echo", "hi"], ["sleep"], ["sleep"])
        ]
        told = await client.post(f"{box}/commands/{first}/wait", json={"seconds": 1})
        again = await client.post(f"{box}/commands/{first}/wait", json={})
        runs = await client.post(f"{box}/commands/{second}/wait", json={"seconds": 0})
        await client.post(f"{box}/commands/{second}/signal", json={"signal": 10})
        signalled = await client.post(f"{box}/commands/{second}/wait", json={})
        await client.delete(f"{box}/commands/{third}")
        ended = await client.post(f"{box}/commands/{third}/wait", json={})
        wrong = await client.post(f"{box}/commands/{third}/signal", json={"signal": 1000})
    assert (told.json()["stdout"], again.status_code) == ("hi\n", 404)
    assert (runs.status_code, runs.content) == (202, b"")
    assert (signalled.json()["signal"], ended.json()["signal"]) == (10, 9)
    assert wrong.status_code == 422
