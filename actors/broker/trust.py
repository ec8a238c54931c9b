"""Which certificates hosts outside are believed by."""

import ssl
from functools import cache


@cache
def public_authorities() -> ssl.SSLContext:
    """The machine's own; read once, for that takes longer than opening a door."""
    return ssl.create_default_context()
