import pytest

from harness.domain.sandbox import MOST_ASKED_BYTES, Command
from harness.errors import InvalidInput


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Command(), "either argv or code"),
        (Command(argv=["a"], code="b"), "either argv or code"),
        (Command(argv=["a"], fds={2: 5}), "3 to 63"),
        (Command(argv=["a"], fds={64: 5}), "3 to 63"),
        (Command(argv=["a\0b"]), "NUL"),
        (Command(argv=["a"], environ={"A": "\0"}), "NUL"),
        (Command(code="x" * MOST_ASKED_BYTES), "larger than"),
        (Command(code="ü" * (MOST_ASKED_BYTES // 6)), "larger than"),
        (Command(argv=["a"] * MOST_ASKED_BYTES), "larger than"),
        (Command(argv=["a"], stdin=bytes((64 << 20) + 1)), "input"),
    ],
)
def test_what_no_sandbox_could_execute_is_refused(command: Command, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        command.check()


def test_anything_else_is_accepted() -> None:
    Command(argv=["a", "ü" * 1000], environ={"A": "b"}, fds={3: 0, 63: 0}).check()
    Command(code="x").check()
