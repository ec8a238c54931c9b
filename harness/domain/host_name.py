"""Names and addresses of hosts in the one form in which they are compared."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self, TypeAlias

import idna

from harness.errors import InvalidInput

Address: TypeAlias = IPv4Address | IPv6Address

MOST_CHARACTERS = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LOOKS_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label by which resolvers and browsers take the whole for an IPv4 address."""
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]+)(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """A host in its canonical form, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int | None = None) -> Self:
        """`host:port` as a request names it.

        Raises:
            InvalidInput: it is none, hides user information or disguises an address.
        """
        found = _AUTHORITY.fullmatch(text)
        if found is None:
            raise InvalidInput(f"{text[:80]!r} is not a host with a port; write host:port.")
        given = found["port"]
        port = int(given) if given else default_port
        if port is None or not 0 < port < 65536:
            raise InvalidInput(f"{text[:80]!r} names no port between 1 and 65535.")
        return cls(host_name(found["host"]), port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def host_name(text: str) -> str:
    """The host in lower case and ASCII, without a last dot; IPv6 compressed, without brackets.

    Raises:
        InvalidInput: it is no host, or an address in disguise, such as 0x7f.1 or 2130706433.
    """
    if text.startswith("[") or ":" in text:
        return _ipv6(text)
    name = _ascii(text).lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > MOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidInput(f"{text[:80]!r} is not the name of a host.")
    if not _LOOKS_NUMERIC.fullmatch(labels[-1]):
        return name
    try:
        return str(IPv4Address(name))
    except ValueError:
        raise InvalidInput(
            f"{text[:80]!r} disguises an address; write it as four decimal numbers."
        ) from None


def address_of(host: str) -> Address | None:
    """The address that a canonical host is; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _ipv6(text: str) -> str:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        if "%" in inner:
            raise ValueError(inner)
        return IPv6Address(inner).compressed
    except ValueError:
        raise InvalidInput(f"{text[:80]!r} is not an IPv6 address.") from None


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    try:
        return idna.encode(text, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        raise InvalidInput(f"{text[:80]!r} is not the name of a host.") from None
