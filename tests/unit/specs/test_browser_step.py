"""Browser steps against a real browser, and pages that mean harm."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from socket import socket
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from harness.settings import Settings
from serve.browser import browser as find_browser
from tests.unit.specs.world import reply, server

pytestmark = pytest.mark.browser

CONFTEST = """\
import json
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": %r, "args": ["--no-sandbox"]}

def pytest_runtest_logreport(report):
    if report.when == "call":
        with open(report.nodeid.partition("::")[2].partition("[")[0] + ".json", "w") as file:
            json.dump([report.outcome, report.longreprtext], file)

def pytest_runtest_teardown(item):
    with open(item.name.partition("[")[0] + ".denied", "w") as file:
        json.dump(getattr(item, "_ath_denied", None), file)
"""
FORM = """<title>Shop</title><h1>Goods</h1>
<label>Name <input id=n></label><label><input type=checkbox> Gift</label>
<select aria-label=Size><option>S<option>L</select>
<button onclick="document.querySelector('#out').textContent =
  [n.value, document.querySelector('select').value,
   document.querySelector('[type=checkbox]').checked].join(' ')">Buy</button>
<p id=out></p><ul><li>a<li>b</ul>"""
PAGES = {
    "/": FORM,
    "/dialogs": "<title>x</title><body onload='while (true) alert(1)'>",
    "/prompts": "<body><p id=p></p><script>p.textContent = confirm('sure?')</script>",
    "/downloads": "<a id=a href='/file' download>x</a>"
    "<button onclick='setInterval(() => a.click(), 5)'>Go</button>",
    "/popups": "<button onclick='for (let i = 0; i < 100; i++) window.open(\"/\")'>Go</button>",
    "/busy": "<button onclick='while (true);'>Go</button>",
    "/far": "<a href='http://localhost:1/'>far</a><img src='http://localhost:1/x.png'>",
    "/long": "<p id=p></p><script>p.textContent = 'x'.repeat(2e6)</script>",
    "/file": "bytes",
    "/socket": "<p id=p></p><script>let s = new WebSocket('ws://localhost:FAR/');"
    "s.onerror = () => p.textContent = 'no'; s.onopen = () => p.textContent = 'yes'</script>",
}
FAR: list[bytes] = []
"""What reached a host that is not allowed."""
FAR_PORT: list[str] = []
BUYS = [
    {"goto": "/"},
    {"fill": {"label": "Name", "value": "Ann"}},
    {"select": {"label": "Size", "value": "L"}},
    {"check": {"label": "Gift"}},
    {"click": {"role": "button", "name": "Buy"}},
    {"expect": {"text": {"css": "#out", "be": "Ann L true"}}},
    {"expect": {"title": "Shop", "url": {"matches": "/$"}, "visible": {"role": "heading"}}},
    {"expect": {"count": {"css": "li", "be": 2}, "hidden": {"text": "Sold out"}}},
    {"screenshot": "bought"},
]
CASES: Mapping[str, tuple[Any, str]] = {
    "buys": ({"do": BUYS}, ""),
    "sees": (
        {"do": [{"goto": "/"}, {"expect": {"text": {"css": "h1", "be": "Bads"}}}], "patience": 0.3},
        "the text of css 'h1' is \"Goods\", expected \"Bads\"",
    ),
    "misses": (
        {"do": [{"goto": "/"}, {"click": {"role": "button", "name": "Sell"}}], "patience": 0.3},
        "click role 'button' named 'Sell': Locator.click: Timeout 300ms exceeded",
    ),
    "accepts": (
        {
            "do": [{"goto": "/prompts"}, {"expect": {"text": {"css": "#p", "be": "true"}}}],
            "dialogs": "accept",
        },
        "",
    ),
    "dialogs": ({"do": [{"goto": "/dialogs"}]}, "the page opened more than 20 dialogs"),
    "downloads": (
        {
            "do": [
                {"goto": "/downloads"},
                {"click": "button"},
                {"expect": {"title": "never"}},
            ]
        },
        "the page opened more than 20 downloads",
    ),
    "popups": (
        {
            "do": [{"goto": "/popups"}, {"click": "button"}, {"expect": {"title": "never"}}],
            "patience": 10,
        },
        "the page opened more than 20 popups",
    ),
    "busy": (
        {
            "do": [
                {"goto": "/busy"},
                {"click": "button"},
                {"expect": {"text": {"css": "button", "be": "Gone"}}},
            ],
            "patience": 1,
        },
        "click css 'button': Locator.click: Timeout 1000ms exceeded",
    ),
    "far": (
        {"do": [{"goto": "/far"}, {"click": {"text": "far"}}, {"expect": {"title": "far"}}]},
        "localhost:1 is not allowed",
    ),
    "redirect_far": ({"do": [{"goto": "/away-far"}]}, "is not allowed: the spec's `allow` names"),
    "socket": (
        {"do": [{"goto": "/socket"}, {"expect": {"text": {"css": "#p", "be": "no"}}}]},
        "",
    ),
    "redirect": ({"do": [{"goto": "/away"}]}, "localhost:1 is not allowed"),
    "long": (
        {"do": [{"goto": "/long"}, {"expect": {"text": {"css": "#p", "be": {"length": 1}}}}],
         "patience": 0.2},
        "(100002 characters), expected length 1",
    ),
}  # fmt: skip


def serve(connection: socket, request: bytes) -> None:
    path = request.split(b" ", 2)[1].decode().partition("?")[0]
    if path == "/away":
        connection.sendall(reply(b"", "302 Found", "Location: http://localhost:1/"))
        return
    if path == "/away-far":
        to = f"Location: http://localhost:{FAR_PORT[0]}/"
        connection.sendall(reply(b"", "302 Found", to))
        return
    page = PAGES.get(path)
    body = (page or "").replace("FAR", FAR_PORT[0]).encode()
    connection.sendall(reply(body, "200 OK" if page else "404 No", "Content-Type: text/html"))


TWIN = """\
def test_twin(ath):
    ath.browser.goto("/")
    ath.browser.fill("Ann", label="Name")
    ath.browser.select("L", label="Size")
    ath.browser.check(label="Gift")
    ath.browser.click(role="button", name="Buy")
    ath.browser.expect(text={"css": "#out", "be": "Ann L true"})
    assert ath.browser.page.title() == "Shop"
    ath.browser.expect(title="Goods")
