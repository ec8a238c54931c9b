"""Frozen lists on their way from a run to the suite's folder."""

from pathlib import Path

import pytest

from actors.specs.agents.frozen import FrozenFile, FrozenGoal, parse_frozen
from cluster.cli.freeze import write_lists
from harness.errors import InvalidInput


def a_list(spec: str, goal: str, digest: str) -> FrozenFile:
    return FrozenFile(spec=spec, goals={goal: FrozenGoal(goal=digest, actions=[])})


def test_lists_are_merged_beside_their_spec(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/shop.ath.yaml").touch()
    spec = "specs/shop.ath.yaml"
    write_lists(tmp_path, [a_list(spec, "b/1", "old"), a_list(spec, "a/1", "one")])
    (file,) = write_lists(tmp_path, [a_list(spec, "b/1", "new")])
    assert file == tmp_path / "specs/shop.frozen.yaml"
    kept = parse_frozen(file.name, file.read_bytes())
    assert {name: goal.goal for name, goal in kept.goals.items()} == {"a/1": "one", "b/1": "new"}


@pytest.mark.parametrize("spec", ["../shop.ath.yaml", "/etc/passwd", "missing.ath.yaml"])
def test_nothing_is_written_elsewhere(spec: str, tmp_path: Path) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "shop.ath.yaml").touch()
    with pytest.raises(InvalidInput, match="name the root with --into"):
        write_lists(tmp_path / "suite", [a_list(spec, "a/1", "one")])
    assert not list(tmp_path.rglob("*.frozen.yaml"))
