"""One line of an allow-list: hosts, and which ports, methods and addresses of theirs."""

import re
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Self, TypeVar

from harness.domain.address_range import AddressRanges, is_public
from harness.domain.host_name import Address, Endpoint, address_of, host_name
from harness.errors import InvalidInput

T = TypeVar("T")

WEB_PORTS = frozenset({80, 443})
_WRITTEN = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]+)(?::(?P<port>[0-9]{1,5}))?")
_INSIDE = AddressRanges.parse(
    [
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7"),
    ]
)
"""Without the link-local range, where clouds keep their credentials."""
_LOCAL = AddressRanges.parse(["127.0.0.0/8", "::1/128"])


@dataclass(frozen=True, slots=True, order=True)
class HostPattern:
    """`name`, `*.name` for the names below it at any depth, or `*` for all."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The pattern with its name in canonical form.

        Raises:
            InvalidInput: it is none.
        """
        if text == "*":
            return cls(text)
        below = text.startswith("*.")
        if "*" in text[2:] or ("*" in text and not below):
            raise InvalidInput(
                f"{text[:80]!r} is not a host pattern; write a name, *.name for those below, or *."
            )
        name = host_name(text[2:] if below else text)
        if below and address_of(name):
            raise InvalidInput(f"{text[:80]!r}: nothing is below an address.")
        return cls(f"*.{name}" if below else name)

    def matches(self, host: str) -> bool:
        """Whether a canonical host is meant."""
        if self.text.startswith("*."):
            return host.endswith(self.text[1:]) and len(host) > len(self.text) - 1
        return self.text in ("*", host)

    def covers(self, other: Self) -> bool:
        """Whether the other means nothing that this does not."""
        if self.text == "*" or self == other:
            return True
        name = other.text.removeprefix("*.")
        return other.text != "*" and self.text.startswith("*.") and self.matches(name)

    def meet(self, other: Self) -> Self | None:
        """The hosts that both mean."""
        if self.covers(other):
            return other
        return self if other.covers(self) else None


@dataclass(frozen=True, slots=True)
class HostRule:
    """Allows connections and requests; None stands for every port or method."""

    hosts: HostPattern
    ports: frozenset[int] | None = WEB_PORTS
    methods: frozenset[str] | None = None
    private: AddressRanges = field(default_factory=AddressRanges)
    """Addresses outside the public internet that its hosts may have."""

    @classmethod
    def naming(cls, host: str, ports: frozenset[int] | None = WEB_PORTS) -> Self:
        """A rule for a host; one that is written as an address, or `localhost`, may be private.

        Raises:
            InvalidInput: the host is none.
        """
        pattern = HostPattern.parse(host)
        address = address_of(pattern.text)
        if address is not None:
            own = AddressRanges() if is_public(address) else AddressRanges.of([ip_network(address)])
        else:
            own = _LOCAL if _is_local(pattern.text) else AddressRanges()
        return cls(pattern, ports, None, own)

    @classmethod
    def written(cls, text: str) -> Self:
        """`host`, `host:port`, `[address]:port` or `*.host`; without a port, all of them.

        A host that is written out may be in a private network, one that only a pattern matches
        may not.

        Raises:
            InvalidInput: it is none.
        """
        found = _WRITTEN.fullmatch(text)
        if found is None or not 0 < int(found["port"] or 1) < 65536:
            raise InvalidInput(f"{text[:80]!r} is not a host, host:port or *.host.")
        pattern = HostPattern.parse(found["host"])
        ports = frozenset({int(found["port"])}) if found["port"] else None
        private = AddressRanges() if "*" in pattern.text else _INSIDE
        return cls(pattern, ports, None, private.join(cls.naming(pattern.text).private))

    def concerns(self, to: Endpoint) -> bool:
        """Whether it allows anything there."""
        return self.hosts.matches(to.host) and (self.ports is None or to.port in self.ports)

    def allows_method(self, method: str | None) -> bool:
        """Whether it allows requests of this method; None is what cannot be read."""
        return self.methods is None or method in self.methods

    def allows_address(self, address: Address) -> bool:
        """Whether its hosts may have this address."""
        return is_public(address) or self.private.holds(address)

    def covers(self, other: Self) -> bool:
        """Whether the other allows nothing that this does not."""
        return (
            self.hosts.covers(other.hosts)
            and _covers(self.ports, other.ports)
            and _covers(self.methods, other.methods)
            and self.private.covers(other.private)
        )

    def meet(self, other: Self) -> Self | None:
        """What both allow; None if that is nothing."""
        hosts = self.hosts.meet(other.hosts)
        ports, methods = _meet(self.ports, other.ports), _meet(self.methods, other.methods)
        if hosts is None or ports == frozenset() or methods == frozenset():
            return None
        return replace(
            self,
            hosts=hosts,
            ports=ports,
            methods=methods,
            private=self.private.meet(other.private),
        )

    def __str__(self) -> str:
        host = f"[{self.hosts.text}]" if ":" in self.hosts.text else self.hosts.text
        ports = "*" if self.ports is None else ",".join(map(str, sorted(self.ports)))
        text = f"{host}:{ports}"
        if self.methods is not None:
            text = f"{' '.join(sorted(self.methods))} {text}"
        return f"{text} ({', '.join(self.private.texts())})" if self.private.ranges else text


def _is_local(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _meet(one: frozenset[T] | None, other: frozenset[T] | None) -> frozenset[T] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _covers(one: frozenset[T] | None, other: frozenset[T] | None) -> bool:
    return one is None or (other is not None and one >= other)
