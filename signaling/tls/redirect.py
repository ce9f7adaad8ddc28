"""The plain HTTP port of an installation with TLS: it sends browsers to the same page over TLS and answers nothing
else, so that no credential is ever taken in the clear."""

import asyncio
import re
import socket
from dataclasses import replace

from broker.kernel.errors import BadRequest, VisitError
from signaling.auth.origin import authority
from signaling.ingress.admission import Admission
from signaling.ingress.counters import Counters
from signaling.ingress.fairness import prefix_of
from signaling.ingress.head_reader import HeadReader, first_bytes
from signaling.ingress.incoming import Incoming
from signaling.ingress.request_head import RequestHead

_HOST = re.compile(r"[A-Za-z0-9._:-]+")
WAITING = 256
"""Connections whose request is not complete; one more, and the oldest of the place that has the most goes."""


class NotOverTls(BadRequest):
    """The request came over plain HTTP (RFC 9110, 15.5.1)."""

    code, http_status, close_code = "tls_required", 400, 4000
    title_zh, title_en = "请使用 https:// 访问", "Use https://"


class Moved(VisitError):
    """The same address over TLS (RFC 9110, 15.4.9)."""

    code, http_status, close_code = "moved_to_tls", 308, 4000
    title_zh, title_en = "请使用 https:// 访问", "Use https://"


class RedirectPort:
    """All connections of the plain port. They are under the same budgets of arrival as all others; the server with TLS
    listens at `tls_port`."""

    def __init__(self, admission: Admission, counters: Counters, tls_port: int) -> None:
        self._admission, self._counters, self._tls_port = admission, counters, tls_port
        limits = replace(admission.limits, waiting=WAITING)
        self._reader = HeadReader(limits, counters, lambda head: False, self._answer)
        self._loop = asyncio.get_running_loop()

    def accept(self, connection: socket.socket, peer: str) -> None:
        """Take a connection that was accepted, if its place has not opened too many."""
        now, place = self._loop.time(), prefix_of(peer)
        if not self._admission.may_arrive(place, now):
            self._counters.count("refused_too_often")
            return connection.close()
        try:
            first = first_bytes(connection)
        except OSError:
            self._counters.count("refused_gone")
            return connection.close()
        self._reader.add(Incoming(connection, peer, now), place, first)

    def tick(self, now: float) -> None:
        """Close what is too slow."""
        self._reader.tick(now)

    def close(self) -> None:
        """Close all connections that are read from."""
        self._reader.close()

    def _answer(self, connection: Incoming) -> None:
        place = location(connection.request, self._tls_port)
        if place is None:
            self._counters.count("refused_plain")
            return connection.refuse(NotOverTls())
        self._counters.count("redirected")
        connection.refuse(Moved(), {"Location": place})


def location(head: RequestHead, port: int) -> str | None:
    """Return where a request belongs, None for one that must not be sent again elsewhere: it may carry a secret, or
    does not say which server it means."""
    named = authority(head.value("host"))
    if (
        named is None
        or not _HOST.fullmatch(named.host)
        or head.method not in ("GET", "HEAD")
        or not head.target.startswith("/")
    ):
        return None
    host = f"[{named.host}]" if ":" in named.host else named.host
    return f"https://{host}{'' if port == 443 else f':{port}'}{head.target}"
