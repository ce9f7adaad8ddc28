"""Whether an origin is the server's own, compared as browsers compare origins (RFC 6454, section 5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.auth.origin import Authority, authority, is_own


def own(origin, *hosts, tls=False, same_for_browser=False):
    names = [authority(host) for host in hosts]
    return is_own(origin, [name for name in names if name is not None], tls, same_for_browser)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://huijian.example", "huijian.example"),
        ("https://huijian.example", "huijian.example:443"),
        ("https://huijian.example:443", "huijian.example"),
        ("http://huijian.example", "huijian.example:80"),
        ("https://huijian.example:8443", "huijian.example:8443"),
        ("https://huijian.example", "HUIJIAN.Example"),
        ("HTTPS://Huijian.Example", "huijian.example:443"),
        ("https://huijian.example", "huijian.example."),
        ("https://huijian.example.", "huijian.example:443"),
        ("http://[::1]:8470", "[::1]:8470"),
        ("https://[2001:db8::9]", "[2001:DB8:0:0::9]:443"),
        ("http://127.0.0.1:8470", "127.0.0.1:8470"),
        ("https://xn--6oqv34l.example", "会见.example:443"),
        ("https://xn--6oqv34l.example", "XN--6oqv34l.example"),
    ],
)
def test_pages_of_the_server_are_its_own(origin, host):
    assert own(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("", "huijian.example"),
        ("null", "huijian.example"),
        ("huijian.example", "huijian.example"),
        ("https://", "huijian.example"),
        ("https://evil.example", "huijian.example"),
        ("https://huijian.example.evil.example", "huijian.example"),
        ("https://evil-huijian.example", "huijian.example"),
        ("https://huijian.example@evil.example", "huijian.example"),
        ("https://evil.example@huijian.example", "huijian.example"),
        ("https://huijian.example/", "huijian.example"),
        ("https://huijian.example:8443", "huijian.example"),
        ("https://huijian.example:8443", "huijian.example:443"),
        ("https://huijian.example", "huijian.example:8443"),
        ("https://huijian.example", "huijian.example:80"),
        ("http://huijian.example", "huijian.example:443"),
        ("file://huijian.example", "huijian.example"),
        ("https://huijian.example:no", "huijian.example"),
        ("http://[", "huijian.example"),
        ("https://huijian.example", ""),
        ("https://huijian.example", "["),
    ],
)
def test_other_pages_are_not(origin, host):
    assert not own(origin, host)


def test_where_the_browser_speaks_tls_a_plain_page_of_the_same_host_is_not():
    assert not own("http://huijian.example", "huijian.example", tls=True)
    assert own("https://huijian.example", "huijian.example:443", tls=True)


def test_a_name_that_a_proxy_was_asked_for_is_the_servers_too():
    assert own("https://huijian.example:8443", "127.0.0.1:8470", "huijian.example:8443")


def test_a_port_that_a_proxy_has_left_out_is_made_up_for_by_the_browsers_own_word_and_by_nothing_else():
    assert own("https://huijian.example:8443", "huijian.example", same_for_browser=True)
    assert not own("https://evil.example:8443", "huijian.example", same_for_browser=True)
    assert not own("https://huijian.example:8443", "huijian.example:9000", same_for_browser=True)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_it(origin, host):
    for tls in (False, True):
        own(origin, host, tls=tls)
        own(f"https://{origin}", host, tls=tls)


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]\.example", fullmatch=True),
    st.integers(1, 65535),
)
def test_an_origin_equals_the_host_that_a_browser_sends_with_it(scheme, host, port):
    default = {"http": 80, "https": 443}[scheme]
    origin = f"{scheme}://{host}" + ("" if port == default else f":{port}")
    assert own(origin, f"{host}:{port}") and own(origin, origin.partition("://")[2])
    assert not own(origin, f"{host}:{port % 65535 + 1}") and not own(origin, f"x{host}:{port}")


def test_an_authority_has_no_port_where_none_is_named():
    assert authority("Huijian.example.") == Authority("huijian.example", None)
    assert authority("huijian.example:443/x") is None
