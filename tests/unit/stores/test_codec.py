"""Stored text becomes values again, also text that an older version stored."""

import json

from harness.stores.sql.codec import RESULT
from tests.support.samples import a_result


def test_result_comes_back_with_its_steps() -> None:
    assert RESULT.value(RESULT.text(a_result())) == a_result()


def test_result_stored_before_there_were_steps_is_read() -> None:
    stored = json.loads(RESULT.text(a_result()))
    del stored["steps"]
    assert RESULT.value(json.dumps(stored)).steps == ()
