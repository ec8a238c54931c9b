"""One outside command: run it, with a time limit, and say what went wrong."""

import os
import signal
import subprocess
from collections.abc import Sequence

_TAIL_LINES = 12


class CommandFailed(Exception):
    """An outside command could not start, failed, or took too long."""


def run(argv: Sequence[str], *, seconds: float) -> str:
    """The command's output, standard error included.

    Raises:
        CommandFailed: with the last lines of the output. Every process of the command's group has
            ended by then, also when the caller is interrupted.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            close_fds=False,  # Python's own are not inheritable; the caller may have made one so
        )
    except OSError as error:
        raise CommandFailed(f"{argv[0]} does not start: {error.strerror}") from error
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{_name(argv)} took more than {seconds:.0f} s") from error
    finally:
        _end(process)
    if process.returncode:
        raise CommandFailed(f"{_name(argv)} ended with {process.returncode}:\n{_tail(output)}")
    return output


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _name(argv: Sequence[str]) -> str:
    return " ".join(argv[:4])


def _tail(output: str) -> str:
    return "\n".join(output.splitlines()[-_TAIL_LINES:])
