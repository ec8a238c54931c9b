"""Which addresses lie in the public internet, and which ranges beyond it are allowed."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Self, TypeAlias

from harness.domain.host_name import Address
from harness.errors import InvalidInput

Range: TypeAlias = IPv4Network | IPv6Network

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Releases of Python 3.11 to 3.13 differ in what `is_global` says about these.
_NOT_PUBLIC = tuple(
    map(ip_network, ("192.88.99.0/24", "2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20"))
)


def real_address(address: Address) -> Address:
    """Where packets go: the IPv4 address that an IPv6 address wraps, else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return IPv6Address(int(address))  # without a scope id


def is_public(address: Address) -> bool:
    """Whether it is an ordinary address of the internet: not private, local, shared or reserved."""
    real = real_address(address)
    if isinstance(real, IPv6Address) and real not in _UNICAST:
        return False
    if real.is_multicast or real.is_reserved or not real.is_global:
        return False
    return not any(real in each for each in _NOT_PUBLIC if each.version == real.version)


@dataclass(frozen=True, slots=True)
class AddressRanges:
    """Ranges, none of them inside another."""

    ranges: frozenset[Range] = frozenset()

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> Self:
        """These, without those that others cover."""
        found = frozenset(ranges)
        return cls(
            frozenset(
                each
                for each in found
                if not any(other != each and _is_within(each, other) for other in found)
            )
        )

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Ranges as `10.1.0.0/16` or `fd00::/8`.

        Raises:
            InvalidInput: one is none.
        """
        return cls.of(map(_parsed, texts))

    def holds(self, address: Address) -> bool:
        """Whether the address lies in one of them."""
        real = real_address(address)
        return any(real in each for each in self.ranges if each.version == real.version)

    def meet(self, other: Self) -> Self:
        """What lies in both."""
        pairs = ((mine, its) for mine in self.ranges for its in other.ranges)
        return self.of(
            mine if _is_within(mine, its) else its for mine, its in pairs if _met(mine, its)
        )

    def join(self, other: Self) -> Self:
        """What lies in either."""
        return self.of(self.ranges | other.ranges)

    def covers(self, other: Self) -> bool:
        """Whether each of the other's ranges lies in one of these."""
        return all(any(_is_within(its, mine) for mine in self.ranges) for its in other.ranges)

    def texts(self) -> list[str]:
        """As people write them, in order."""
        return sorted(map(str, self.ranges))


def _parsed(text: str) -> Range:
    try:
        found = ip_network(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:80]!r} is not a range of addresses; write one as 10.1.0.0/16."
        ) from None
    return found


def _is_within(inner: Range, outer: Range) -> bool:
    return (
        inner.version == outer.version
        and inner.prefixlen >= outer.prefixlen
        and inner.network_address in outer
    )


def _met(one: Range, other: Range) -> bool:
    return _is_within(one, other) or _is_within(other, one)
