"""The command line `ath`."""

from cluster.cli.main import main

__all__ = ["main"]
