"""What the key's tenant and its agents may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.client.connection import Connection
from harness.client.decode import decode
from harness.domain.effective_policy import EffectivePolicy
from harness.domain.plain_policy import policy_of
from harness.domain.policy_question import PolicyAnswer, PolicyQuestion
from harness.domain.policy_version import (
    TENANT,
    PolicyDocument,
    PolicyVersion,
    check_agent_name,
)

_PATH = "/v1/policies"


@dataclass(frozen=True, slots=True)
class Policies:
    """The documents of a tenant; without an agent's name, the tenant's own is meant."""

    connection: Connection

    def put(
        self, text: str, agent: str = TENANT, *, replacing: int | None = None
    ) -> PolicyDocument:
        """Make a new version of a document; the same text as the one that holds changes nothing.

        Args:
            text: as people write it.
            agent: whose document.
            replacing: the number of the version that must hold, 0 for none.

        Raises:
            InvalidInput: it is no policy; tells every mistake with its line.
            Conflict: another version holds.
            Forbidden: the key is not an operator's.
        """
        path, headers = _path(agent), _if_match(replacing)
        answer = self.connection.call("PUT", path, json={"text": text}, headers=headers)
        return _document(answer.json())

    def get(self, agent: str = TENANT, number: int | None = None) -> PolicyDocument:
        """The document that holds, or one of its versions.

        Raises:
            NotFound: there is none.
        """
        params = {} if number is None else {"number": number}
        return _document(self.connection.call("GET", _path(agent), params=params).json())

    def list(self) -> Sequence[PolicyVersion]:
        """What holds: the tenant's document, then those of agents by name."""
        found = self.connection.call("GET", _PATH).json()
        return [_version(each) for each in found["policies"]]

    def versions(self, agent: str = TENANT) -> Sequence[PolicyVersion]:
        """Every version of a document, newest first, with removals.

        Raises:
            NotFound: there never was one.
        """
        found = self.connection.call("GET", f"{_path(agent)}/versions").json()
        return [_version(each) for each in found["versions"]]

    def remove(self, agent: str = TENANT, *, replacing: int | None = None) -> None:
        """The document holds no more.

        Raises:
            NotFound: there is none.
            Conflict: another version holds.
            Forbidden: the key is not an operator's.
        """
        self.connection.call("DELETE", _path(agent), headers=_if_match(replacing))

    def effective(self, agent: str) -> EffectivePolicy:
        """What an agent may do by its documents."""
        return _effective(self.connection.call("GET", _effective_path(agent)).json())

    def ask(self, agent: str, question: PolicyQuestion) -> Sequence[PolicyAnswer]:
        """What the platform answers to questions about an agent.

        Raises:
            InvalidInput: the question makes no sense.
        """
        asked = {
            "to": question.to,
            "method": question.method,
            "model": question.model,
            "tool": question.tool,
        }
        params = {name: value for name, value in asked.items() if value is not None}
        found = self.connection.call("GET", _effective_path(agent), params=params).json()
        return [decode(PolicyAnswer, each) for each in found["answers"]]


def _path(agent: str) -> str:
    if agent == TENANT:
        return f"{_PATH}/tenant"
    check_agent_name(agent)
    return f"{_PATH}/agents/{agent}"


def _effective_path(agent: str) -> str:
    check_agent_name(agent)
    return f"{_PATH}/agents/{agent}/effective"


def _if_match(replacing: int | None) -> Mapping[str, str]:
    return {} if replacing is None else {"If-Match": f'"{replacing}"'}


def _version(data: Mapping[str, Any]) -> PolicyVersion:  # Any: JSON of the API
    return decode(PolicyVersion, data, agent=data.get("agent") or TENANT)


def _document(data: Mapping[str, Any]) -> PolicyDocument:  # Any: JSON of the API
    return decode(
        PolicyDocument, data, version=_version(data), policy=policy_of(data.get("policy", {}))
    )


def _effective(data: Mapping[str, Any]) -> EffectivePolicy:  # Any: JSON of the API
    tenant, own = data.get("tenant"), data.get("own")
    return decode(
        EffectivePolicy,
        data,
        tenant=_version(tenant) if tenant else None,
        own=_version(own) if own else None,
        policy=policy_of(data.get("policy", {})),
    )
