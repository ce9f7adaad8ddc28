"""Where a request really comes from. Browsers demand TLS, so that a proxy usually stands before us and every request
comes from it: limits by address would then hold for everybody together. A trusted proxy says who is behind it."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

FORWARDED_FOR, FORWARDED_PROTO = "X-Forwarded-For", "X-Forwarded-Proto"
MAX_HOPS = 8  # read from the nearest one on; the rest is what a stranger wrote


class Proxies:
    """The proxies whose word counts, as addresses or networks. Raises ValueError for what is neither."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(one, strict=False) for one in trusted]

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of them."""
        try:
            known = ip_address(address)
        except ValueError:
            return False
        return any(known.version == network.version and known in network for network in self._networks)

    def client(self, remote: str, forwarded: Iterable[str]) -> str:
        """The nearest address that is no trusted proxy; `forwarded` are the values of X-Forwarded-For."""
        hops = [hop.strip() for value in forwarded for hop in value.split(",")][-MAX_HOPS:]
        address = remote
        while hops and self.trusts(address):
            said = hops.pop()
            try:
                address = str(ip_address(said))
            except ValueError:
                break
        return address


TRIED = web.RequestKey("tried", str)
"""The account that a sign-in was tried for."""

PROXIES: web.AppKey[Proxies] = web.AppKey("proxies", Proxies)


def address(request: web.Request) -> str:
    """Where a request comes from, for limits only; it is written nowhere."""
    forwarded = request.headers.getall(FORWARDED_FOR, [])
    return request.config_dict[PROXIES].client(request.remote or "unknown", forwarded)


def over_tls(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to us or to a trusted proxy."""
    trusted = request.config_dict[PROXIES].trusts(request.remote or "")
    return request.secure or (trusted and request.headers.get(FORWARDED_PROTO, "").lower() == "https")
