"""Whatever an agent sends, a journal can keep it, without secrets and within bounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broker.tools.bounds import ToolBounds
from actors.broker.tools.record import Recording, bounded, size_of
from actors.broker.tools.tool import Picture, ToolAnswer, Words
from harness.domain.redaction import Redactor
from harness.errors import InvalidInput, TooLarge
from harness.events.effect import Effect, EffectKind

SECRET = "canary-7Gq2-value"
RECORDING = Recording(Redactor.of({"TOKEN": SECRET}), ToolBounds())
TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=40),
    st.builds("{}{}{}".format, st.text(max_size=9), st.just(SECRET), st.text(max_size=9)),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=9), st.just(2_000)),
)
VALUES: st.SearchStrategy[Any] = st.recursive(  # Any: JSON
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_arguments_are_kept_or_refused(args: dict[str, Any]) -> None:
    try:
        kept = RECORDING.arguments(args)
    except InvalidInput:
        return
    assert len(Effect(EffectKind.TOOL, "a", kept).args_hash) == 64
    assert SECRET not in repr(kept)
    repr(kept).encode()


@given(TEXT, st.integers(0, 5_000))
def test_a_text_is_cut_to_its_bytes(text: str, most: int) -> None:
    clean = RECORDING.words(text)
    found = bounded(clean, most)
    assert len(found.encode()) <= most
    assert found == clean or len(clean.encode()) > most


@given(st.lists(TEXT, max_size=4), st.integers(0, 3_000))
def test_the_texts_of_an_answer_have_its_room_together(texts: list[str], room: int) -> None:
    answer = RECORDING.answer(ToolAnswer(tuple(map(Words, texts))), room)
    assert size_of(answer) <= room
    assert SECRET not in repr(answer)


def test_a_picture_is_whole_or_refused() -> None:
    picture = ToolAnswer((Picture(b"x" * 100),))
    assert RECORDING.answer(picture, 100) == picture
    with pytest.raises(TooLarge):
        RECORDING.answer(picture, 99)
