"""`ath sandbox` against a served API."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from cluster.cli import sandbox as cli
from harness.client import Client
from harness.domain.exit_code import ExitCode, command_exit_code
from harness.domain.principal import Role
from harness.domain.sandbox import ExecResult, Reason, SandboxRef, Usage
from harness.errors import InvalidInput, NotFound
from harness.settings import Settings
from tests.unit.api.world import ANNA, World, make_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = make_world(tmp_path)
    with world.serving() as url:
        monkeypatch.setenv("ATH_URL", url)
        monkeypatch.setenv("ATH_TOKEN", world.member)
        yield world


def test_a_command_is_run_and_its_code_given(
    world: World, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert cli.run(["echo", "grün"]) == 0
    assert cli.run(["exit", "3"]) == 3
    assert cli.run(["bytes"]) == 0
    told = capfdbinary.readouterr()
    assert told.out == "grün\n".encode() + b"\xff\xfe\x00"
    assert cli.run(["nothing"]) == 127
    assert capfdbinary.readouterr().err.endswith(b"cannot start\n")
    assert {room.status.reason for room in world.node.rooms.values()} == {Reason.KILLED}


def test_a_command_that_was_ended_says_why(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["sleep"], timeout=0.2) == 124
    told = " ".join(capsys.readouterr().err.split())
    assert "ended (timeout): it ran longer than --timeout says" in told


def test_the_sandbox_is_as_the_options_say(world: World, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("hello")
    cli.run(["cat", "data.txt"], memory_mib=64, cpus=0.5, file=[tmp_path / "data.txt"], processes=9)
    (room,) = world.node.rooms.values()
    limits = room.spec.limits
    assert (limits.memory_bytes, limits.cpus, limits.processes) == (64 << 20, 0.5, 9)
    assert room.files == {"data.txt": b"hello"}
    with pytest.raises(InvalidInput, match="cannot be read"):
        cli.run(["true"], file=[tmp_path / "missing"])
    with pytest.raises(InvalidInput, match="no such variable"):
        cli.run(["true"], env_var=["ATH_NOBODY_SET_THIS"])


def test_json_tells_the_whole_result(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["bytes"], as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["reason"], told["stdout"], told["stdout_encoding"]) == ("exit", "//4A", "base64")
    assert (told["stderr"], told["usage"]["cpu_seconds"]) == ("", 0.125)


def test_sandboxes_are_listed_and_ended(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidInput, match="either their ids, or --all"):
        cli.kill()
    with pytest.raises(NotFound):
        cli.kill(["nobody"])
    ids = [_made(world) for _ in range(2)]
    assert cli.list_sandboxes(as_json=True) == ExitCode.PASSED
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == ids
    cli.list_sandboxes()
    shown = capsys.readouterr().out
    assert all(id in shown for id in ids)
    assert cli.kill(ids[:1]) == ExitCode.PASSED
    assert world.node.rooms[SandboxRef(ANNA.tenant, ids[0])].status.reason is Reason.KILLED
    assert cli.kill(every=True) == ExitCode.PASSED
    assert cli.list_sandboxes(as_json=True) == ExitCode.PASSED
    assert capsys.readouterr().out.endswith("[]\n")


def _made(world: World) -> str:
    with Client(Settings.load().url, world.member) as client:
        return client.sandbox().id


def test_a_client_is_granted_a_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATH_HOME", str(tmp_path / "home"))
    with pytest.raises(InvalidInput, match="no platform"):
        cli.grant("anna", tmp_path)
    (tmp_path / "home").mkdir()
    for name in ("../x", "a/b", ""):
        with pytest.raises(InvalidInput, match="not usable"):
            cli.grant(name, tmp_path)
    assert cli.grant("anna", tmp_path / "keys", days=3) == ExitCode.PASSED
    assert cli.grant("otto", tmp_path / "keys", Role.VIEWER, "other") == ExitCode.PASSED
    assert capsys.readouterr().out.splitlines() == [
        "anna is member of tenant default for 3 days.",
        "otto is viewer of tenant other for 30 days.",
    ]
    ca = x509.load_pem_x509_certificate((tmp_path / "keys" / "ca.pem").read_bytes())
    anna, otto = (
        x509.load_pem_x509_certificate((tmp_path / "keys" / f"{name}.pem").read_bytes())
        for name in ("anna", "otto")
    )
    anna.verify_directly_issued_by(ca)
    otto.verify_directly_issued_by(ca)
    for private in (tmp_path / "keys" / "anna-key.pem", tmp_path / "home" / "authority.pem"):
        assert private.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("is_terminal", "shown"),
    [(False, b"a\x1b[2J\xc3\xbc\xff\n"), (True, "a\\x1b[2Jü\ufffd\n".encode())],
)
def test_nothing_said_inside_steers_a_terminal(is_terminal: bool, shown: bytes) -> None:
    stream = io.BytesIO()
    output = cli.Output(stream, is_terminal=is_terminal)
    for piece in (b"a\x1b[2J\xc3", b"\xbc\xff\n"):
        output.write(piece)
    output.write(b"", final=True)
    assert stream.getvalue() == shown


@pytest.mark.parametrize(
    ("code", "signal", "reason", "told"),
    [
        (0, None, Reason.EXIT, 0),
        (3, None, Reason.EXIT, 3),
        (None, 11, Reason.EXIT, 139),
        (None, 9, Reason.OOM, 137),
        (1, None, Reason.DISK, 1),
        (None, 9, Reason.TIMEOUT, 124),
        (0, None, Reason.OUTPUT, 1),
    ],
)
def test_exit_codes_are_a_shells(
    code: int | None, signal: int | None, reason: Reason, told: int
) -> None:
    assert command_exit_code(ExecResult(code, signal, reason, b"", b"", Usage())) == told
