"""The command line `ath`."""

import sys

from harness.heap import collect_rarely

# Loading frees next to nothing, and httpx's own command line, which nobody calls here, would load
# click and pygments: together a quarter of the time that a command takes to start.
collect_rarely()
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None: "cannot be imported"

from cluster.cli.main import main  # noqa: E402  # after the above

__all__ = ["main"]
