"""The namespace tier for somebody who is not root: no users of its own, no cgroups."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

pytestmark = pytest.mark.process
NOBODY = 65534
PYTHON = Path("/usr/bin/python3")

DRIVER = """
import asyncio, json, sys
sys.path.insert(0, {root!r})
from actors.sandbox.cgroup import find_roots
from harness.domain.sandbox import Command, Limits, SandboxSpec
from actors.sandbox.template import Template
from actors.sandbox.users import Users

COMMANDS = {{
    "honest": Command(code="import os; print(os.getuid()); open('f', 'w').write('x')"),
    "timeout": Command(argv=["sleep", "60"], timeout_seconds=0.2),
    "memory": Command(code="b = bytearray(1 << 20)\\nwhile True: b += b'x' * (1 << 20)"),
    "bomb": Command(code="import os\\nwhile True: os.fork()"),
    "root": Command(code="open('/etc/shadow').read()"),
    "mount": Command(code="import ctypes; assert not ctypes.CDLL(None).mount(0, b'/', 0, 4128, 0)"),
    "after": Command(code="print('usable')"),
}}

async def main():
    assert find_roots() is None
    template = await Template.start([], None, Users.of_this_process())
    limits = Limits(memory_bytes=128 << 20, processes=32)
    sandbox = await template.spawn(SandboxSpec("tenant", limits=limits))
    found = {{}}
    for name, command in COMMANDS.items():
        result = await sandbox.exec(command)
        found[name] = [result.exit_code, str(result.reason), result.stdout.decode()]
    found["file"] = sandbox.files.read("f").decode()
    sandbox.files.write("g", b"y")
    await sandbox.close()
    template.close()
    print(json.dumps(found))

asyncio.run(main())
"""


def can_run() -> bool:
    if os.geteuid() != 0 or not PYTHON.exists():
        return False
    asked = "import sys; sys.exit(sys.version_info < (3, 11))"
    found = subprocess.run([PYTHON, "-c", asked], user=NOBODY, check=False)
    there = subprocess.run(["test", "-r", ROOT / "actors"], user=NOBODY, check=False)
    return found.returncode == 0 and there.returncode == 0


def test_somebody_who_is_not_root_gets_a_sandbox(tmp_path: Path) -> None:
    if not can_run():
        pytest.skip("needs root, and a Python and a checkout that everybody may read")
    ran = subprocess.run(
        [PYTHON, "-I", "-B", "-c", DRIVER.format(root=str(ROOT))],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={},
        cwd="/",
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    found = json.loads(ran.stdout)
    assert found["honest"] == [0, "exit", "1000\n"]
    assert found["timeout"][1] == "timeout"
    assert found["memory"][1] == "oom"
    assert found["bomb"][0] != 0
    assert found["root"][0] == found["mount"][0] == 1
    assert found["after"] == [0, "exit", "usable\n"]
    assert found["file"] == "x"
