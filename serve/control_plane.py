"""The control plane as a Ray Serve application."""

from typing import Any

from fastapi import FastAPI
from ray import serve

from harness.heap import settle_heap
from harness.settings import Settings
from serve.wiring import application


def build() -> FastAPI:
    """The application of this installation, made inside a replica."""
    app = application(Settings.load())
    settle_heap()
    return app


class ControlPlane:
    """One replica of the API."""


def control_plane(replicas: int) -> Any:  # Serve's Application type is not exported
    """The deployment, ready for `serve.run`."""
    deployment = serve.deployment(
        name="control-plane",
        num_replicas=replicas,
        max_ongoing_requests=512,
        health_check_period_s=5,
        graceful_shutdown_timeout_s=2,
        ray_actor_options={"num_cpus": 0},
    )
    return deployment(serve.ingress(build)(ControlPlane)).bind()
