"""A secret is recognised however it was encoded."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.specs.redaction import Redactor

SECRET = 'p@ss w"ör\\d/+='


@pytest.mark.parametrize(
    "seen",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps({"a": SECRET}),
        json.dumps({"a": SECRET}, ensure_ascii=False),
        SECRET.encode().hex(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f"ann:{SECRET}".encode()).decode(),
        base64.urlsafe_b64encode(f"me:{SECRET}".encode()).decode(),
        base64.b64encode(f"a:{SECRET}:x".encode()).decode(),
        repr(SECRET),
    ],
)
def test_every_form_is_replaced(seen: str) -> None:
    redactor = Redactor()
    redactor.register("KEY", SECRET)
    assert "[secret KEY]" in redactor.text(f"before {seen} after")


@given(st.text(min_size=8), st.binary(max_size=9), st.binary(max_size=9))
def test_base64_of_a_text_around_a_secret_hides_it(
    secret: str, before: bytes, after: bytes
) -> None:
    redactor = Redactor()
    redactor.register("KEY", secret)
    seen = base64.b64encode(before + secret.encode() + after).decode()
    assert redactor.text(seen) != seen


def test_longer_secret_goes_first() -> None:
    redactor = Redactor()
    redactor.register("SHORT", "hush")
    redactor.register("LONG", "hush-hush")
    assert redactor.text("hush-hush, hush") == "[secret LONG], [secret SHORT]"
