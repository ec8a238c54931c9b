"""One lease's Account, shared by all that spend from it."""

import threading
from collections.abc import Mapping

from harness.domain.account import Account, Measure
from harness.ports.entropy import Entropy


class Ledger:
    """Changes an Account atomically, from any thread."""

    def __init__(self, account: Account, entropy: Entropy) -> None:
        """Spend from this account."""
        self._account = account
        self._entropy = entropy
        self._lock = threading.Lock()

    @property
    def account(self) -> Account:
        """As it stands now."""
        return self._account

    def reserve(self, amounts: Mapping[Measure, int]) -> str:
        """Promise these to a call before it begins; gives the call's name.

        Raises:
            QuotaExceeded: one of them is not there; nothing is reserved.
        """
        call = self._entropy.new_id()
        with self._lock:
            self._account = self._account.reserve(call, amounts)
        return call

    def settle(self, call: str, used: Mapping[Measure, int]) -> None:
        """Count what a call used, and give the rest of its promise back."""
        with self._lock:
            self._account = self._account.settle(call, used)

    def release(self, call: str) -> None:
        """Give everything back: the call did not happen."""
        with self._lock:
            self._account = self._account.release(call)

    def spend(self, amounts: Mapping[Measure, int]) -> None:
        """Reserve and use at once.

        Raises:
            QuotaExceeded: one of them is not there; nothing is spent.
        """
        with self._lock:
            self._account = self._account.reserve("", amounts).settle("", amounts)
