"""How much the egress proxy carries for one lease, and how long it waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EgressBounds:
    """Limits of one lease and of each of its connections."""

    connections: int = 128
    """Open at once; one more is closed as soon as it is accepted."""
    head_bytes: int = 64 << 10
    """Of a request's or an answer's line and headers."""
    headers: int = 256
    """Of a request or an answer."""
    body_bytes: int = 256 << 20
    """Of each body."""
    head_seconds: float = 10.0
    """For a head to arrive whole, whatever its bytes' pace."""
    connect_seconds: float = 10.0
    """For a name to be resolved and a connection, with TLS, to be made."""
    idle_seconds: float = 60.0
    """Without any byte, and between two requests."""
    total_seconds: float = 3600.0
    """For a connection altogether."""
    addresses: int = 8
    """Tried of one name."""
