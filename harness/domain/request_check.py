"""What no run can be asked for."""

from harness.domain.run import RESERVED, RunRequest
from harness.errors import InvalidInput

MAX_WORKERS = 256
MAX_RETRIES = 10
MAX_ARGV_BYTES = 64 * 1024


def check_request(request: RunRequest) -> None:
    """Refuse what cannot be executed, whatever the stores hold.

    Raises:
        InvalidInput: says what is wrong and what may stand there.
    """
    _check_command(request)
    _check_numbers(request)
    reserved = next((name for name in request.labels if name.startswith(RESERVED)), None)
    if reserved:
        raise InvalidInput(f"The label {reserved!r} is the platform's own. Name it otherwise.")


def _check_command(request: RunRequest) -> None:
    if not request.argv or sum(len(word) + 1 for word in request.argv) > MAX_ARGV_BYTES:
        raise InvalidInput(
            f"The command must have 1 word or more and at most {MAX_ARGV_BYTES} characters."
        )
    if request.python and request.interpreter:
        raise InvalidInput(
            "The request names both an interpreter and requirements to install. Name one."
        )


def _check_numbers(request: RunRequest) -> None:
    if request.workers is not None and not 1 <= request.workers <= MAX_WORKERS:
        raise InvalidInput(f"workers is {request.workers}; use 1 to {MAX_WORKERS}.")
    if not 0 <= request.retries <= MAX_RETRIES:
        raise InvalidInput(f"retries is {request.retries}; use 0 to {MAX_RETRIES}.")
    for name, seconds in (("test", request.test_seconds), ("run", request.run_seconds)):
        if seconds is not None and not 0 < seconds <= 7 * 86400:
            raise InvalidInput(f"{name}_seconds is {seconds}; use more than 0, up to a week.")
