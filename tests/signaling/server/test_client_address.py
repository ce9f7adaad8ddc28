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
        ("127.0.0.1", ["203.0.113.7:51234"], "203.0.113.7"),
        ("127.0.0.1", ["[2001:db8::9]:51234"], "2001:db8::9"),
        ("127.0.0.1", ["[2001:db8::9]"], "2001:db8::9"),
        ("127.0.0.1", ["2001:DB8:0:0::9"], "2001:db8::9"),
        ("127.0.0.1", ["[fe80::9%eth0]:443"], "fe80::9"),
        ("127.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("::ffff:127.0.0.1", ["[::ffff:203.0.113.7]:9"], "203.0.113.7"),
        ("127.0.0.1", ['"203.0.113.7"'], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7:51234 ,  10.1.2.3:80 "], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, "], "203.0.113.7"),
        ("127.0.0.1", ["", "203.0.113.7", " , ,"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7, what is this, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", ["_gazonk"], "127.0.0.1 _gazonk"),
        ("127.0.0.1", ["_gazonk:_port, 10.1.2.3"], "10.1.2.3 _gazonk"),
        ("192.0.2.1", ["_gazonk"], "192.0.2.1"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
    ],
)
def test_is_the_nearest_address_that_is_no_trusted_proxy(remote, forwarded, client):
    assert HERE.client(remote, forwarded) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (["for=203.0.113.7"], "203.0.113.7"),
        (['For="[2001:db8:cafe::17]:4711";proto=https'], "2001:db8:cafe::17"),
        (["for=6.6.6.6, for=203.0.113.7;by=10.1.0.1"], "203.0.113.7"),
        (["for=6.6.6.6", "proto=http; for=203.0.113.7"], "203.0.113.7"),
        (['for="_SEVKISEK"'], "127.0.0.1 _SEVKISEK"),
        (["for=unknown"], "127.0.0.1"),
        (["for=203.0.113.7, for="], "203.0.113.7"),
        (["by=10.1.0.1"], "127.0.0.1"),
        (["for"], "127.0.0.1"),
        (['for="203.0.113.7'], "127.0.0.1"),
    ],
)
def test_it_is_read_from_the_standard_header_too(forwarded, client):
    assert HERE.client("127.0.0.1", [], forwarded) == client


def test_the_standard_header_counts_only_where_the_usual_one_is_absent():
    """A proxy that writes the usual one passes on what the client has put into the other."""
    assert HERE.client("127.0.0.1", ["203.0.113.7"], ["for=6.6.6.6"]) == "203.0.113.7"


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 65535))
def test_two_clients_never_share_an_address_however_they_are_spelled(first, second, port):
    def spellings(address):
        bare = f"[{address}]" if address.version == 6 else str(address)
        return [str(address), bare, f"{bare}:{port}", f" {bare}:{port} ", f'"{bare}:{port}"']

    proxy = Proxies(("127.0.0.1",))
    seen = {proxy.client("127.0.0.1", [text]) for text in spellings(first)}
    assert len(seen) == 1
    mapped = {getattr(address, "ipv4_mapped", None) or address for address in (first, second)}
    if len(mapped) == 2:
        assert seen.isdisjoint({proxy.client("127.0.0.1", [text]) for text in spellings(second)})


@given(st.lists(st.text(max_size=60), max_size=5))
def test_no_forged_header_breaks_it(forwarded):
    assert HERE.client("192.0.2.1", forwarded) == "192.0.2.1"
    assert HERE.client("127.0.0.1", forwarded)
    assert HERE.client("127.0.0.1", [], forwarded)
    assert HERE.client("127.0.0.1", [*forwarded, "198.51.100.1"]) == "198.51.100.1"


def test_an_invalid_network_is_refused():
    with pytest.raises(ValueError, match="proxy"):
        Proxies(("proxy.example",))
