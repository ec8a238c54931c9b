"""The Ray head of one installation: its command line and its environment."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.installation import InstallationFiles
from harness.domain.installation import Ports
from harness.settings import Settings, index_environ

LOOPBACK = "127.0.0.1"
INGRESS_PORTS = 24
"""Ports for replicas, of each protocol; the block of an installation's ports has room for both."""


def head_command(ports: Ports, settings: Settings, cpus: int) -> Sequence[str]:
    """The command that runs a Ray head in the foreground until one of its processes dies."""
    options = {
        "node-ip-address": LOOPBACK,
        "port": ports.gcs,
        "object-manager-port": ports.object_manager,
        "node-manager-port": ports.node_manager,
        "dashboard-host": LOOPBACK,
        "dashboard-port": ports.dashboard,
        "dashboard-agent-listen-port": ports.dashboard_agent,
        "dashboard-agent-grpc-port": ports.dashboard_agent_grpc,
        "runtime-env-agent-port": ports.runtime_env_agent,
        "metrics-export-port": ports.metrics_export,
        "ray-client-server-port": ports.ray_client,
        "min-worker-port": ports.first_worker,
        "max-worker-port": ports.last_worker,
        "temp-dir": settings.scratch / "ray",
        "num-cpus": cpus,
        "object-store-memory": settings.object_store_mib * 1024 * 1024,
        "include-log-monitor": "false",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    program = "from ray.scripts.scripts import main; main()"
    return [sys.executable, "-c", program, "start", "--head", "--block", *words]


def ray_environ(ports: Ports, settings: Settings) -> Mapping[str, str]:
    """The environment of Ray's processes and of whoever talks to them."""
    haproxy = settings.scratch / "haproxy"
    inherited = settings.environ() | index_environ()
    return inherited | {
        "ATH_SUPERVISED": str(settings.home),
        "PATH": os.defpath,
        "HOME": str(Path.home()),
        # Ray's workers must load the supervisor's code, not another checkout's.
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(InstallationFiles(settings.home).ray_token),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray's own is 15: everybody else's processes would go before a user's tests.
        "RAY_worker_niceness": "0",
        "RAY_DISABLE_IMPORT_WARNING": "1",
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(haproxy / "haproxy.cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(haproxy / "admin.sock"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(haproxy),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(haproxy / "server-state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(ports.haproxy_metrics),
        "RAY_SERVE_HAPROXY_STATS_PORT": str(ports.haproxy_stats),
        # HAProxy asks this proxy while it knows no replica; by default it is one for the machine.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(ports.fallback_http),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(ports.fallback_grpc),
        "RAY_SERVE_LOG_TO_STDERR": "0",
        # Serve's own default is one range for every cluster of a machine: after a restart, HAProxy
        # then sent requests to the replicas of another installation.
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(ports.last_worker + 1),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(ports.last_worker + INGRESS_PORTS),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(ports.last_worker + INGRESS_PORTS + 1),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(ports.last_worker + 2 * INGRESS_PORTS),
        "ATH_RAY_ADDRESS": f"{LOOPBACK}:{ports.gcs}",
        "ATH_HTTP_PORT": str(ports.http),
        "ATH_URL": f"http://{LOOPBACK}:{ports.http}",
    }
