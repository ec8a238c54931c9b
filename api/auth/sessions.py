"""Browser sessions: a one-time login link, then a signed cookie that may only look."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from typing import Literal

from harness.domain.ids import ProjectId, TenantId
from harness.domain.principal import Principal, Role
from harness.errors import Unauthenticated
from harness.ports.clock import Clock
from harness.ports.entropy import Entropy

COOKIE = "ath_session"
HOME = "/ui/"
LOGIN_SECONDS = 300.0
MAX_TOKEN_CHARS = 4096

Purpose = Literal["login", "session", "artifact"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A principal for a limited time."""

    principal: Principal
    id: str
    """Unique; lets a login link be used only once."""
    about: str = ""
    """The one thing it is good for: an artifact's digest, or the page that a login leads to."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Signs and checks tickets with a key derived from the installation's secret."""

    secret: bytes
    clock: Clock
    entropy: Entropy

    def login_token(
        self, principal: Principal, to: str = HOME, seconds: float = LOGIN_SECONDS
    ) -> str:
        """What stands in a login link that leads to the page `to`; use it once, soon."""
        return self._sign("login", principal, seconds, to)

    def session(self, principal: Principal, seconds: float) -> str:
        """A cookie's value; whoever holds it may look, and nothing else."""
        return self._sign("session", replace(principal, role=Role.VIEWER), seconds)

    def artifact_token(self, principal: Principal, about: str, seconds: float) -> str:
        """Lets whoever holds it read one artifact, and nothing else."""
        return self._sign("artifact", replace(principal, role=Role.VIEWER), seconds, about)

    def open(self, purpose: Purpose, token: str) -> Ticket:
        """The ticket in a token.

        Raises:
            Unauthenticated: it is not ours, was made for something else, or is over.
        """
        body, _, signature = token.partition(".")
        if len(token) > MAX_TOKEN_CHARS or not self._matches(purpose, body, signature):
            raise Unauthenticated("This sign-in is not valid. Ask for a new link: ath status.")
        fields = json.loads(_unpack(body))
        if fields["until"] <= self.clock.now().timestamp():
            raise Unauthenticated("This sign-in is over. Ask for a new link: ath status.")
        return Ticket(_principal(fields), fields["id"], fields.get("about", ""))

    def _matches(self, purpose: Purpose, body: str, signature: str) -> bool:
        try:
            given = _unpack(signature)
            due = self._signature(purpose, body.encode("ascii"))
        except (ValueError, binascii.Error):
            return False
        return hmac.compare_digest(given, due)

    def _sign(self, purpose: Purpose, principal: Principal, seconds: float, about: str = "") -> str:
        fields = {
            "id": self.entropy.new_id(),
            "about": about,
            "until": self.clock.now().timestamp() + seconds,
            "name": principal.name,
            "tenant": principal.tenant,
            "role": principal.role,
            "projects": list(principal.projects),
        }
        body = _pack(json.dumps(fields).encode())
        return f"{body}.{_pack(self._signature(purpose, body.encode()))}"

    def _signature(self, purpose: Purpose, body: bytes) -> bytes:
        message = purpose.encode() + b":" + body
        return hmac.new(self.secret, message, hashlib.sha256).digest()


def _principal(fields: dict[str, str]) -> Principal:
    return Principal(
        name=fields["name"],
        tenant=TenantId(fields["tenant"]),
        role=Role(fields["role"]),
        projects=tuple(ProjectId(name) for name in fields["projects"]),
    )


def _pack(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
