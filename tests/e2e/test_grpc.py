"""Sandboxes by gRPC on a live platform that was told a port for it."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from api.grpc.generated.ath.v1 import sandbox_pb2 as wire
from tests.support.live_platform import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SECONDS = 60


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[LivePlatform, int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    platform = LivePlatform(tmp_path / "home")
    started = platform.ath("up", env={"ATH_GRPC_PORT": str(port)}, seconds=170)
    try:
        assert started.returncode == 0, started.stderr
        yield platform, port
    finally:
        platform.ath("down")


def asked(channel: grpc.Channel, method: str, message: Any, told: Any) -> Any:
    call = channel.unary_unary(
        f"/ath.v1.Sandboxes/{method}",
        request_serializer=type(message).SerializeToString,
        response_deserializer=told.FromString,
    )
    return call(message, timeout=SECONDS, wait_for_ready=True)


def test_a_client_with_a_certificate_uses_sandboxes(
    served: tuple[LivePlatform, int], tmp_path: Path
) -> None:
    platform, port = served
    granted = platform.ath("sandbox", "grant", "anna", "--folder", str(tmp_path))
    assert granted.returncode == 0, granted.stderr
    names = ("ca.pem", "anna-key.pem", "anna.pem")
    credentials = grpc.ssl_channel_credentials(*((tmp_path / name).read_bytes() for name in names))
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
        box = asked(channel, "Create", wire.CreateRequest(), wire.Sandbox)
        command = wire.Command(argv=["sh", "-c", "echo hi; exit 4"])
        run = wire.ExecRequest(id=box.id, command=command)
        result = asked(channel, "Exec", run, wire.Result)
        assert (result.stdout, result.exit_code) == (b"hi\n", 4)
        with platform.client() as client:  # one host, whichever way it is asked
            assert [one.id for one in client.sandboxes.list()] == [box.id]
        asked(channel, "Kill", wire.SandboxId(id=box.id), wire.Nothing)
