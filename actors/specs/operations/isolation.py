"""What an operation's requests must not depend on, and what must not be fetched for them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.core.jsonschema import resolver
from schemathesis.generation.hypothesis.reporting import ignore_hypothesis_output


@contextmanager
def isolated() -> Iterator[None]:
    """For as long as the block lasts.

    Hypothesis draws on constants of whatever modules of the user's are loaded: the same seed would
    make other requests in a worker that ran other tests before. Schemathesis fetches references.
    """
    kept: list[tuple[Any, str, Any]] = [  # Any: modules, and what they hold
        (providers, "_get_local_constants", Constants),
        (providers, "CONSTANTS_CACHE", LRUCache(1024)),
        (resolver, "retrieve", _refused),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in kept]
    for module, name, value in kept:
        setattr(module, name, value)
    try:
        with warnings.catch_warnings(), ignore_hypothesis_output():
            warnings.simplefilter("ignore")
            yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


def _refused(uri: str) -> Any:  # Any: as the function that it replaces
    raise OSError(f"{uri[:200]} is not in the description")
