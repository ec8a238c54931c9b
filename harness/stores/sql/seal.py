"""Values that are stored encrypted."""

import base64
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from harness.errors import Corrupt
from harness.ports.entropy import Entropy

_PREFIX = "v1:"
_NONCE = 12


class Seal:
    """AES-256-GCM under a key derived from the installation's secret.

    What a value belongs to is authenticated with it, so it opens nowhere else.
    """

    def __init__(self, secret: bytes, entropy: Entropy) -> None:
        """`secret` never stands in the database that holds what it seals."""
        key = HKDF(SHA256(), 32, salt=None, info=b"ath secret store").derive(secret)
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def close(self, value: str, belongs_to: str) -> str:
        """The value, encrypted."""
        nonce = hashlib.sha256(self._entropy.secret().encode()).digest()[:_NONCE]
        sealed = self._cipher.encrypt(nonce, value.encode(), belongs_to.encode())
        return _PREFIX + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, belongs_to: str) -> str:
        """The value.

        Raises:
            Corrupt: it was sealed under another key or for something else, or was changed.
        """
        try:
            data = base64.b64decode(sealed.removeprefix(_PREFIX), validate=True)
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], belongs_to.encode()).decode()
        except (InvalidTag, ValueError) as wrong:
            raise Corrupt(
                f"{belongs_to} cannot be decrypted: it was changed, or stored under another key of "
                "the installation. Set it again."
            ) from wrong
