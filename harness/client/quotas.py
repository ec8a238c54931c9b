"""What the key's tenant may have at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.client.connection import Connection
from harness.client.decode import decode
from harness.domain.quota import Quota, QuotaName


@dataclass(frozen=True, slots=True)
class Quotas:
    """The limits of a tenant."""

    connection: Connection

    def list(self) -> Sequence[Quota]:
        """Every limit."""
        found = self.connection.call("GET", "/v1/quotas").json()
        return [decode(Quota, each) for each in found["quotas"]]

    def set(self, name: QuotaName, capacity: int | None) -> Quota:
        """Limit the tenant; None goes back to what the installation says.

        Raises:
            Forbidden: the key is not an operator's.
        """
        path, body = f"/v1/quotas/{name}", {"capacity": capacity}
        return decode(Quota, self.connection.call("PUT", path, json=body).json())
