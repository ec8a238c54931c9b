"""A header with a secret that the door puts into requests, so that no sandbox ever holds it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from harness.domain.host_name import Endpoint
from harness.domain.host_rule import HostPattern, HostRule
from harness.domain.secret import check_secret_name
from harness.errors import InvalidInput

MOST_CHARACTERS = 8192
"""Of a header with its secrets."""
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_NAMED = re.compile(r"\$\{([^{}$]*)\}")
_TEXT = re.compile(r"[\x20-\x7e]+")
_OF_THE_MESSAGE = frozenset(
    {
        *("host", "content-length", "content-type", "content-encoding", "transfer-encoding"),
        *("connection", "keep-alive", "te", "trailer", "upgrade", "expect", "range", "if-range"),
        *("accept-encoding", "x-http-method-override", "x-http-method", "x-method-override"),
    }
)
"""Headers by which a message says where it ends, where it goes or what it is."""


@dataclass(frozen=True, slots=True)
class HttpSecret:
    """Names secrets, never holds their values."""

    hosts: HostPattern
    ports: tuple[int, ...] | None
    methods: tuple[str, ...] | None
    header: str
    """In lower case."""
    value: str
    """With `${NAME}` where the secret of that name goes."""

    @classmethod
    def of(cls, rule: HostRule, header: str, value: str) -> Self:
        """For what a rule allows.

        Raises:
            InvalidInput: the header is none, the value names no secret, or the rule is for all
                hosts.
        """
        name = header.lower()
        if not _TOKEN.fullmatch(header) or name in _OF_THE_MESSAGE or name.startswith("proxy-"):
            raise InvalidInput(f"{header[:80]!r} is not a header that can hold a secret.")
        if not _TEXT.fullmatch(value) or len(value) > MOST_CHARACTERS or value != value.strip():
            raise InvalidInput(
                f"The header {header} with a secret must be one line of plain text, without a "
                f"blank at its ends and at most {MOST_CHARACTERS} characters long."
            )
        if not _NAMED.search(value):
            raise InvalidInput(
                f"The header {header} names no secret; write ${{NAME}} where its value goes."
            )
        for named in _NAMED.findall(value):
            check_secret_name(named)
        if rule.hosts.text == "*":
            raise InvalidInput("A secret for all hosts is none; name the hosts that get it.")
        ports = None if rule.ports is None else tuple(sorted(rule.ports))
        methods = None if rule.methods is None else tuple(sorted(rule.methods))
        return cls(rule.hosts, ports, methods, name, value)

    @property
    def names(self) -> frozenset[str]:
        """Of the secrets in it."""
        return frozenset(_NAMED.findall(self.value))

    def concerns(self, to: Endpoint) -> bool:
        """Whether some request there gets it."""
        return self.hosts.matches(to.host) and (self.ports is None or to.port in self.ports)

    def goes_with(self, to: Endpoint, method: str) -> bool:
        """Whether a request of this method gets it."""
        return self.concerns(to) and (self.methods is None or method in self.methods)

    def filled(self, values: Mapping[str, str]) -> str:
        """The header's value; every secret in it must be there."""
        return _NAMED.sub(lambda found: values[found[1]], self.value)

    def plain(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "host": self.hosts.text,
            "ports": "*" if self.ports is None else list(self.ports),
            "methods": "*" if self.methods is None else list(self.methods),
            "header": self.header,
            "value": self.value,
        }


def check_header_secret(name: str, value: str) -> None:
    """Refuse what no header can hold; the message does not tell the value.

    Raises:
        InvalidInput: it is such a value.
    """
    if not _TEXT.fullmatch(value) or value != value.strip() or len(value) > MOST_CHARACTERS // 2:
        raise InvalidInput(
            f"The secret {name} cannot stand in a header: it must be one line of plain ASCII "
            f"without a blank at its ends, at most {MOST_CHARACTERS // 2} characters long."
        )
