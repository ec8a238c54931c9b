"""Outside commands end in time, and say what went wrong."""

import os

import pytest

from cluster import command

pytestmark = pytest.mark.process


def test_command_gives_its_output() -> None:
    assert command.run(["sh", "-c", "echo one; echo two >&2"], seconds=10) == "one\ntwo\n"


def test_failure_tells_the_code_and_the_last_lines() -> None:
    with pytest.raises(command.CommandFailed, match=r"ended with 3:\nno such thing$"):
        command.run(["sh", "-c", "echo no such thing; exit 3"], seconds=10)


def test_missing_command_is_named() -> None:
    with pytest.raises(command.CommandFailed, match=r"/no/such does not start: No such file"):
        command.run(["/no/such"], seconds=10)


def test_late_command_ends_with_all_its_children() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    with pytest.raises(command.CommandFailed, match=r"took more than 0 s"):
        command.run(["sh", "-c", "sleep 600 & wait"], seconds=0.3)
    os.close(writer)
    assert os.read(reader, 1) == b""
    os.close(reader)
