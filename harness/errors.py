"""The error tree: the class says what a caller can do about it, attributes carry the facts."""

from typing import ClassVar


class HarnessError(Exception):
    """Anything the platform refuses or fails to do, worded for the person who asked."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False


class InvalidInput(HarnessError):
    """The request itself is wrong; sending it again unchanged cannot help."""

    code = "invalid_input"
    status = 422


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


class StorageFull(Unavailable):
    """No room is left on the disk that holds the platform's stores; somebody must free some."""

    code = "storage_full"
    status = 507
    retryable = False


class Corrupt(HarnessError):
    """Stored bytes or a chain do not verify; the message names the place."""

    code = "corrupt"
