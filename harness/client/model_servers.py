"""Whom the agents of the key's tenant may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.client.connection import Connection
from harness.client.decode import decode
from harness.domain.model_server import ModelServer, check_server_name
from harness.domain.price import Price

_PATH = "/v1/models"


@dataclass(frozen=True, slots=True)
class ModelServers:
    """The model servers of a tenant."""

    connection: Connection

    def list(self) -> Sequence[ModelServer]:
        """By name."""
        found = self.connection.call("GET", _PATH).json()
        return [_server(each) for each in found["servers"]]

    def put(self, server: ModelServer) -> ModelServer:
        """Configure a server, or replace the one of the same name; gives it as stored.

        Raises:
            InvalidInput: it cannot be kept so.
            Forbidden: the key is not an operator's.
        """
        body = {
            "base_url": server.base_url,
            "key_secret": server.key_secret,
            "prices": {model: asdict(price) for model, price in server.prices.items()},
        }
        return _server(self.connection.call("PUT", f"{_PATH}/{server.name}", json=body).json())

    def remove(self, name: str) -> None:
        """Forget a server.

        Raises:
            NotFound: there is none of this name.
            Forbidden: the key is not an operator's.
        """
        check_server_name(name)
        self.connection.call("DELETE", f"{_PATH}/{name}")


def _server(data: Mapping[str, Any]) -> ModelServer:  # Any: JSON of the API
    prices = {model: decode(Price, each) for model, each in data.get("prices", {}).items()}
    return decode(ModelServer, data, prices=prices)
