"""Whether a page that sends a request is one of the server's own: the origin that the browser names is compared with
the server's names by scheme, host and effective port, as browsers compare origins (RFC 6454, section 5). Pure."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


class Authority(NamedTuple):
    """A host in its usual spelling, and its port, None where the text names none (RFC 3986, section 3.2)."""

    host: str
    port: int | None


def authority(text: str) -> Authority | None:
    """Return the host and port in the value of a Host header, None where it is not one."""
    try:
        parts = urlsplit(f"//{text.strip()}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return Authority(_usual(host), port)


def is_own(origin: str, names: Iterable[Authority], tls: bool, same_for_browser: bool = False) -> bool:
    """Whether `origin`, the value of an Origin header, is one of the server's `names`.

    `tls`: the browser is known to speak TLS; then a page over plain HTTP is not the server's. Where it is not known, a
    proxy that says nothing may stand before the server, and both schemes are right. `same_for_browser`: the browser
    itself calls the page's origin that of the request; then a proxy may have left out the port.
    """
    scheme, separator, rest = origin.partition("://")
    page, scheme = authority(rest), scheme.lower()
    if not separator or page is None or scheme not in PORTS or (tls and scheme != "https"):
        return False
    port = page.port or PORTS[scheme]
    return any(
        name.host == page.host and ((name.port or PORTS[scheme]) == port or (same_for_browser and name.port is None))
        for name in names
    )


def _usual(host: str) -> str:
    """Return a host in small letters and ASCII, without the dot of the root, an address in its shortest spelling."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    bare = host.lower().removesuffix(".")
    try:
        return bare.encode("idna").decode("ascii")
    except UnicodeError:
        return bare
