"""A suite that uses what a browser elsewhere could get wrong; run as `test_features.py`."""

import http.server
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, expect

BODY = b"<title>home</title><h1>hi</h1><input type=file multiple><a href=/f.txt download>dl</a>"
FILES = "document.querySelector('input').files"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_file = self.path == "/f.txt"
        body = b"content" if is_file else BODY
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if is_file else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def home() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_own_loopback_server(page: Page, home: str) -> None:
    page.goto(home)
    assert page.title() == "home"


def test_relative_screenshot(page: Page) -> None:
    page.set_content("<h1>x</h1>")
    page.screenshot(path="shots/a.png")
    assert Path("shots/a.png").read_bytes()[1:4] == b"PNG"


def test_relative_pdf(page: Page) -> None:
    page.pdf(path="a.pdf")
    assert Path("a.pdf").read_bytes()[:4] == b"%PDF"


def test_path_of_a_download(page: Page, home: str) -> None:
    page.goto(home)
    with page.expect_download() as download:
        page.click("a")
    assert Path(download.value.path()).read_bytes() == b"content"
    download.value.save_as("dl/f.txt")
    assert Path("dl/f.txt").read_bytes() == b"content"


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_upload(page: Page, home: str, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "up.txt" if kind == "absolute" else Path("up.txt")
    file.write_text("up")
    page.goto(home)
    page.set_input_files("input", file)
    assert page.evaluate(f"{FILES}[0].text()") == "up"


@pytest.mark.parametrize("name", ["h.har", "h.zip", "sub/h.har"])
def test_har_and_its_replay(browser: Browser, home: str, name: str) -> None:
    context = browser.new_context(record_har_path=name)
    context.new_page().goto(home)
    context.close()
    assert Path(name).stat().st_size > 0
    if name.endswith(".har"):
        assert json.loads(Path(name).read_text())["log"]["entries"]
    context = browser.new_context()
    context.route_from_har(name, not_found="abort")
    page = context.new_page()
    page.goto(home)
    assert page.title() == "home"
    context.close()


def test_trace_of_ones_own(browser: Browser, home: str) -> None:
    context = browser.new_context()
    # With --tracing, pytest-playwright has started one already.
    context.tracing.start(screenshots=True, snapshots=True)
    context.new_page().goto(home)
    context.tracing.stop(path="own.zip")
    context.close()
    names = zipfile.ZipFile("own.zip").namelist()
    assert "trace.trace" in names
    assert any(name.startswith("resources/") for name in names)


def test_storage_state(browser: Browser, home: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(home)
    page.evaluate("localStorage.a = 1")
    context.storage_state(path="state.json")
    context.close()
    context = browser.new_context(storage_state="state.json")
    page = context.new_page()
    page.goto(home)
    assert page.evaluate("localStorage.a") == "1"
    context.close()


def test_functions_and_routes(page: Page, home: str) -> None:
    heard: list[int] = []
    page.expose_function("tell", heard.append)
    page.route("**/*", lambda route: route.fulfill(body="<b>b</b>", content_type="text/html"))
    page.goto(home)
    page.evaluate("tell(3)")
    assert heard == [3]


def test_selectors_attribute(page: Page, playwright: Playwright) -> None:
    playwright.selectors.set_test_id_attribute("data-q")
    page.set_content("<b data-q=z>k</b>")
    expect(page.get_by_test_id("z")).to_have_text("k")
    playwright.selectors.set_test_id_attribute("data-testid")


def test_devtools_sessions(page: Page, browser: Browser) -> None:
    assert "product" in page.context.new_cdp_session(page).send("Browser.getVersion")
    assert browser.new_browser_cdp_session().send("Browser.getVersion")["product"]


def test_dialog(page: Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept("yes"))
    assert page.evaluate("prompt('?')") == "yes"


def test_second_browser_beside_the_first(browser: Browser, launch_browser: Any) -> None:
    second = launch_browser()
    assert second.new_page().evaluate("1 + 1") == 2
    second.close()
    assert browser.is_connected()


def test_browser_with_other_arguments(launch_browser: Any) -> None:
    other = launch_browser(args=["--no-sandbox", "--lang=de"])
    assert other.new_page().evaluate("1 + 1") == 2
    other.close()


def test_persistent_profile(
    playwright: Playwright, browser_type_launch_args: dict[str, Any], tmp_path: Path
) -> None:
    launch = playwright.chromium.launch_persistent_context
    context = launch(tmp_path / "profile", **browser_type_launch_args)
    context.new_page().goto("data:text/html,x")
    context.close()
    assert (tmp_path / "profile" / "Default").is_dir()


def test_time_zone_of_the_caller(page: Page) -> None:
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert zone == os.environ["TZ"]


def test_browser_type(browser: Browser) -> None:
    assert browser.browser_type.name == "chromium"
    assert browser.version.count(".") == 3


def test_crashed_page_leaves_the_browser(browser: Browser) -> None:
    page = browser.new_page()
    with pytest.raises(Error):
        page.goto("chrome://crash", timeout=5000)
    page.context.close()
    assert browser.new_page().evaluate("1 + 1") == 2


def test_fails_with_its_artifacts(page: Page, home: str) -> None:
    page.goto(home)
    page.click("#nothing", timeout=300)


def test_fails_after_closing_its_browser(launch_browser: Any) -> None:
    other = launch_browser()
    page = other.new_page()
    other.close()
    page.title()


def test_is_skipped() -> None:
    pytest.skip("not today")


def test_huge_file_beside_the_artifacts(page: Page, output_path: str) -> None:
    page.set_content("<h1>x</h1>")
    Path(output_path).mkdir(parents=True)
    with (Path(output_path) / "screenshot.png").open("wb") as file:
        file.truncate(200 << 20)


def test_endless_dialogs(page: Page) -> None:
    page.goto("data:text/html,<script>for (;;) alert(1)</script>", timeout=1000)


def test_after_the_hostile_one(page: Page) -> None:
    assert page.evaluate("1 + 1") == 2
