import os
from pathlib import Path

import pytest

from actors.sandbox.users import FIRST, SLOTS, Users

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@AS_ROOT
def test_root_of_the_whole_machine_has_users_to_give(tmp_path: Path) -> None:
    (tmp_path / "map").write_text("         0          0 4294967295\n")
    users = Users.of_this_process(tmp_path / "map")
    assert users.first is not None
    assert users.first >= FIRST
    assert users.first + SLOTS < 2**31


@AS_ROOT
@pytest.mark.parametrize("text", ["0 100000 65536\n", "0 0 1\n1 100000 65536\n", ""])
def test_root_of_a_part_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "map").write_text(text)
    users = Users.of_this_process(tmp_path / "map")
    assert (users.available, users.take()) == (False, None)
    users.give_back(None)


def test_nobody_gets_a_user_that_another_has() -> None:
    users = Users(first=1000)
    taken = [users.take() for _ in range(SLOTS)]
    assert len(set(taken)) == SLOTS
    for one in taken[:3]:
        users.give_back(one)
    assert [users.take() for _ in range(3)] == taken[:3]
