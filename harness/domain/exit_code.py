"""What a run says to the shell that waited for it."""

from enum import IntEnum

from harness.domain import sandbox
from harness.domain.run import Reason, RunState

TIMED_OUT = 124
"""As `timeout` says it."""
_SIGNALLED = 128
"""Plus the signal's number, as shells say it."""


class ExitCode(IntEnum):
    """Published contract with CI systems."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    DIVERGED = 3
    NOT_REPLAYABLE = 4
    INCONCLUSIVE = 5
    INFRASTRUCTURE = 6
    CANCELLED = 7
    GATE = 8


_OF_STATE = {
    RunState.PASSED: ExitCode.PASSED,
    RunState.FAILED: ExitCode.FAILED,
    RunState.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    RunState.ERRORED: ExitCode.INFRASTRUCTURE,
    RunState.CANCELLED: ExitCode.CANCELLED,
}


def exit_code(state: RunState, reason: Reason) -> ExitCode:
    """The exit code of a run that ended.

    Raises:
        KeyError: the run has not ended.
    """
    if reason is Reason.USAGE:
        return ExitCode.USAGE
    return _OF_STATE[state]


def command_exit_code(result: sandbox.ExecResult) -> int:
    """What a command in a sandbox says to the shell that waited for it: its own code, if any."""
    if result.reason is sandbox.Reason.TIMEOUT:
        return TIMED_OUT
    if result.signal is not None:
        return _SIGNALLED + result.signal
    if result.exit_code is None or (result.exit_code == 0 and not result.ok):
        return ExitCode.FAILED
    return result.exit_code