"""
TRACED = ("--tracing", "retain-on-failure")
LEFT: dict[str, bytes] = {}
DENIED: dict[str, list[dict[str, object]]] = {}
LEAK = """\
def test_leak(ath):
    ath.browser.goto("/?key=" + ath.secret("SHOP_KEY"))
    ath.browser.fill(ath.secret("SHOP_KEY"), label="Name")
    assert 0
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, str]]:
    """Outcome and report of every case, from one run."""
    folder = tmp_path_factory.mktemp("suite")
    browser = find_browser(Settings.load())
    assert browser, "no browser: make browser"
    (folder / "conftest.py").write_text(CONFTEST % browser.path)
    tests = [
        {"id": name, "steps": [{"browser": step, "seconds": 15}]}
        for name, (step, _) in CASES.items()
    ]
    (folder / "test_twin.py").write_text(TWIN)
    (folder / "test_leak.py").write_text(LEAK)
    (folder / "pages.ath.yaml").write_text(yaml.safe_dump({"allow": [], "tests": tests}))
    with server(lambda _, request: FAR.append(request)) as far, server(serve) as base_url:
        FAR_PORT.append(far.rpartition(":")[2])
        env = {**os.environ, "ATH_BASE_URL": base_url, "SHOP_KEY": "open-sesame"}
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *TRACED],
            cwd=folder, env=env, capture_output=True, check=False, timeout=170,
        )  # fmt: skip
    (trace,) = folder.glob("test-results/test-leak*/trace.zip")
    with ZipFile(trace) as archive:
        LEFT["trace"] = b"".join(map(archive.read, archive.namelist()))
    DENIED.update({each.stem: json.loads(each.read_text()) for each in folder.glob("*.denied")})
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


@pytest.mark.parametrize("name", CASES)
def test_browser_step_ends_in_a_clear_verdict(
    name: str, outcomes: Mapping[str, tuple[str, str]]
) -> None:
    outcome, report = outcomes[name]
    wanted = CASES[name][1]
    assert outcome == ("failed" if wanted else "passed"), report
    assert wanted in report


@pytest.mark.usefixtures("outcomes")
def test_a_host_that_is_not_allowed_is_never_reached() -> None:
    assert FAR == []
    for name in ("redirect_far", "socket"):
        (denied,) = _of_the_page(DENIED[name])
        assert (denied["host"], denied["port"]) == ("localhost", int(FAR_PORT[0]))
    assert _of_the_page(DENIED["buys"]) == []


def _of_the_page(denied: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without what a whole Chromium asks of its maker by itself."""
    return [each for each in denied if "google" not in str(each["host"])]


def test_twin_in_python_does_the_same(outcomes: Mapping[str, tuple[str, str]]) -> None:
    outcome, report = outcomes["test_twin"]
    assert outcome == "failed"
    assert 'ath.browser.expect(title="Goods")' in report
    assert 'StepFailed: the title is "Shop", expected "Goods"' in report
    assert "twin_browser.py" not in report


@pytest.mark.usefixtures("outcomes")
def test_trace_holds_no_secret() -> None:
    assert "\u2039secret SHOP_KEY\u203a".encode() in LEFT["trace"]
    assert b"open-sesame" not in LEFT["trace"]
