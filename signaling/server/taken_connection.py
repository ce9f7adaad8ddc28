"""One HTTP connection that was accepted elsewhere: by the ingress process, which has read the beginning already. It
stands on the inner parts of aiohttp's server protocol, as `connection.py` does; their tests fail first when they
move."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from signaling.server.connection import Connection

WRITE_BUFFER = 1024 * 1024
"""Bytes of an answer that are kept for a slow reader without waiting: more than the largest answer to strangers has."""


PLAIN = {"access_log": None, "auto_decompress": False}  # a body comes as it is: a few bytes must not unfold into many


class TakenConnection(Connection):
    """The server's protocol for one such connection. `payer` is the author or the place that pays for its requests.
    `peer` is the client's address where TLS was taken off the connection: its requests are then secure ones.

    `on_lost` is called when the connection is closed, `on_answered` after each answer. With `one_request` the first
    answer is the last one.
    """

    __slots__ = (
        "_answers",
        "_first",
        "_newest_body",
        "_on_answered",
        "_on_lost",
        "_on_paid",
        "_peer",
        "_write_buffer",
        "one_request",
        "payer",
    )

    def __init__(
        self,
        server: web.Server,
        first: bytes,
        payer: str,
        one_request: bool,
        on_lost: Callable[[], None],
        on_answered: Callable[[], None] = lambda: None,
        on_paid: Callable[[str], None] = lambda payer: None,
        write_buffer: int = 0,
        peer: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **{**PLAIN, **options})
        self._first, self.payer, self.one_request = first, payer, one_request
        self._on_lost, self._on_answered, self._on_paid = on_lost, on_answered, on_paid
        self._write_buffer, self._peer = write_buffer, peer
        self._newest_body: StreamReader = EMPTY_PAYLOAD
        self._answers = 0

    @property
    def secure(self) -> bool:
        """Whether TLS was taken off the connection."""
        return self._peer is not None

    @property
    def peername(self) -> Any:
        """The address of the client: what requests say as `remote`."""
        return super().peername if self._peer is None else (self._peer, 0)

    @property
    def ssl_context(self) -> Any:
        """What requests say as `secure`: anything where TLS was taken off, as the context is another process's."""
        return super().ssl_context if self._peer is None else True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with what ingress has read; the loop reads the rest from the socket afterwards."""
        super().connection_made(transport)
        if self.transport is not None and self._write_buffer:
            self.transport.set_write_buffer_limits(high=self._write_buffer)
        first, self._first = self._first, b""
        self.data_received(first)
        if not self._request_count:  # the two parsers differ: nothing waits here for more of a head
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what has come, and remember the body of the newest request."""
        super().data_received(data)
        if self._messages:
            self._newest_body = self._messages[-1][1]

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection until its last answer has been sent: a sender that says nothing more may still read (RFC
        9112, 9.6). One that breaks off in the middle of a body, or that leaves a socket, is gone."""
        if self._upgraded or self._answers >= self._request_count or not self._newest_body.is_eof():
            return False
        self.close()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell the owner that the connection is gone."""
        try:
            super().connection_lost(exc)
        finally:
            self._on_lost()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer, and tell the owner that it is on its way."""
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._answers += 1
            self.answered()

    def answered(self) -> None:
        """Tell the owner that nothing more is to be done for the request but to send."""
        self._on_answered()

    @property
    def unsent(self) -> int:
        """The number of bytes that the system has not taken yet."""
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def abort(self) -> None:
        """Close at once, whatever has not been sent."""
        if self.transport is not None:
            self.transport.abort()

    def paid_by(self, payer: str) -> None:
        """Another payer stands for this connection from now on: its sender has signed in."""
        self.payer = payer
        self._on_paid(payer)


def taken(request: web.BaseRequest) -> TakenConnection | None:
    """Return the connection of a request where ingress has handed it over; None in a server that listens by itself."""
    protocol = request.protocol
    return protocol if isinstance(protocol, TakenConnection) else None


def payer_of(request: web.BaseRequest) -> str | None:
    """Return the author, or the place of an unknown sender, that pays for the connection of a request."""
    connection = taken(request)
    return connection.payer if connection is not None else None


def close_after(answer: web.StreamResponse) -> None:
    """Make an answer the last one of its connection."""
    answer.force_close()
    answer.headers["Connection"] = "close"


async def close_refused(request: web.BaseRequest, answer: web.StreamResponse) -> None:
    """Close connections that ingress has handed over after an answer that cost more than it was worth: what is refused
    for its credential or its rate comes again through ingress, which has budgets for that."""
    connection = taken(request)
    if connection is not None and answer.status != 101 and (connection.one_request or answer.status in (401, 429)):
        close_after(answer)
