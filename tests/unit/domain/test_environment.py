from ipaddress import ip_address

import pytest

from harness.domain.environment import Environment
from harness.domain.host_name import Endpoint
from harness.errors import InvalidInput


@pytest.mark.parametrize(
    ("to", "address", "allowed"),
    [
        ("127.0.0.1:4000", "127.0.0.1", True),
        ("127.0.0.1:4001", "127.0.0.1", False),
        ("db.example:5432", "10.0.0.7", True),
        ("db.example:5433", "10.0.0.7", False),
        ("x.cdn.example:443", "1.1.1.1", True),
        ("x.cdn.example:443", "10.0.0.7", False),
        ("db.example:5432", "169.254.169.254", False),
    ],
)
def test_an_allow_list_lets_through_what_it_names_and_the_base_url(
    to: str, address: str, allowed: bool
) -> None:
    names = ("db.example:5432", "*.cdn.example")
    network = Environment("x", "http://127.0.0.1:4000/shop", allow=names).network()
    assert network is not None
    where = Endpoint.parse(to)
    told = network.connection(where).is_allowed and network.address(where, ip_address(address))
    assert bool(told and told.is_allowed) is allowed


def test_without_an_allow_list_nothing_is_limited() -> None:
    assert Environment("x", "http://a.example").network() is None


@pytest.mark.parametrize("text", ["a.*", "a:0", "a:b", "http://a", "", "0x7f.1", "[::1"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Environment("x", allow=(text,))


@pytest.mark.parametrize("url", ["shop", "http://", "http://a:99999", "mailto:a@b"])
def test_a_base_url_without_a_host_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Environment("x", url, allow=()).network()
