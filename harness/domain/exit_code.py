"""What a run says to the shell that waited for it."""

from enum import IntEnum

from harness.domain.run import Reason, RunState


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
