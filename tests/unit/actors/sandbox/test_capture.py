from hypothesis import given
from hypothesis import strategies as st

from actors.sandbox.capture import Capture


@given(limit=st.integers(0, 40), parts=st.lists(st.binary(max_size=30), max_size=20))
def test_keeps_head_and_tail_and_counts_the_rest(limit: int, parts: list[bytes]) -> None:
    capture = Capture(limit)
    for part in parts:
        capture.add(part)
    said = b"".join(parts)
    tail = limit // 2
    expected = said
    if len(said) > limit:
        expected = said[: limit - tail] + (said[-tail:] if tail else b"")
    assert capture.kept == expected
    assert (capture.total, capture.dropped) == (len(said), len(said) - len(expected))
