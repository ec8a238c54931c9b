"""What the load generator takes for an answer."""

import pytest

from benchmarks.load import content_length


def test_length_is_found_whatever_its_case() -> None:
    assert content_length(b"HTTP/1.1 200 OK\r\nserver: x\r\nCONTENT-Length: 12\r\n\r\n") == 12


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n", "401"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "length"),
    ],
)
def test_other_answers_end_the_measurement(head: bytes, why: str) -> None:
    with pytest.raises(RuntimeError, match=why):
        content_length(head)
