"""Servers of models that a tenant has configured; what they are asked with is kept elsewhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from urllib.parse import SplitResult, urlsplit

from harness.domain.host_name import address_of, host_name
from harness.domain.price import Price
from harness.domain.secret import check_secret_name
from harness.errors import InvalidInput

SCRIPTED = "scripted"
"""Names the provider that plays a script; no server may have its name."""
MOST_SERVERS = 100
"""Of one tenant."""
MOST_PRICES = 500
MOST_PRICE = 10**12
"""Of a million tokens, in millionths of the installation's currency."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}")
_PATH = re.compile(r"[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A server that speaks the OpenAI API.

    Raises:
        InvalidInput: says which part cannot be.
    """

    name: str
    """First part of the names of its models: `NAME/model`."""
    base_url: str
    """Ends before `/chat/completions`, without a slash."""
    key_secret: str = ""
    """The secret that holds its key, in the project of the run that asks; empty for none."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By the model's own name; a model that is not there costs nothing."""
    by: str = ""
    at: datetime | None = None

    @classmethod
    def parse(
        cls, name: str, base_url: str, key_secret: str = "", prices: Mapping[str, Price] = {}
    ) -> Self:
        """A server as people write it.

        Raises:
            InvalidInput: says which part cannot be.
        """
        return cls(name, _base_url(base_url), key_secret, prices)

    def __post_init__(self) -> None:
        """Refuse what could not be asked, or would be mistaken for something else."""
        check_server_name(self.name)
        if self.base_url != _base_url(self.base_url):
            raise InvalidInput(f"{self.base_url[:80]!r} is not in its plain form.")
        if self.key_secret:
            check_secret_name(self.key_secret)
        if len(self.prices) > MOST_PRICES:
            raise InvalidInput(f"A source can have {MOST_PRICES} prices.")
        for model, price in self.prices.items():
            if not _MODEL.fullmatch(model):
                raise InvalidInput(f"{model[:80]!r} is not the name of a model.")
            if not all(0 <= part <= MOST_PRICE for part in (price.prompt, price.completion)):
                raise InvalidInput(
                    f"The price of {model} is out of range; a million tokens cost 0 to "
                    f"{MOST_PRICE // 1_000_000}."
                )


def check_server_name(name: str) -> None:
    """Refuse what cannot be the first part of models' names, or is taken.

    Raises:
        InvalidInput: says what a name is made of.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:80]!r} cannot name a source of models. Use lower-case letters, digits, `_` "
            "and `-`, at most 63."
        )
    if name == SCRIPTED:
        raise InvalidInput(f"{SCRIPTED} is the provider that plays a script. Take another name.")


def _base_url(text: str) -> str:
    """The URL in one form: http or https, a checked host, no slash at the end."""
    if len(text) > 2000 or not text.isascii() or not text.isprintable():
        raise InvalidInput(f"{text[:80]!r} is no URL; write https://host/v1.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{text[:80]!r} is no URL; write https://host/v1.") from None
    if "@" in parts.netloc:
        raise InvalidInput("A URL with user information cannot be kept; keep the key as a secret.")
    _check_form(text, parts)
    host = host_name(parts.hostname or "")
    address = address_of(host)
    if address and (address.is_link_local or address.is_multicast or address.is_unspecified):
        raise InvalidInput(f"{host} serves no models; clouds keep their credentials at such ones.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _check_form(text: str, parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(f"{text[:80]!r} is no http:// or https:// URL of a server.")
    if "?" in text or "#" in text:
        raise InvalidInput(f"{text[:80]!r} has a query or a fragment; leave it out.")
    if not _PATH.fullmatch(parts.path) or ".." in parts.path:
        raise InvalidInput(f"{text[:80]!r} has a path that no API has; write https://host/v1.")
