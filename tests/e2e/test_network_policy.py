"""Browsers of a run go only where the allow-list of its environment lets them."""

import sys
from pathlib import Path
from socket import socket

import pytest

from harness.client import Client
from harness.domain.run import RunState
from tests.support.live_platform import LivePlatform
from tests.unit.specs.world import reply, server

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(300)]

SUITE = """\
import os
import pytest

@pytest.fixture(scope="session")
def far():
    return os.environ["FAR"]

def test_own_server(page):
    assert page.goto(os.environ["ATH_BASE_URL"]).status == 200
    assert page.inner_text("h1") == "near"

def test_redirect(page, far):
    assert page.goto(os.environ["ATH_BASE_URL"] + "/away").status == 403
    assert "is refused: the policy" in page.content()

def test_context_of_its_own(browser, far):
    context = browser.new_context()
    page = context.new_page()
    assert page.goto(far).status == 403
    context.close()
"""
SPEC = """\
allow: ["*"]
tests:
  - id: far
    steps:
      - browser:
          do:
            - goto: /
            - goto: /away
"""


def test_browsers_go_where_the_environment_allows(
    platform: LivePlatform, client: Client, suite: Path
) -> None:
    reached: list[bytes] = []
    (suite / "test_it.py").write_text(SUITE)
    (suite / "far.ath.yaml").write_text(SPEC)
    with server(lambda _, request: reached.append(request)) as far:

        def near(connection: socket, request: bytes) -> None:
            moved = ("302 Found", f"Location: {far}/")
            is_away = b"/away" in request.split(b"\r\n")[0]
            head = moved if is_away else ("200 OK", "Content-Type: text/html")
            connection.sendall(reply(b"<h1>near</h1>", *head))

        with server(near) as base_url:
            (suite / "ath.toml").write_text(
                f'[environments.near]\nbase_url = "{base_url}"\nallow = ["*.example"]\n'
                f'variables = {{ FAR = "{far}" }}\n'
            )
            words = ("run", "--env", "near", "--python", sys.executable)
            ran = platform.ath(*words, "--", "pytest", "-q", cwd=suite)
    said = ran.stdout + ran.stderr
    run = client.runs.list(limit=1)[0]
    assert run.state is RunState.FAILED, said
    assert {
        each.case.id.rpartition("::")[2]: str(each.verdict)
        for each in client.runs.results(run.id).tests
    } == {
        "test_own_server[chromium]": "passed",
        "test_redirect[chromium]": "passed",
        "test_context_of_its_own[chromium]": "passed",
        "far[chromium]": "failed",
    }, said
    assert "the environment's `allow` names *.example" in said
    assert reached == []
    events = client.runs.events(run.id, until="finished", seconds=60)
    denied = [each.data for each in events if each.type == "ath.policy.denied.v1"]
    # A whole Chromium asks its maker's services by itself, too.
    asked = [each for each in denied if "google" not in str(each["host"])]
    assert {(str(each["host"]), each["port"]) for each in asked} == {
        ("127.0.0.1", int(far.rpartition(":")[2]))
    }
    assert {each["test_index"] is None for each in asked} == {True, False}
