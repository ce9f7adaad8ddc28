"""The address that a request really comes from. Browsers demand TLS, so that a proxy usually stands before the server
and every request comes from it: limits by address would then hold for all clients together. A trusted proxy names the
client behind it; a program on the same machine is known by its loopback address."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import HttpVersion11, web

from signaling.auth.origin import Authority, authority
from signaling.server.forwarded import hidden_name, hops, members, plain_address

FORWARDED_FOR, FORWARDED_PROTO = "X-Forwarded-For", "X-Forwarded-Proto"
FORWARDED_HOST, FORWARDED_PORT = "X-Forwarded-Host", "X-Forwarded-Port"
FORWARDED = ("Forwarded", "Via", FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PORT, FORWARDED_PROTO, "X-Real-IP")


_PORT = re.compile(r"[0-9]{1,5}")  # more digits are no port, and thousands of them no number for Python


class Proxies:
    """The proxies whose headers count, as addresses or networks. Raises ValueError for what is neither."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(proxy, strict=False) for proxy in trusted]

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of them."""
        plain = plain_address(address)
        if plain is None:
            return False
        parsed = ip_address(plain)
        return any(parsed.version == network.version and parsed in network for network in self._networks)

    def client(self, remote: str, forwarded_for: Iterable[str], forwarded: Iterable[str] = ()) -> str:
        """Return the nearest address that is no trusted proxy, or the nearest proxy that does not say from where it was
        asked. A name that it has made up for the client stands behind its own address.

        `forwarded_for`, `forwarded`: the values of X-Forwarded-For and of Forwarded.
        """
        named = hops(forwarded_for, forwarded)
        address = plain_address(remote) or remote
        while named and self.trusts(address):
            hop = named.pop()
            before = plain_address(hop)
            if before is None:
                hidden = hidden_name(hop)
                return f"{address} {hidden}" if hidden else address
            address = before
        return address


PROXIES: web.AppKey[Proxies] = web.AppKey("proxies", Proxies)


def address(request: web.Request) -> str:
    """The address that a request comes from, for limits only; it is written nowhere."""
    headers = request.headers
    forwarded_for, forwarded = headers.getall(FORWARDED_FOR, []), headers.getall("Forwarded", [])
    return request.config_dict[PROXIES].client(request.remote or "unknown", forwarded_for, forwarded)


def over_tls(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to the server or to a trusted proxy. Behind several proxies one of them saying so
    is enough: the inner ones are asked over plain HTTP."""
    schemes = _from_proxy(request, FORWARDED_PROTO, "proto")
    return request.secure or "https" in (scheme.lower() for scheme in schemes)


def names_of_server(request: web.Request) -> list[Authority]:
    """Return the names under which a browser may have asked for this server: the Host, and what a trusted proxy says
    was asked of it."""
    asked = [request.host, *_from_proxy(request, FORWARDED_HOST, "host")]
    names = [name for name in map(authority, asked) if name is not None]
    ports = [int(port) for port in _from_proxy(request, FORWARDED_PORT) if _PORT.fullmatch(port)]
    return names + [Authority(name.host, port) for name in names if name.port is None for port in ports]


def _from_proxy(request: web.Request, header: str, parameter: str = "") -> list[str]:
    """Return the members of a header, or where it is absent those of the `parameter` of Forwarded; none where no
    trusted proxy has sent it."""
    if not request.config_dict[PROXIES].trusts(request.remote or ""):
        return []
    listed = [member.strip() for value in request.headers.getall(header, []) for member in value.split(",")]
    return listed or members(request.headers.getall("Forwarded", []), parameter)


def is_local(request: web.Request) -> bool:
    """Whether a program on this machine sends the request without a proxy."""
    named = any(name in request.headers for name in FORWARDED)
    return is_local_client(request.remote or "", request.host, request.version >= HttpVersion11, named)


def is_local_client(peer: str, host: str, current: bool, proxy_named: bool) -> bool:
    """Whether a program on this machine sends a request without a proxy.

    The peer and the Host are loopback (the latter so that no page of a local browser gets in by a host name of its
    own), the version is not that of old proxies (`current`), and no header names a proxy: a proxy on this machine comes
    from loopback, too, but for clients elsewhere.
    """
    return _is_loopback(peer) and _is_loopback(_host_name(host)) and current and not proxy_named


def _host_name(host: str) -> str:
    named = authority(host)
    return named.host if named else ""


def _is_loopback(address: str) -> bool:
    plain = plain_address(address)
    return address == "localhost" if plain is None else ip_address(plain).is_loopback
