"""What a test asks its host for when it wants an agent to run."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from actors.specs.model import SpecModel
from harness.domain.policy import Policy
from harness.domain.policy_version import AGENT_NAME
from harness.domain.sandbox import Limits
from harness.domain.script import Reply, ToolCall
from harness.errors import InvalidInput

MIB = 1 << 20
MOST_ARCHIVE_BYTES = 64 * MIB
MOST_WISH_BYTES = 1 * MIB
AgentName = Annotated[str, StringConstraints(pattern=f"^{AGENT_NAME}$")]
Word = Annotated[str, StringConstraints(max_length=100_000)]


class ScriptedCall(SpecModel):
    """A tool that the script lets the model call."""

    name: str
    arguments: dict[str, JsonValue] = {}


class Turn(SpecModel):
    """One answer of a model that is played, not asked."""

    says: str = ""
    calls: Annotated[list[ScriptedCall], Field(max_length=32)] = []
    expects: str = ""
    """Words that the last message must hold, or the script has come off its rails."""

    def reply(self) -> Reply:
        """The value."""
        calls = tuple(ToolCall(call.name, call.arguments) for call in self.calls)
        return Reply(self.says, calls, self.expects)


class AgentLimits(SpecModel):
    """What the agent's sandbox may use."""

    memory_mib: Annotated[int, Field(ge=32, le=65536)] = 512
    cpus: Annotated[float, Field(gt=0, le=64)] = 1.0
    processes: Annotated[int, Field(ge=4, le=4096)] = 128
    disk_mib: Annotated[int, Field(ge=1, le=65536)] = 256

    def limits(self) -> Limits:
        """The value."""
        disk = self.disk_mib * MIB
        return Limits(
            memory_bytes=self.memory_mib * MIB,
            cpus=self.cpus,
            processes=self.processes,
            disk_bytes=disk,
            file_bytes=disk,
        )


class AgentWish(SpecModel):
    """As it travels from a test's process to its host; `archive_bytes` follow it."""

    argv: Annotated[list[Word], Field(min_length=1, max_length=1000)]
    name: AgentName | None = None
    policy: dict[str, JsonValue] | None = None
    """A policy document of this test's own."""
    script: Annotated[list[Turn], Field(max_length=1000)] = []
    environ: dict[str, Word] = {}
    stdin: str = ""
    seconds: Annotated[float, Field(gt=0, le=86400)] = 60.0
    limits: AgentLimits = AgentLimits()
    python: str = ""
    """An interpreter of the machine whose packages it gets."""
    databases: dict[AgentName, str] = {}
    """Secrets of the run that hold addresses of databases, by the name that the agent uses."""
    brings: Annotated[list[str], Field(max_length=100)] = []
    archive_bytes: Annotated[int, Field(ge=0, le=MOST_ARCHIVE_BYTES)] = 0

    @classmethod
    def parse(cls, found: object) -> "AgentWish":
        """The wish in a message.

        Raises:
            InvalidInput: it is none.
        """
        try:
            return cls.model_validate(found)
        except ValidationError as wrong:
            raise InvalidInput(f"An agent cannot run so: {_first(wrong)}.") from None

    def own_policy(self) -> Policy | None:
        """What its test allows it, if that says anything.

        Raises:
            InvalidInput: that is no policy.
        """
        return None if self.policy is None else policy_of(self.policy)


def policy_of(document: Mapping[str, Any]) -> Policy:  # Any: what YAML or JSON holds
    """The policy that a document within another describes.

    Raises:
        InvalidInput: it is none.
    """
    from actors.broker.policy_document import PolicyModel

    try:
        return PolicyModel.model_validate(document).policy()
    except ValidationError as wrong:
        raise InvalidInput(_first(wrong)) from None


def _first(wrong: ValidationError) -> str:
    found = wrong.errors(include_url=False)[0]
    where = ".".join(map(str, found["loc"]))
    return f"{where}: {found['msg']}" if where else found["msg"]


def told(data: bytes) -> str:
    """Bytes on their way through JSON."""
    return base64.b64encode(data).decode()


def heard(text: str) -> bytes:
    """The bytes again."""
    return base64.b64decode(text)
