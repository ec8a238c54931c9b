"""Garbage collection of processes that live long and hold much."""

import gc

ALLOCATIONS = 20_000
"""Objects made beyond those freed, after which young garbage is looked for.

Python's own number is 700, at which storing the results of thousands of tests spent a fifth of its
time on looking through values that were all still in use.
"""


def collect_rarely() -> None:
    """Look for garbage less often from now on."""
    gc.set_threshold(ALLOCATIONS, 10, 10)


def settle_heap() -> None:
    """Take everything that exists for permanent, and look for new garbage less often.

    Call it once, when a process has loaded what it needs and is about to serve.
    """
    gc.collect()
    gc.freeze()
    collect_rarely()
