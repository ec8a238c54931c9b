"""Garbage collection of processes that live long and hold much."""

import gc

ALLOCATIONS = 20_000
"""Objects made beyond those freed, after which young garbage is looked for; Python's is 700.

At that, storing the results of thousands of tests spent a fifth of its time on looking through
values that were all still in use.
"""


def settle_heap() -> None:
    """Take everything that exists for permanent, and look for new garbage less often.

    Call it once, when a process has loaded what it needs and is about to serve.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)
