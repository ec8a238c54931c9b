"""The SDK for notebooks, CI and the command line: `Client(url, token)`."""

from typing import TYPE_CHECKING

from harness.client.api import Client
from harness.client.runs import Runs
from harness.client.sandboxes import Sandbox
from harness.client.suites import Suites, Uploaded

if TYPE_CHECKING:
    from harness.client.async_client import AsyncClient, AsyncSandbox

__all__ = ["AsyncClient", "AsyncSandbox", "Client", "Runs", "Sandbox", "Suites", "Uploaded"]


def __getattr__(name: str) -> object:
    """The asynchronous part, loaded by those who use it: every command loads this package."""
    if name in {"AsyncClient", "AsyncSandbox"}:
        from harness.client import async_client

        return getattr(async_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
