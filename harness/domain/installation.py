"""One installation of the platform on a machine: where its parts listen and what it is doing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PlatformState(StrEnum):
    """What the supervisor last saw."""

    STARTING = "starting"
    UP = "up"
    MENDING = "mending"
    """Something died and is being brought back; runs that were accepted go on afterwards."""
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port of the installation, picked once and kept."""

    http: int
    gcs: int
    object_manager: int
    node_manager: int
    dashboard: int
    dashboard_agent: int
    dashboard_agent_grpc: int
    runtime_env_agent: int
    metrics_export: int
    ray_client: int
    haproxy_metrics: int
    haproxy_stats: int
    fallback_http: int
    fallback_grpc: int
    first_worker: int
    """Ray's worker processes use this port and those after it."""
    last_worker: int


@dataclass(frozen=True, slots=True)
class Installation:
    """What `ath status` tells, and what finds the platform again."""

    state: PlatformState
    url: str
    dashboard: str
    pid: int
    """Of the supervisor."""
    started: float
    """Seconds since the epoch."""
    version: str
    code: str
    """Folder that the running code was loaded from."""
    ports: Ports
    step: str = ""
    """What it is doing now, for people."""
    restarts: Mapping[str, int] = field(default_factory=dict)
    """How often each part was brought back."""
