"""Policies on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.rest.wire.model import WireModel
from harness.domain.effective_policy import EffectivePolicy
from harness.domain.policy_question import PolicyAnswer
from harness.domain.policy_version import MOST_TEXT, PolicyDocument, PolicyVersion

Plain = dict[str, Any]  # Any: JSON; `Policy.plain` says what it holds


class PutPolicyWire(WireModel):
    """What a document is to say."""

    text: Annotated[str, StringConstraints(max_length=MOST_TEXT)]
    """YAML."""


class PolicyVersionWire(WireModel):
    """That a document was put or removed."""

    agent: str | None
    """Null for the tenant's own document."""
    number: int
    digest: str | None
    """Of what it means; null says that the document was removed."""
    by: str
    at: datetime


class PolicyWire(PolicyVersionWire):
    """A document."""

    text: str
    """As it was written."""
    policy: Plain
    """What it allows."""


class PolicyList(WireModel):
    """The documents of a tenant."""

    policies: list[PolicyVersionWire]


class PolicyVersionList(WireModel):
    """The versions of a document, newest first."""

    versions: list[PolicyVersionWire]


class AnswerWire(WireModel):
    """What a policy says to a question."""

    asked: str
    is_allowed: bool
    reason: str
    """Why it is refused."""
    must_read: bool
    """Allowed for requests that the proxy can read."""


class EffectivePolicyWire(WireModel):
    """What an agent may do by its documents."""

    agent: str
    tenant: PolicyVersionWire | None
    """Null if the tenant has no document; then nothing is allowed."""
    own: PolicyVersionWire | None
    """Null if the agent has no document; then it may do nothing by itself."""
    digest: str
    policy: Plain
    answers: Annotated[list[AnswerWire], Field(max_length=3)]


def version_wire(version: PolicyVersion) -> PolicyVersionWire:
    """The version for the wire."""
    return PolicyVersionWire.model_construct(**_fields(version))


def policy_wire(document: PolicyDocument) -> PolicyWire:
    """The document for the wire."""
    return PolicyWire.model_construct(
        **_fields(document.version), text=document.text, policy=document.policy.plain()
    )


def effective_wire(found: EffectivePolicy, answers: list[PolicyAnswer]) -> EffectivePolicyWire:
    """What holds, and answers, for the wire."""
    return EffectivePolicyWire.model_construct(
        agent=found.agent,
        tenant=version_wire(found.tenant) if found.tenant else None,
        own=version_wire(found.own) if found.own else None,
        digest=found.policy.version,
        policy=found.policy.plain(),
        answers=[
            AnswerWire.model_construct(
                asked=each.asked,
                is_allowed=each.is_allowed,
                reason=each.reason,
                must_read=each.must_read,
            )
            for each in answers
        ],
    )


def _fields(version: PolicyVersion) -> Plain:
    return {
        "agent": version.agent or None,
        "number": version.number,
        "digest": version.digest,
        "by": version.by,
        "at": version.at,
    }
