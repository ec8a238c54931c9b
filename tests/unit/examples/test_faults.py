"""The candidate's faults strike where they are documented, and nowhere else."""

import asyncio
import json
from pathlib import Path

import pytest

import examples.datasette.plugins.faults as plugin
from examples.datasette.plugins.faults import Faults, Message, Receive, Send

README = Path(plugin.__file__).parents[1] / "README.md"


async def healthy(scope: Message, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b'{"ok": true}'})


async def no_message() -> Message:
    return {"type": "http.disconnect"}


def ask(app: plugin.App, path: str) -> tuple[int, dict[str, object]]:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    async def exchange() -> None:
        await app({"type": "http", "path": path}, no_message, keep)

    asyncio.run(exchange())
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_only_the_slow_page_is_held_back() -> None:
    faults = Faults()
    assert faults.delay_seconds(plugin.SLOW_PAGE) == plugin.SLOW_SECONDS
    assert faults.delay_seconds(f"{plugin.SLOW_PAGE}.json") == 0


@pytest.mark.parametrize("path", ["/", "/-/versions.json", "/catalogue/monthly_weather"])
def test_other_addresses_are_served(path: str) -> None:
    assert Faults().refusal(path) is None


def test_shaky_route_serves_every_second_request() -> None:
    faults = Faults()
    refused = [faults.refusal(plugin.SHAKY_ROUTE) is not None for _ in range(4)]
    assert refused == [True, False, True, False]


def test_other_requests_do_not_shift_the_shaky_route() -> None:
    app = plugin.asgi_wrapper()(healthy)
    paths = [plugin.SHAKY_ROUTE, "/", plugin.BROKEN_ROUTE, plugin.SHAKY_ROUTE]
    assert [ask(app, path)[0] for path in paths] == [503, 200, 500, 200]


def test_broken_route_answers_as_datasette_reports_errors() -> None:
    status, body = ask(plugin.asgi_wrapper()(healthy), plugin.BROKEN_ROUTE)
    assert (status, body["ok"], body["status"]) == (500, False, 500)


def test_each_server_counts_its_own_requests() -> None:
    wrap = plugin.asgi_wrapper()
    assert [ask(wrap(healthy), plugin.SHAKY_ROUTE)[0] for _ in range(2)] == [503, 503]


def test_button_is_renamed_on_one_table_only() -> None:
    assert '"Go"' in plugin.extra_body_script(plugin.RELABELLED_TABLE)
    assert plugin.extra_body_script("cars") == plugin.extra_body_script(None) == ""


@pytest.mark.parametrize(
    "place",
    [plugin.SLOW_PAGE, plugin.BROKEN_ROUTE, plugin.SHAKY_ROUTE, plugin.RELABELLED_TABLE],
)
def test_readme_documents_the_fault(place: str) -> None:
    assert place in README.read_text("utf-8")
