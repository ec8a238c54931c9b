import os
import socket
from collections.abc import Iterator

import pytest

from actors.sandbox.inside import messages


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        yield one, other


def test_a_message_arrives_with_its_descriptors(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    reader, writer = os.pipe()
    messages.send(pair[0], {"op": "x", "text": "ü\udc80"}, [writer])
    os.close(writer)
    message, descriptors = messages.receive(pair[1])
    assert message == {"op": "x", "text": "ü\udc80"}
    (copy,) = descriptors
    assert not os.get_inheritable(copy)
    os.write(copy, b"through")
    assert os.read(reader, 10) == b"through"
    messages.close_all([reader, copy, copy])


def test_messages_stay_apart(pair: tuple[socket.socket, socket.socket]) -> None:
    for number in range(3):
        messages.send(pair[0], {"n": number}, [])
    assert [messages.receive(pair[1])[0] for _ in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_the_largest_message_arrives(pair: tuple[socket.socket, socket.socket]) -> None:
    text = "x" * (messages.MOST_BYTES - 20)
    messages.send(pair[0], {"text": text}, [])
    assert messages.receive(pair[1])[0] == {"text": text}


def test_nobody_on_the_other_side_is_told(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].close()
    assert messages.receive(pair[1]) == (None, [])
