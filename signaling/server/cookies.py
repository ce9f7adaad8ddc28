"""The cookies that the server sets. Over TLS their names begin with `__Host-`: a browser then takes them from this very
host alone, and neither a page of a sibling host nor one over plain HTTP can set them (RFC 6265bis, section 4.1.3.2).
The plain names are for programs and browsers on this machine, which speak plain HTTP over loopback."""

from datetime import timedelta

from aiohttp import web

from signaling.server.client_address import is_local, over_tls

SESSION = "huijian"
DEVICE = "huijian-device"
IDENTITY = "huijian-identity"
PREFIX = "__Host-"


def read_cookie(request: web.Request, name: str) -> str:
    """Return the value of a cookie, "" where the request has none."""
    value = request.cookies.get(PREFIX + name)
    if value is None and is_local(request):
        value = request.cookies.get(name)
    return value or ""


def set_cookie(
    answer: web.Response,
    request: web.Request,
    name: str,
    value: str,
    keep: timedelta,
    secure: bool,
    returns: bool = False,
) -> None:
    """Set a cookie that no script reads and no other site sends. `secure`: the browser is known to speak TLS although
    the request does not say so; `returns`: it is sent when another site sends the browser back here."""
    secure = secure or over_tls(request) or not is_local(request)
    answer.set_cookie(
        PREFIX + name if secure else name,
        value,
        max_age=int(keep.total_seconds()),
        httponly=True,
        samesite="Lax" if returns else "Strict",
        secure=secure,
        path="/",
    )


def delete_cookie(answer: web.Response, request: web.Request, name: str) -> None:
    """Delete a cookie under whichever of its names the request has sent it."""
    for sent in (PREFIX + name, name):
        if sent in request.cookies:
            answer.del_cookie(sent, path="/", secure=sent != name, httponly=True, samesite="Strict")
