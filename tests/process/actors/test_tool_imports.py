"""Whoever opens no tool server does not pay for what it needs."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

CODE = """
import sys
from actors.broker.tools import browser, files, http_request, server, sql_read
print(sorted({"mcp", "playwright", "sqlalchemy", "cryptography"} & set(sys.modules)))
"""


def test_tools_load_their_packages_when_they_are_used() -> None:
    found = subprocess.run(  # a fresh interpreter is what this is about
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout == "[]\n"
