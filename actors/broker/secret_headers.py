"""Puts secrets into requests on their way out, and takes them out of what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from harness.domain.host_name import Endpoint
from harness.domain.http_secret import check_header_secret
from harness.domain.network_policy import NetworkPolicy
from harness.domain.redacted_flow import RedactedFlow
from harness.domain.redaction import Redactor

_ONLY_WHOLE = {b"accept-encoding", b"range", b"if-range"}
"""Headers by which an answer would come packed or in pieces, in which no value can be found."""


@dataclass(frozen=True, slots=True)
class SecretHeaders:
    """Of one lease: which secrets its policy names, and their values."""

    network: NetworkPolicy = field(default_factory=NetworkPolicy)
    _values: Mapping[str, str] = field(default_factory=dict, repr=False)
    _redactor: Redactor = field(default_factory=Redactor, repr=False)

    @classmethod
    def of(cls, network: NetworkPolicy, values: Mapping[str, str]) -> Self:
        """Those that the policy names, of all that were given.

        Raises:
            InvalidInput: a value cannot stand in a header.
        """
        named = {name for each in network.secrets for name in each.names}
        found = {name: value for name, value in values.items() if name in named}
        for name, value in found.items():
            check_header_secret(name, value)
        return cls(network, found, Redactor.of(found))

    def missing(self, to: Endpoint, method: str) -> Sequence[str]:
        """Secrets that a request needs and that were not given."""
        wanted = self.network.injected(to, method).values()
        names = {name for each in wanted if each is not None for name in each.names}
        return sorted(names - self._values.keys())

    def applied(
        self, to: Endpoint, method: str, headers: Sequence[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """A request's headers with the secrets; what the sandbox sent in their place is dropped."""
        wanted = self.network.injected(to, method)
        if not wanted:
            return list(headers)
        dropped = {name.encode() for name in wanted} | _ONLY_WHOLE
        kept = [(name, value) for name, value in headers if name.lower() not in dropped]
        kept.append((b"Accept-Encoding", b"identity"))
        for name, secret in wanted.items():
            if secret is not None:
                kept.append((name.title().encode(), secret.filled(self._values).encode()))
        return kept

    def flow(self, to: Endpoint) -> RedactedFlow | None:
        """For the answer of a host that gets secrets, whatever this request got; else None."""
        if any(each.concerns(to) for each in self.network.secrets):
            return RedactedFlow(self._redactor)
        return None

    def hidden(self, text: str) -> str:
        """A text without values, such as the reason of a failure."""
        return self._redactor.text(text)
