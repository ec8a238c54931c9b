"""API keys: what they look like, how they are stored, whose they are."""

import hashlib
import hmac
import re
from collections import OrderedDict

from harness.domain.principal import Principal
from harness.ports.clock import Clock
from harness.ports.entropy import Entropy
from harness.ports.records import Records

_KEY = re.compile(r"ath_[A-Za-z0-9_-]{43,86}")


def new_key(entropy: Entropy) -> str:
    """A fresh API key; show it once, store only its hash."""
    return f"ath_{entropy.secret()}"


def hash_key(secret: bytes, key: str) -> str:
    """What the record store keeps of an API key: useless without the installation's secret."""
    return hmac.new(secret, b"api-key:" + key.encode(), hashlib.sha256).hexdigest()


class KeyRing:
    """Finds the principal of a key, with a short memory that spares a query per request.

    Looking up by a keyed hash leaks nothing through its timing: an attacker cannot choose hashes.
    """

    def __init__(
        self, records: Records, secret: bytes, clock: Clock, seconds: float, size: int = 1024
    ) -> None:
        self._records = records
        self._secret = secret
        self._clock = clock
        self._seconds = seconds
        self._size = size
        self._known: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def remembered(self, key: str) -> Principal | None:
        """The principal, when it was looked up a moment ago."""
        hashed = hash_key(self._secret, key)
        until, principal = self._known.get(hashed, (0.0, None))
        return principal if until > self._clock.monotonic() else None

    def look_up(self, key: str) -> Principal | None:
        """The principal by the record store; None for a key that nobody has.

        Raises:
            Unavailable: the record store does not answer.
        """
        if not _KEY.fullmatch(key):
            return None
        hashed = hash_key(self._secret, key)
        principal = self._records.principal(hashed)
        self._known.pop(hashed, None)
        if principal is not None:
            self._remember(hashed, principal)
        return principal

    def _remember(self, hashed: str, principal: Principal) -> None:
        self._known[hashed] = (self._clock.monotonic() + self._seconds, principal)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
