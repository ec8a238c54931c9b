"""Software that knows of no sandbox does in one what it does outside."""

import asyncio
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actors.sandbox.cgroup import find_roots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.domain.sandbox import Bind, Command, SandboxSpec
from harness.errors import TierUnavailable
from harness.settings import Settings
from serve.browser import browser
from tests.support.ordinary_suite import CONFTEST, SUITE
from tests.support.runsc import gvisor_template

pytestmark = [pytest.mark.process, pytest.mark.long]

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml", "result.xml"]
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""The platform's own plugin is installed from a checkout that no sandbox sees."""


async def namespace_template(binds: Sequence[Bind]) -> Template:
    try:
        return await Template.start(binds, find_roots(), Users.of_this_process())
    except TierUnavailable as missing:
        pytest.skip(str(missing))


TIERS = {"namespace": namespace_template, "gvisor": gvisor_template}
each_tier = pytest.mark.parametrize("tier", TIERS)


@asynccontextmanager
async def sandbox_with(tier: str, *binds: Bind) -> AsyncIterator[NamespaceSandbox]:
    template = await TIERS[tier](binds)
    try:
        made = await template.spawn(SandboxSpec("tenant", binds))
        try:
            yield made
        finally:
            await made.close()
    finally:
        template.close()


@pytest.mark.parametrize("more", [[], ["-p", "xdist", "-n", "2"]], ids=["one process", "xdist"])
@each_tier
async def test_a_suite_ends_inside_as_outside(tmp_path: Path, tier: str, more: list[str]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_ordinary.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    outside = await asyncio.create_subprocess_exec(
        sys.executable,
        *PYTEST,
        *more,
        cwd=tmp_path,
        env={"PATH": os.defpath, **ALONE},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await outside.wait() == 1
    expected = outcomes((tmp_path / "result.xml").read_bytes())

    async with sandbox_with(tier, Bind(sys.prefix, "/opt/venv")) as inside:
        for name in ("conftest.py", "test_ordinary.py", "pytest.ini"):
            inside.files.write(name, (tmp_path / name).read_bytes())
        argv = ["/opt/venv/bin/python", *PYTEST, *more]
        result = await inside.exec(Command(argv=argv, environ=ALONE, timeout_seconds=120))
        assert result.exit_code == 1, (result.stdout[-3000:], result.stderr[-3000:])
        found = outcomes(inside.files.read("result.xml"))

    assert {
        key: (told, expected[key]) for key, told in found.items() if told != expected[key]
    } == {}
    assert found.keys() == expected.keys()
    assert {"passed", "failed", "errored", "skipped"} <= set(found.values())
    assert sum(told == "passed" for told in found.values()) > 35


def outcomes(junit: bytes) -> Mapping[str, str]:
    found = {}
    for case in ET.fromstring(junit).iter("testcase"):
        marks = {child.tag for child in case}
        bad = {"failure": "failed", "error": "errored", "skipped": "skipped"}
        name = f"{case.get('classname')}::{case.get('name')}"
        found[name] = next((told for mark, told in bad.items() if mark in marks), "passed")
    return found


PAGE = b"<title>a</title><script>document.title = [1, 2].map(n => n * 2).join()</script><canvas>"
SERVER = ["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"]
BROWSER = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"),
    *("--dump-dom", "http://127.0.0.1:8000/page.html"),
]


@each_tier
async def test_chromium_shows_a_page_of_the_sandboxes_own_loopback(tier: str) -> None:
    choice = browser(Settings.load({}))
    if choice is None:
        pytest.skip("no Chromium was found at installation")
    program = Path(choice.path)
    place = "/opt/browser"
    shown = [Bind(str(program.parent), place)] if not program.is_relative_to("/usr") else []
    path = f"{place}/{program.name}" if shown else choice.path
    async with sandbox_with(tier, *shown) as inside:
        inside.files.write("page.html", PAGE)
        server = inside.start(Command(argv=[f"{sys.base_prefix}/bin/{SERVER[0]}", *SERVER[1:]]))
        await answers(inside, 8000)
        result = await inside.exec(Command(argv=[path, *BROWSER], timeout_seconds=60))
        server.end()
        await server.wait()
    assert b"<title>2,4</title>" in result.stdout, (result.stdout[-500:], result.stderr[-3000:])
    assert result.ok


async def answers(inside: NamespaceSandbox, port: int) -> None:
    wait = f"""
import socket, time
for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", {port}), 1)
        break
    except OSError:
        time.sleep(0.05)
else:
    raise SystemExit("nothing answers")
"""
    assert (await inside.exec(Command(code=wait))).ok
