"""Whether a request comes from a program on this machine, straight. A proxy on this machine comes from here too, for
strangers; one that says so in the usual ways is taken for what it is."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def is_nearby(request: web.Request) -> bool:
    """The peer and the Host are loopback (the latter so that no page of a browser here gets in by a name of its own),
    the version is no old proxy's, and no header tells of a way through one."""
    return (
        _is_loopback(request.remote or "")
        and _is_loopback(_name(request.host))
        and request.version >= HttpVersion11
        and not any(name in request.headers for name in FORWARDED)
    )


def _name(host: str) -> str:
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
