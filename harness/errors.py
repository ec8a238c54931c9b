"""The error tree: the class says what a caller can do about it, attributes carry the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


class HarnessError(Exception):
    """Anything the platform refuses or fails to do, worded for the person who asked."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False


class InvalidInput(HarnessError):
    """The request itself is wrong; sending it again unchanged cannot help."""

    code = "invalid_input"
    status = 422


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in a text; lines and columns count from 1."""

    line: int
    column: int
    path: str
    """Keys and positions that lead to it, such as `network.allow[0].host`."""
    message: str

    def __str__(self) -> str:
        where = f"{self.line}:{self.column}: "
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class InvalidDocument(InvalidInput):
    """A text that is not what it should be; every mistake has its place."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        """All that was found, in the order of the text."""
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[Mistake, ...]]]:
        """Travel between processes with its mistakes."""
        return type(self), (self.mistakes,)


class NotFound(HarnessError):
    """Nothing of that name exists in the caller's scope."""

    code = "not_found"
    status = 404


class Unauthenticated(HarnessError):
    """No credential, or one that is not valid now."""

    code = "unauthenticated"
    status = 401


class Forbidden(HarnessError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class Conflict(HarnessError):
    """The thing changed meanwhile, or is in a state that does not allow this; read it again."""

    code = "conflict"
    status = 409


class Fenced(Conflict):
    """A late holder of an expired Lease tried to write; its work was given to somebody else."""

    code = "fenced"


class QuotaExceeded(HarnessError):
    """A Quota has no room for this now."""

    code = "quota_exceeded"
    status = 429
    retryable = True


class TooLarge(HarnessError):
    """The bytes sent exceed the limit that the message names."""

    code = "too_large"
    status = 413


class Unavailable(HarnessError):
    """Something the platform depends on does not answer; the same request may succeed later."""

    code = "unavailable"
    status = 503
    retryable = True


class TierUnavailable(Unavailable):
    """A sandbox that a policy demands cannot be had on this machine as it is set up."""

    code = "tier_unavailable"
    retryable = False

    def __init__(self, tier: str, missing: Sequence[str], reason: str, fix: str) -> None:
        """Say which controls of a tier are missing, why, and what to do about it."""
        super().__init__(f"No sandbox of tier {tier} with {', '.join(missing)}: {reason} {fix}")
        self.tier = tier
        self.missing = tuple(missing)
        self.reason = reason
        self.fix = fix

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[str, ...], str, str]]:
        """Travel between processes with its facts."""
        return type(self), (self.tier, self.missing, self.reason, self.fix)


class StorageFull(Unavailable):
    """No room is left on the disk that holds the platform's stores; somebody must free some."""

    code = "storage_full"
    status = 507
    retryable = False


class Corrupt(HarnessError):
    """Stored bytes or a chain do not verify; the message names the place."""

    code = "corrupt"
