"""Puts the platform onto a running Ray head; safe to repeat: `python -m serve.deploy`."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import ray
from ray import serve

from actors.pools.actor import start_browser_host
from actors.scheduler.actor import start_scheduler
from actors.workers.actor import start_worker_host
from harness.settings import Settings
from serve.control_plane import control_plane
from serve.wiring import browser_host, grpc_gateway, prepare, scheduler, worker_host

CONNECT_SECONDS = 90.0


def deploy(settings: Settings, address: str) -> None:
    """Connect, prepare the stores, and start API, scheduler and host side by side.

    Raises:
        ConnectionError: no Ray head answered in time.
    """
    with ThreadPoolExecutor(1) as pool:
        prepared = pool.submit(prepare, settings)
        _connect(address)
        prepared.result()
    start_scheduler(partial(scheduler, settings))
    workers = settings.workers or os.cpu_count() or 1
    if settings.browsers >= 0:
        start_browser_host(partial(browser_host, settings, workers))
    start_worker_host(partial(worker_host, settings, workers))
    serve.start(http_options={"host": "127.0.0.1", "port": settings.http_port})
    serve.run(
        control_plane(settings.replicas), name="control-plane", route_prefix="/", blocking=False
    )
    if settings.grpc_port:
        from serve.grpc_gateway import start_grpc_gateway  # loads gRPC, which most never use

        start_grpc_gateway(partial(grpc_gateway, settings))


def _connect(address: str) -> None:
    until = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            ray.init(address=address, namespace="ath", log_to_driver=False)
        except (ConnectionError, RuntimeError) as refused:
            if time.monotonic() > until:
                raise ConnectionError(f"No Ray head answered at {address}.") from refused
            time.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    loaded = Settings.load()
    deploy(loaded, loaded.ray_address)
