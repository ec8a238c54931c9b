from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.domain.address_range import AddressRanges, is_public
from harness.domain.host_name import Endpoint, address_of, host_name
from harness.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("\uff25xample\uff0ecom", "example.com"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("\uff11\uff12\uff17.0.0.1", "127.0.0.1"),
        ("[2001:DB8:0:0::1]", "2001:db8::1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("1e100.net", "1e100.net"),
    ],
)
def test_a_host_has_one_form(text: str, name: str) -> None:
    assert host_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01", "1.2.3.0x4"),
        *("", ".", "a..b", "a b", "a@b", "a/b", "a\\b", "a%2eb", "a\x00b", "a\r\nb", "-a.b", "a#b"),
        *("[::1", "::1]", "[fe80::1%eth0]", "[127.0.0.1]", "a" * 64 + ".b", ".".join(["a"] * 200)),
        *("256.1.1.1", "1.2.3.4.5", "foo.0x1"),
    ],
)
def test_what_is_no_host_or_disguises_one_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        host_name(text)


@given(st.text(max_size=40))
def test_a_canonical_host_stays_as_it_is(text: str) -> None:
    try:
        name = host_name(text)
    except InvalidInput:
        return
    assert name.isascii()
    assert host_name(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a:0",
        "a:65536",
        "user@a:80",
        "a:80:90",
        "a:x",
        "a:",
        "[::1]",
        "::1:80",
        "a:\u0668\u0660",
    ],
)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Endpoint.parse(text)


def test_an_endpoint_is_written_as_it_is_read() -> None:
    for text in ("a.example:80", "[::1]:8443"):
        assert str(Endpoint.parse(text)) == text
    assert Endpoint.parse("a.example", 443) == Endpoint("a.example", 443)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("::", "::1", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::", "::7f00:1"),
        *("64:ff9b:1::1", "2001:db8::1", "100::1", "5f00::1", "192.88.99.1"),
    ],
)
def test_what_is_not_in_the_internet_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700::1", "::ffff:1.1.1.1"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_a_range_holds_what_wraps_its_addresses() -> None:
    ranges = AddressRanges.parse(["10.0.0.0/8"])
    assert ranges.holds(ip_address("::ffff:10.1.2.3"))
    assert not ranges.holds(ip_address("11.0.0.1"))
    assert address_of("10.1.2.3") == ip_address("10.1.2.3")
    assert address_of("a.example") is None


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "a", ""])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        AddressRanges.parse([text])
