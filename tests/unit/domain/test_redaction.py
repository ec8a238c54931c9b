"""Values of secrets are kept out of everything that is recorded."""

import base64
import html
import io
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.domain.redaction import NOTE, Redactor

VALUE = "Tr0ub4dor&3/\"x' %+ü"
PLAIN = "hunter2-secret-0123456789"
NOTED = NOTE.format("TOKEN")


def hiding(value: str) -> Redactor:
    return Redactor.of({"TOKEN": value})


FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "url": lambda v: quote(v, safe=""),
    "url lower": lambda v: quote(v, safe="").lower() if v == v.lower() else quote(v, safe=""),
    "path": quote,
    "form": lambda v: quote_plus(v),
    "json": json.dumps,
    "json unicode": lambda v: json.dumps(v, ensure_ascii=False),
    "json in json": lambda v: json.dumps({"body": json.dumps({"token": v})}),
    "repr": repr,
    "bytes": lambda v: repr(v.encode()),
    "html": html.escape,
    "hex": lambda v: v.encode().hex(),
    "HEX": lambda v: v.encode().hex().upper(),
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "basic auth": lambda v: base64.b64encode(f"user:{v}".encode()).decode(),
    "basic auth, one more": lambda v: base64.b64encode(f"users:{v}\n".encode()).decode(),
    "basic auth, two more": lambda v: base64.b64encode(f"user42:{v}:x".encode()).decode(),
    "base64 url": lambda v: base64.urlsafe_b64encode(v.encode()).decode(),
}


@pytest.mark.parametrize("value", [VALUE, PLAIN, "\u00ff\u00fe\u00fb~~~???>>>"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_value_is_hidden(form: str, value: str) -> None:
    written = FORMS[form](value)
    cleaned = hiding(value).text(f"before {written} after")
    assert NOTED in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    for text in (value, written.strip("\"'"), base64.b64encode(value.encode()).decode()[:-2]):
        assert text not in cleaned


@pytest.mark.parametrize("form", FORMS)
def test_bytes_are_cleaned_as_text_is(form: str) -> None:
    written = f"é {FORMS[form](VALUE)} ü"
    assert hiding(VALUE).data(written.encode()).decode() == hiding(VALUE).text(written)


def test_the_note_names_the_secret() -> None:
    redactor = Redactor.of({"A": "alpha-value", "B": "beta-value"})
    assert redactor.text("x alpha-value y beta-value") == (
        f"x {NOTE.format('A')} y {NOTE.format('B')}"
    )


def test_other_text_stays_as_it_is() -> None:
    text = "hunter2 is not the secret… 0123456789 ... end"
    assert hiding(PLAIN).text(text) == text
    assert Redactor().text(PLAIN) == PLAIN


def test_a_value_within_another_leaves_nothing_of_the_longer() -> None:
    redactor = Redactor.of({"SHORT": "password", "LONG": "password-of-ann"})
    assert redactor.text("password-of-ann password") == (
        f"{NOTE.format('LONG')} {NOTE.format('SHORT')}"
    )


def test_lines_of_a_long_key_are_hidden_where_they_stand_alone() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"
    assert hiding(key).text("saw hkiG9w0BAQEFAASC there") == f"saw {NOTED} there"


@pytest.mark.parametrize(
    "text",
    [
        f"a {PLAIN[:12]}\n… 3000 characters left out …\nb",
        f"a\n… 3000 bytes left out …\n{PLAIN[9:]} b",
        f"'{PLAIN[:9]}...{PLAIN[-9:]}'",
        "x" * 980 + PLAIN[:20],
        PLAIN[8:] + "x" * 1000,
    ],
    ids=["before a cut", "after a cut", "shortened", "cut at its end", "cut at its start"],
)
def test_pieces_of_a_value_beside_a_cut_are_hidden(text: str) -> None:
    cleaned = hiding(PLAIN).text(text)
    assert NOTED in cleaned
    assert "hunter2" not in cleaned
    assert "456789" not in cleaned


def test_texts_in_json_are_cleaned_and_the_rest_is_kept() -> None:
    value = {"a": [PLAIN, 1, None, {"b": f"x{PLAIN}", "c": True}], "n": 2.5}
    expected = {"a": [NOTED, 1, None, {"b": f"x{NOTED}", "c": True}], "n": 2.5}
    assert hiding(PLAIN).value(value) == expected


@settings(max_examples=60, deadline=None)
@given(
    before=st.integers(0, 600_000),
    after=st.integers(0, 600_000),
    form=st.sampled_from(sorted(FORMS)),
)
def test_a_stream_is_cleaned_wherever_its_chunks_end(before: int, after: int, form: str) -> None:
    written = FORMS[form](PLAIN).encode()
    content = b"-" * before + b" " + written + b" " + b"=" * after
    cleaned = hiding(PLAIN).stream(io.BytesIO(content)).read()
    assert cleaned == hiding(PLAIN).data(content)
    assert NOTED.encode() in cleaned


def test_a_stream_of_nothing_but_values_is_cleaned() -> None:
    content = PLAIN.encode() * 50_000
    cleaned = hiding(PLAIN).stream(io.BytesIO(content)).read()
    assert cleaned == NOTED.encode() * 50_000


def test_a_stream_is_read_in_pieces() -> None:
    stream = hiding(PLAIN).stream(io.BytesIO(b"ab" * 300_000 + PLAIN.encode()))
    pieces = list(iter(lambda: stream.read(1000), b""))
    assert {len(piece) for piece in pieces[:-1]} == {1000}
    assert b"".join(pieces) == b"ab" * 300_000 + NOTED.encode()


def test_binary_content_is_left_alone() -> None:
    content = b"PK\x03\x04\0\0" + PLAIN.encode() + bytes(range(256)) * 3000
    assert hiding(PLAIN).stream(io.BytesIO(content)).read() == content


def test_a_character_that_a_chunk_cuts_in_two_is_still_text() -> None:
    content = b"x" * ((1 << 18) - 1) + "ü".encode() + PLAIN.encode()
    cleaned = hiding(PLAIN).stream(io.BytesIO(content)).read()
    assert cleaned.endswith("ü".encode() + NOTED.encode())


@pytest.mark.parametrize("text", ["..." * 50_000, "… " * 50_000, "aaaa" * 50_000])
def test_hostile_text_costs_little(text: str) -> None:
    redactor = Redactor.of({f"S{n}": f"aaaa{n}bbbb" * 4 for n in range(20)} | {"A": "aaaa"})
    redactor.text(text)
    redactor.stream(io.BytesIO(text.encode())).read()
