"""Secrets of a project: set, list, delete. Nobody reads a value back."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.client.connection import Connection
from harness.client.decode import decode
from harness.domain.secret import Secret, check_secret_name


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a project."""

    connection: Connection
    path: str

    def set(self, name: str, value: str) -> None:
        """Set a secret.

        Raises:
            InvalidInput: the name or the value cannot be used.
            Forbidden: the key is not an operator's.
        """
        check_secret_name(name)
        self.connection.call("PUT", f"{self.path}/{name}", json={"value": value})

    def list(self) -> Sequence[Secret]:
        """What there is, by name."""
        page = self.connection.call("GET", self.path).json()
        return [decode(Secret, data) for data in page["secrets"]]

    def delete(self, name: str) -> None:
        """Forget a secret.

        Raises:
            NotFound: there is no such secret.
        """
        check_secret_name(name)
        self.connection.call("DELETE", f"{self.path}/{name}")
