"""Model servers on the wire; no key is."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.rest.wire.model import WireModel
from harness.domain.model_server import MOST_PRICE, MOST_PRICES, ModelServer
from harness.domain.price import Price

_Model = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Millionths = Annotated[int, Field(ge=0, le=MOST_PRICE)]


class PriceWire(WireModel):
    """Of a million tokens, in millionths of the installation's currency."""

    prompt: _Millionths = 0
    completion: _Millionths = 0


class PutModelServerWire(WireModel):
    """What a model server is to be."""

    base_url: Annotated[str, StringConstraints(max_length=2000)]
    """Ends before `/chat/completions`."""
    key_secret: Annotated[str, StringConstraints(max_length=128)] = ""
    """The secret that holds its key, in the project of the run that asks."""
    prices: Annotated[dict[_Model, PriceWire], Field(max_length=MOST_PRICES, default_factory=dict)]
    """By the model's own name."""

    def server(self, name: str) -> ModelServer:
        """The server of this name."""
        prices = {model: Price(p.prompt, p.completion) for model, p in self.prices.items()}
        return ModelServer.parse(name, self.base_url, self.key_secret, prices)


class ModelServerWire(PutModelServerWire):
    """A server that speaks the OpenAI API."""

    name: str
    by: str
    at: datetime


class ModelServerList(WireModel):
    """The model servers of a tenant."""

    servers: list[ModelServerWire]


def server_wire(server: ModelServer) -> ModelServerWire:
    """The server for the wire."""
    return ModelServerWire.model_construct(
        name=server.name,
        base_url=server.base_url,
        key_secret=server.key_secret,
        prices={
            model: PriceWire.model_construct(prompt=each.prompt, completion=each.completion)
            for model, each in sorted(server.prices.items())
        },
        by=server.by,
        at=server.at,
    )
