"""What can be a source of models."""

import pytest

from harness.domain.model_server import ModelServer
from harness.domain.price import Price
from harness.errors import InvalidInput


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://API.example.com/v1/", "https://api.example.com/v1"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://h.example", "https://h.example"),
        ("HTTPS://h.example:443/a/b", "https://h.example:443/a/b"),
    ],
)
def test_a_url_has_one_form(given: str, kept: str) -> None:
    assert ModelServer.parse("local", given).base_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com/v1",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "https://user:key@api.example.com/v1",
        "https://@api.example.com/v1",
        "https://api.example.com/v1?key=1",
        "https://api.example.com/v1?",
        "https://api.example.com/v1#x",
        "https://api.example.com/../v1",
        "https://api.example.com/v%31",
        "https://api.example.com\\@evil.example/v1",
        "https://api.example.com:99999/v1",
        "https://api.example.com:x/v1",
        "https://0x7f.1/v1",
        "https://2130706433/v1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/v1",
        "http://0.0.0.0:80/v1",
        "https://é.example/v1",
        "https://a b.example/v1",
        "https://h.example/v1\nX: y",
        "https://h.example/" + "a" * 2000,
    ],
)
def test_what_is_no_plain_url_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        ModelServer.parse("local", url)


@pytest.mark.parametrize("name", ["", "scripted", "A", "a/b", "a*", "-a", "a" * 64, "é"])
def test_what_cannot_begin_a_models_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        ModelServer.parse(name, "https://h.example/v1")


@pytest.mark.parametrize(
    ("secret", "prices", "words"),
    [
        ("not a name", {}, "cannot name a secret"),
        ("ATH_TOKEN", {}, "cannot name a secret"),
        ("", {"a b": Price()}, "not the name of a model"),
        ("", {"m": Price(-1)}, "price of m is out of range"),
        ("", {"m": Price(0, 10**13)}, "price of m is out of range"),
        ("", {f"m{n}": Price() for n in range(501)}, "can have 500 prices"),
    ],
)
def test_what_could_not_be_used_is_refused(
    secret: str, prices: dict[str, Price], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        ModelServer.parse("local", "https://h.example/v1", secret, prices)
