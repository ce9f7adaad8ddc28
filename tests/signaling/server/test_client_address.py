"""The client address of a request, where trusted proxies name it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.server.client_address import Proxies

HERE = Proxies(("127.0.0.0/8", "10.1.0.0/16", "::1"))


@pytest.mark.parametrize(
    ("remote", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("::1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
        ("unknown", ["198.51.100.1"], "unknown"),
    ],
)
def test_is_the_nearest_address_that_is_no_trusted_proxy(remote, forwarded, client):
    assert HERE.client(remote, forwarded) == client


@given(st.lists(st.text(max_size=60), max_size=5))
def test_no_forged_header_breaks_it(forwarded):
    assert HERE.client("192.0.2.1", forwarded) == "192.0.2.1"
    assert HERE.client("127.0.0.1", forwarded)


def test_an_invalid_network_is_refused():
    with pytest.raises(ValueError, match="proxy"):
        Proxies(("proxy.example",))
