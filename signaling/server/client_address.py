"""The address that a request really comes from. Browsers demand TLS, so that a proxy usually stands before the server
and every request comes from it: limits by address would then hold for all clients together. A trusted proxy names the
client behind it; a program on the same machine is known by its loopback address."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

FORWARDED_FOR, FORWARDED_PROTO = "X-Forwarded-For", "X-Forwarded-Proto"
FORWARDED = ("Forwarded", "Via", FORWARDED_FOR, "X-Forwarded-Host", FORWARDED_PROTO, "X-Real-IP")
MAX_HOPS = 8  # read from the nearest one on; the rest may be forged by the client


class Proxies:
    """The proxies whose headers count, as addresses or networks. Raises ValueError for what is neither."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(proxy, strict=False) for proxy in trusted]

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of them."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed.version == network.version and parsed in network for network in self._networks)

    def client(self, remote: str, forwarded: Iterable[str]) -> str:
        """The nearest address that is no trusted proxy; `forwarded` are the values of X-Forwarded-For."""
        hops = [hop.strip() for value in forwarded for hop in value.split(",")][-MAX_HOPS:]
        address = remote
        while hops and self.trusts(address):
            try:
                address = str(ip_address(hops.pop()))
            except ValueError:
                break
        return address


TRIED = web.RequestKey("tried", str)
"""The account that a sign-in was tried for."""

PROXIES: web.AppKey[Proxies] = web.AppKey("proxies", Proxies)


def address(request: web.Request) -> str:
    """The address that a request comes from, for limits only; it is written nowhere."""
    forwarded = request.headers.getall(FORWARDED_FOR, [])
    return request.config_dict[PROXIES].client(request.remote or "unknown", forwarded)


def over_tls(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to the server or to a trusted proxy."""
    trusted = request.config_dict[PROXIES].trusts(request.remote or "")
    return request.secure or (trusted and request.headers.get(FORWARDED_PROTO, "").lower() == "https")


def is_local(request: web.Request) -> bool:
    """Whether a program on this machine sends the request without a proxy.

    The peer and the Host are loopback (the latter so that no page of a local browser gets in by a host name of its
    own), the version is not that of old proxies, and no header names a proxy: a proxy on this machine comes from
    loopback, too, but for clients elsewhere.
    """
    return (
        _is_loopback(request.remote or "")
        and _is_loopback(_host_name(request.host))
        and request.version >= HttpVersion11
        and not any(name in request.headers for name in FORWARDED)
    )


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
