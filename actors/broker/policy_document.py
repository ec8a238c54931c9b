"""A policy as people write it."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from actors.specs.document import MOST_BYTES, read_document
from actors.specs.mistakes import problems_of
from actors.specs.model import SpecModel
from actors.specs.problem import InvalidSpec, Problem
from harness.domain.account import MOST, Budget, Measure
from harness.domain.address_range import AddressRanges
from harness.domain.host_rule import WEB_PORTS, HostPattern, HostRule
from harness.domain.http_secret import HttpSecret
from harness.domain.name_set import NameSet
from harness.domain.network_policy import NetworkMode, NetworkPolicy
from harness.domain.policy import Policy
from harness.errors import InvalidDocument, InvalidInput, Mistake

MOST_RULES = 500
MOST_NAMES = 500
"""Of models or tools; each is compared with each."""
MOST_PORTS, MOST_METHODS = 1000, 20
"""Of one rule."""
MOST_RANGES = 200
"""Of all rules together; those of two documents are compared each with each."""
MOST_TOLD = 50
"""Mistakes of one document."""


def _checked(parse: Callable[[str], object]) -> Callable[[str], str]:
    """Keeps a text that can be parsed."""

    def check(text: str) -> str:
        try:
            parse(text)
        except InvalidInput as wrong:
            raise PydanticCustomError("text", "{why}", {"why": str(wrong)}) from None
        return text

    return check


Host = Annotated[str, AfterValidator(_checked(HostPattern.parse))]
Range = Annotated[str, AfterValidator(_checked(lambda text: AddressRanges.parse([text])))]
Name = Annotated[str, AfterValidator(_checked(lambda text: NameSet.parse([text])))]
Port = Annotated[int, Field(ge=1, le=65535)]
Method = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,20}$")]
Count = Annotated[int, Field(ge=0, le=MOST)]


class SecretModel(SpecModel):
    """A header that the door puts in."""

    header: str
    """Such as `Authorization`; what the sandbox sends under this name is dropped."""
    value: str
    """Such as `Bearer ${API_TOKEN}`, with the name of a secret."""


class AllowModel(SpecModel):
    """Hosts, and which ports, methods and addresses of theirs."""

    host: Host
    """A name, `*.name` for those below it, an address, or `*`."""
    ports: Annotated[list[Port], Field(min_length=1, max_length=MOST_PORTS)] | Literal["*"] = (
        sorted(WEB_PORTS)
    )
    methods: Annotated[list[Method], Field(min_length=1, max_length=MOST_METHODS)] | None = None
    """Allowed of HTTP; HTTPS is then read, with the sandbox's own authority."""
    private: list[Range] = []
    """Addresses outside the public internet that the hosts may have."""

    secret: SecretModel | None = None
    """Put into requests on their way out; HTTPS is then read, with the sandbox's own authority."""

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        try:
            self.secrets()
        except InvalidInput as wrong:
            raise PydanticCustomError("secret", "{why}", {"why": str(wrong)}) from None
        return self

    def secrets(self) -> Sequence[HttpSecret]:
        """What it puts in, of which there may be none."""
        if self.secret is None:
            return ()
        return [HttpSecret.of(self.rule(), self.secret.header, self.secret.value)]

    def rule(self) -> HostRule:
        """What it allows."""
        own = HostRule.naming(self.host)
        return HostRule(
            own.hosts,
            None if self.ports == "*" else frozenset(self.ports),
            None if self.methods is None else frozenset(self.methods),
            own.private.join(AddressRanges.parse(self.private)),
        )


class NetworkModel(SpecModel):
    """Where a sandbox may go."""

    mode: NetworkMode = NetworkMode.ALLOW_LIST
    """`none`, `allow-list`, or `host` for the machine's own network."""
    allow: Annotated[list[AllowModel], Field(max_length=MOST_RULES)] = []

    @model_validator(mode="after")
    def _check_size(self) -> Self:
        if sum(len(each.private) for each in self.allow) > MOST_RANGES:
            told = f"a policy can name {MOST_RANGES} private ranges; this one names more"
            raise PydanticCustomError("ranges", "{why}", {"why": told})
        return self

    def network(self) -> NetworkPolicy:
        """What it allows."""
        if self.mode is NetworkMode.ALLOW_LIST:
            secrets = [one for each in self.allow for one in each.secrets()]
            return NetworkPolicy.allowing((each.rule() for each in self.allow), secrets)
        return NetworkPolicy(self.mode)


class BudgetModel(SpecModel):
    """Limits; what is not named has none."""

    tokens: Count | None = None
    cost: Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)] | None = None
    """In the installation's currency."""
    turns: Count | None = None
    wall_seconds: Annotated[float, Field(ge=0, le=10**9)] | None = None
    requests: Count | None = None
    bytes: Count | None = None

    def budget(self) -> Budget:
        """The limits."""
        limits = {
            Measure.TOKENS: self.tokens,
            Measure.COST: None if self.cost is None else int(self.cost * 1_000_000),
            Measure.TURNS: self.turns,
            Measure.WALL: None if self.wall_seconds is None else int(self.wall_seconds * 1000),
            Measure.REQUESTS: self.requests,
            Measure.BYTES: self.bytes,
        }
        return Budget({name: limit for name, limit in limits.items() if limit is not None})


class PolicyModel(SpecModel):
    """What work of a tenant or an agent may do; what is not named is refused."""

    network: NetworkModel = NetworkModel(mode=NetworkMode.NONE)
    models: Annotated[list[Name], Field(max_length=MOST_NAMES)] = []
    """Such as `openai/gpt-6`, or `openai/*`."""
    tools: Annotated[list[Name], Field(max_length=MOST_NAMES)] = []
    budget: BudgetModel = BudgetModel()

    def policy(self) -> Policy:
        """The value."""
        return Policy(
            self.network.network(),
            NameSet.parse(self.models),
            NameSet.parse(self.tools),
            self.budget.budget(),
        )


def load_policy(path: Path) -> Policy:
    """The policy in a file.

    Raises:
        InvalidSpec: it is none; holds every mistake with its line.
    """
    try:
        with path.open("rb") as file:
            return read_policy(str(path), file.read(MOST_BYTES + 1))
    except OSError as failed:
        raise InvalidSpec([Problem(str(path), 1, 1, "", f"cannot be read: {failed}")]) from None


def read_policy(name: str, data: bytes) -> Policy:
    """The policy in these bytes; `name` stands for the file in messages.

    Raises:
        InvalidSpec: it is none; holds every mistake with its line.
    """
    document = read_document(name, data)
    if not isinstance(document.value, dict):
        raise InvalidSpec([document.problem((), "a policy is a mapping, such as `network: …`")])
    try:
        return PolicyModel.model_validate(document.value).policy()
    except ValidationError as wrong:
        raise InvalidSpec(problems_of(document, wrong, PolicyModel)) from None


def policy_of_text(text: str) -> Policy:
    """The policy in a text that has no file.

    Raises:
        InvalidDocument: it is none; holds every mistake with its line.
    """
    try:
        return read_policy("policy", text.encode())
    except UnicodeEncodeError:
        raise InvalidDocument([Mistake(1, 1, "", "the text is not Unicode")]) from None
    except InvalidSpec as wrong:
        found = [Mistake(p.line, p.column, p.path, p.message) for p in wrong.problems[:MOST_TOLD]]
        raise InvalidDocument(found) from None
