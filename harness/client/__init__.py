"""The SDK for notebooks, CI and the command line: `Client(url, token)`."""

from harness.client.api import Client
from harness.client.runs import Runs
from harness.client.suites import Suites, Uploaded

__all__ = ["Client", "Runs", "Suites", "Uploaded"]
