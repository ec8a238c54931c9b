"""Where a goal's model is asked."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from actors.specs.agents.model_planner import ModelAccess
from actors.specs.failure import StepFailed

NAMED = {"ATH_MODEL_BASE_URL": "http://127.0.0.1:1/v1", "ATH_MODEL_TOKEN": "secret-token"}


@dataclass
class Config:
    """What the platform's runner leaves with pytest."""

    _ath_door: tuple[str, str] | None = None


def test_environment_names_it_outside_of_the_platform() -> None:
    access = ModelAccess.of(NAMED, Config(), "a/b")
    assert (access.base_url, access.socket) == ("http://127.0.0.1:1/v1", "")
    assert "secret-token" not in repr(access)


def test_socket_will_do() -> None:
    assert ModelAccess.of({"ATH_MODEL_SOCKET": "/s"}, None, "a/b").socket == "/s"


def test_without_either_it_is_said() -> None:
    with pytest.raises(StepFailed, match="there is no model here"):
        ModelAccess.of({}, Config(), "a/b")


def test_host_of_the_tests_lends_a_socket(tmp_path: Path) -> None:
    place = tmp_path / "door"
    asked: list[dict[str, object]] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()

        def answer() -> None:
            end, _ = listener.accept()
            with end:
                asked.append(json.loads(end.makefile("rb").readline()))
                end.sendall(b'{"socket": "/run/model"}\n')

        thread = Thread(target=answer)
        thread.start()
        access = ModelAccess.of({}, Config((str(place), "w1")), "a/b")
        thread.join(5)
    assert (access.socket, access.token) == ("/run/model", "")
    assert asked == [{"worker": "w1", "model": "a/b"}]
