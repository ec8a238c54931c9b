import json
from dataclasses import asdict

import pytest

from actors.sandbox.inside import bundle
from harness.domain.sandbox import Limits

LIMITS = asdict(Limits(processes=7, open_files=9, disk_bytes=100, inodes=5, shm_bytes=50))


def made(writable: list[str] | None = None) -> dict:  # type: ignore[type-arg]  # JSON
    return bundle.config(LIMITS, "/a", writable or [], 3)


def test_the_root_is_read_only_and_nothing_is_bound_from_elsewhere() -> None:
    found = made(["/data/given"])
    assert found["root"] == {"path": bundle.ROOT, "readonly": True}
    bound = {one["destination"]: one["source"] for one in found["mounts"] if one["type"] == "bind"}
    assert bound == {"/workspace": "/a", "/data/given": "/data/given"}
    for one in found["mounts"]:
        if one["type"] == "bind":
            assert {"nosuid", "nodev"} <= set(one["options"])


def test_the_guests_proc_is_read_only() -> None:
    (proc,) = [one for one in made()["mounts"] if one["destination"] == "/proc"]
    assert "ro" in proc["options"]


def test_the_first_process_has_few_capabilities_and_gains_none() -> None:
    process = made()["process"]
    assert process["noNewPrivileges"] is True
    allowed = {"CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SETPCAP", "CAP_SYS_ADMIN"}
    assert {one for names in process["capabilities"].values() for one in names} == allowed
    assert set(process["capabilities"]) == {"bounding", "effective", "permitted"}


def test_nothing_of_the_hosts_environment_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_HOST", "secret")
    assert made()["process"]["env"] == []
    assert "secret" not in str(made())


def test_limits_become_rlimits_and_arguments() -> None:
    process = made()["process"]
    limits = {one["type"]: (one["soft"], one["hard"]) for one in process["rlimits"]}
    assert limits["RLIMIT_NPROC"] == (7, 7)
    assert limits["RLIMIT_NOFILE"] == (9, 9)
    first = json.loads(process["args"][-1])
    assert (first["control"], first["processes"]) == (3, 7)
    assert first["volumes"] == bundle.volumes(LIMITS)


def test_volumes_are_limited_in_bytes_and_inodes() -> None:
    assert bundle.workspace(LIMITS) == "size=100,nr_inodes=5,mode=700"
    assert bundle.volumes(LIMITS) == {
        "/tmp": "size=100,nr_inodes=5,mode=1777",
        "/dev/shm": "size=50,nr_inodes=5,mode=1777",
    }


def test_it_has_no_network_and_no_socket_of_the_hosts() -> None:
    command = bundle.command(9, 3)
    assert {"--network=none", "--host-uds=none", "--pass-fd=9:3"} <= set(command)
    assert command[0] == bundle.RUNSC


def test_a_guest_and_its_keeper_are_different_users() -> None:
    assert bundle.keeper(0x70000000) != 0x70000000
