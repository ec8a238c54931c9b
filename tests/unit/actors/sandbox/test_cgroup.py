from pathlib import Path

import pytest

from actors.sandbox.cgroup import Group, GroupRoots, find_roots
from harness.domain.sandbox import Limits


def machine(folder: Path, mounts: str, own: str) -> Path:
    proc = folder / "proc"
    proc.mkdir()
    (proc / "mounts").write_text(mounts.replace("@", str(folder)))
    (proc / "cgroup").write_text(own)
    return proc


def first_version(folder: Path) -> Path:
    for name in ("memory", "pids", "cpu,cpuacct"):
        (folder / name / "mine").mkdir(parents=True)
    return machine(
        folder,
        "cgroup @/memory cgroup rw,memory 0 0\n"
        "cgroup @/pids cgroup rw,pids 0 0\n"
        "cgroup @/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n",
        "5:memory:/mine\n4:pids:/mine\n3:cpu,cpuacct:/mine\n0::/\n",
    )


def second_version(folder: Path, *, handed_down: str) -> Path:
    mine = folder / "unified" / "pod" / "mine"
    mine.mkdir(parents=True)
    (mine.parent / "cgroup.subtree_control").write_text(handed_down)
    return machine(folder, "cgroup2 @/unified cgroup2 rw 0 0\n", "0::/pod/mine\n")


def test_finds_the_own_groups_of_the_first_version(tmp_path: Path) -> None:
    roots = find_roots(first_version(tmp_path))
    assert roots is not None
    assert roots.version == 1
    assert roots.folders == {
        "memory": tmp_path / "memory" / "mine",
        "pids": tmp_path / "pids" / "mine",
        "cpu": tmp_path / "cpu,cpuacct" / "mine",
    }


def test_finds_what_the_second_version_hands_down(tmp_path: Path) -> None:
    roots = find_roots(second_version(tmp_path, handed_down="cpu memory pids io"))
    assert roots is not None
    assert (roots.version, set(roots.folders.values())) == (2, {tmp_path / "unified" / "pod"})


@pytest.mark.parametrize("table", ["", "tmpfs /sys/fs/cgroup tmpfs ro 0 0\n"])
def test_finds_nothing_where_nothing_is(tmp_path: Path, table: str) -> None:
    assert find_roots(machine(tmp_path, table, "0::/\n")) is None


def test_a_folder_that_cannot_be_made_is_no_root(tmp_path: Path) -> None:
    proc = first_version(tmp_path)
    (tmp_path / "pids" / "mine").rmdir()
    (tmp_path / "pids" / "mine").write_text("")
    assert find_roots(proc) is None


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, {"memory.limit_in_bytes": "1000", "pids.max": "9", "cpu.cfs_quota_us": "50000"}),
        (2, {"memory.max": "1000", "pids.max": "9", "cpu.max": "50000 100000"}),
    ],
)
def test_limits_are_written(tmp_path: Path, version: int, expected: dict[str, str]) -> None:
    roots = GroupRoots(dict.fromkeys(("memory", "pids", "cpu"), tmp_path), version)
    group = roots.create(Limits(memory_bytes=1000, processes=7, cpus=0.5))
    place = group.places["memory"]
    assert {name: (place / name).read_text() for name in expected} == expected


@pytest.mark.parametrize(
    ("version", "memory", "text"),
    [
        (1, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
        (2, "memory.events", "low 0\noom 5\noom_kill 3\n"),
    ],
)
def test_counters_are_read(tmp_path: Path, version: int, memory: str, text: str) -> None:
    (tmp_path / memory).write_text(text)
    (tmp_path / "pids.events").write_text("max 2\n")
    group = Group(dict.fromkeys(("memory", "pids", "cpu"), tmp_path), version)
    assert (group.oom_kills(), group.refused_processes(), group.peak_bytes()) == (3, 2, 0)
