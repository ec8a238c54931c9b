"""How the platform's own actors are started: once, by name, and again after they died."""

from typing import Any

import ray

NAMESPACE = "ath"


def start_once(
    kind: type, build: object, name: str, max_concurrency: int = 256
) -> Any:  # Any: Ray types no handles of undecorated classes
    """The detached actor of this name, made by `kind(build)` unless it is there."""
    actor: Any = ray.remote(kind).options(
        name=name,
        namespace=NAMESPACE,
        lifetime="detached",
        get_if_exists=True,
        num_cpus=0,
        max_restarts=-1,
        max_concurrency=max_concurrency,
    )
    return actor.remote(build)
