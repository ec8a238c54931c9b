"""An MCP client that runs in a sandbox calls tools, and nobody else does."""

import json
import sysconfig
from collections.abc import AsyncIterator

import pytest

from actors.broker.ledger import Ledger
from actors.broker.tools.files import SandboxWorkspace, file_tools
from actors.broker.tools.server import ToolServer
from actors.sandbox.cgroup import find_roots
from actors.sandbox.namespace import NamespaceSandbox
from actors.sandbox.template import Template
from actors.sandbox.users import Users
from harness.domain.account import Account, Budget
from harness.domain.name_set import NameSet
from harness.domain.policy import Policy
from harness.domain.redaction import Redactor
from harness.domain.sandbox import Bind, Command, SandboxSpec
from harness.errors import TierUnavailable
from harness.ports.clock import SystemClock
from harness.ports.entropy import SystemEntropy
from tests.unit.broker.tools.desk import Journal

pytestmark = pytest.mark.process

PORT = 8082
PACKAGES = "/packages"
CLIENT = f"""
import asyncio, json, sys
sys.path.insert(0, "{PACKAGES}")
import mcp

async def main():
    async with mcp.Client("http://127.0.0.1:{PORT}/mcp") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        written = await client.call_tool("files.write", {{"path": "notes/a", "content": "Hi"}})
        refused = await client.call_tool("browser.open", {{"url": "http://a/"}})
        print(json.dumps([names, written.content[0].text, refused.is_error]))

asyncio.run(main())
print(open("notes/a").read())
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[NamespaceSandbox]:
    """With the packages of this interpreter, where the client is."""
    binds = [Bind(sysconfig.get_path("purelib"), PACKAGES)]
    try:
        template = await Template.start(binds, find_roots(), Users.of_this_process())
    except TierUnavailable as missing:
        pytest.skip(str(missing))
    made = await template.spawn(SandboxSpec("tenant", binds=binds))
    yield made
    await made.close()
    template.close()


async def test_a_client_inside_calls_tools(sandbox: NamespaceSandbox) -> None:
    (listener,) = await sandbox.listen([PORT])
    journal = Journal()
    ledger = Ledger(Account(Budget()), SystemEntropy())
    policy = Policy(tools=NameSet.parse(["files.*"]))
    tools = file_tools(SandboxWorkspace(sandbox.files))
    server = ToolServer("lease", policy, ledger, journal, Redactor(), SystemClock(), tools)
    await server.serve(listener)
    try:
        result = await sandbox.exec(Command(code=CLIENT, timeout_seconds=60))
    finally:
        await server.close()
    assert result.ok, result.stderr.decode()[-2000:]
    said, file = result.stdout.decode().splitlines()
    names = ["files.read", "files.write", "files.list"]
    assert json.loads(said) == [names, "2 bytes were written to 'notes/a'.", True]
    assert file == "Hi"
    assert journal.kinds == ["begin", "end", "refuse"]
