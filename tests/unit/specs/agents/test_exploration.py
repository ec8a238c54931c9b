"""A walk through a real site in a real browser, and the spec that comes of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from actors.specs.loader import load_file
from harness.settings import Settings
from serve.browser import browser as find_browser
from tests.unit.specs.world import reply, server

pytestmark = [pytest.mark.browser, pytest.mark.long]

PAGES = {
    "/": "<title>Home</title><h1>Hello</h1><a href=/goods>Goods</a><a href=/gone>Gone</a>"
    "<a href=http://localhost:1/far>far</a><a href=/logout>Log out</a>",
    "/goods": "<title>Goods</title><h1>Goods</h1><a href='/?a=1#x'>Home</a><button></button>"
    "<script>console.error('boo'); fetch('/missing'); setTimeout(() => nothing.here)</script>",
    "/?a=1": "<title>${env.HOME}</title>",
    "/logout": "<title>Never</title>",
}
SEEN: list[str] = []
CONFTEST = """\
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": %r, "args": ["--no-sandbox"]}
"""


def serve(connection: socket, request: bytes) -> None:
    path = request.split(b" ", 2)[1].decode()
    SEEN.append(path)
    page = PAGES.get(path)
    status = "404 Not Found" if page is None else "200 OK"
    connection.sendall(reply((page or "").encode(), status, "Content-Type: text/html"))


@pytest.fixture(scope="module")
def explored(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, subprocess.CompletedProcess[str], str]]:
    folder = tmp_path_factory.mktemp("explored")
    with server(serve) as url:
        ath = [sys.executable, "-c", "from cluster.cli.main import main; main()"]
        argv = [*ath, "agent", "explore", url, "--out", str(folder / "site.ath.yaml")]
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)
        yield folder, ended, url


def test_findings_are_told(
    explored: tuple[Path, subprocess.CompletedProcess[str], str],
) -> None:
    _, ended, url = explored
    assert ended.returncode == 1, ended.stderr
    told = ended.stderr
    for wanted in (
        f"dead link: {url}/gone: {url}/gone gave status 404, linked from {url}",
        f"console error: {url}/goods: boo",
        f"failed request: {url}/goods: GET {url}/missing gave status 404",
        f"page error: {url}/goods: nothing is not defined",
        f"no name: {url}/goods: 1 of role button have no name",
        "3 pages, 5 findings",
    ):
        assert wanted in told
    assert "/logout" not in SEEN


def test_proposed_spec_passes(
    explored: tuple[Path, subprocess.CompletedProcess[str], str],
) -> None:
    folder = explored[0]
    assert len(load_file(folder / "site.ath.yaml").spec.tests) == 3
    found = find_browser(Settings.load())
    assert found
    (folder / "conftest.py").write_text(CONFTEST % found.path)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "3 passed" in ended.stdout, ended.stdout
