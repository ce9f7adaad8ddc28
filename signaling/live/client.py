"""The sending half of one WebSocket: a bounded queue in front of a writer. A view replaces an older view of the same
session that has not left yet, so that a slow line gets the latest state and not a history; a client that does not read
at all is cut off."""

import asyncio
import secrets
from collections import OrderedDict
from contextlib import suppress
from itertools import count

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import BaseModel

from broker.kernel.errors import VisitError
from signaling.auth.scope import Caller
from signaling.server.errors import TooSlow

QUEUE = 256
"""Messages waiting for one client. A wall of visits has about twenty keys; the rest are answers to its own orders."""
SEND_SECONDS = 5.0  # without accepting a single frame: a page in a frozen tab, a dead line
CLOSE_SECONDS = 2.0  # for the client's own close frame
LAST_FRAMES = 32
"""Frames that are read after our close frame: those that were under way. A client that goes on sending is not worth the
time of the loop, and the rest of what it sends is refused by the system."""
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class Client:
    """The sending half of one socket, and the caller at its other end."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, caller: Caller) -> None:
        self.caller = caller
        self.ws = ws
        self.missed: set[str] | None = set()
        """Sessions that change while the client's first message is being made; None from then on."""
        self._request = request
        self._waiting: OrderedDict[str, str] = OrderedDict()
        self._more = asyncio.Event()
        self._numbers = count()
        self._reason: VisitError | int | None = None
        self._pings: dict[bytes, asyncio.Event] = {}
        self.closed = asyncio.Event()

    def send(self, message: BaseModel, key: str = "") -> None:
        """Queue a message; the one with the same `key` that still waits is replaced. Never blocks."""
        self.send_text(message.model_dump_json(), key)

    def send_text(self, text: str, key: str = "") -> None:
        """Queue a message that is JSON already: one view is written once for all who may see it."""
        if self._reason is not None:
            return
        self._waiting[key or f"#{next(self._numbers)}"] = text
        if len(self._waiting) > QUEUE:
            self.close(TooSlow())
        self._more.set()

    def close(self, reason: VisitError | int) -> None:
        """Stop sending and let the writer end, to close with the error's close code or a plain one. Messages that wait
        are dropped. Never blocks."""
        if self._reason is None:
            self._reason = reason
            self._waiting.clear()
            self._more.set()

    async def answers(self) -> None:
        """Ask the other end for a sign of life (RFC 6455, 5.5.2), and return when it comes; cancel this to give up.
        What reads the socket has to call `ponged`."""
        mark = secrets.token_bytes(8)
        event = self._pings[mark] = asyncio.Event()
        sending = asyncio.ensure_future(self.ws.ping(mark))  # not cancelled, see `_send_waiting`
        sending.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
        try:
            await event.wait()
        finally:
            del self._pings[mark]

    def ponged(self, mark: bytes) -> None:
        """Take a pong of the other end; one that answers no question is that of the heartbeat."""
        event = self._pings.get(bytes(mark))
        if event is not None:
            event.set()

    async def write(self) -> None:
        """Send until `close` is called. This is the only writer of the socket."""
        while self._reason is None and not self.ws.closed:
            await self._more.wait()
            self._more.clear()
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        while self._waiting and self._reason is None:
            _, text = self._waiting.popitem(last=False)
            # Not cancelled when it takes too long: aiohttp's writers all wait for one future, which a cancellation
            # would break for the close frame too.
            sending = asyncio.ensure_future(self.ws.send_str(text))
            sending.add_done_callback(
                lambda sent: sent.cancelled() or sent.exception()
            )  # read also if we are cancelled
            done, _ = await asyncio.wait({sending}, timeout=SEND_SECONDS)
            if not done:
                self.close(TooSlow())
            elif sending.exception() is not None:
                self.close(WSCloseCode.GOING_AWAY)  # the line is gone

    async def finish(self) -> None:
        """Close the socket with the close code."""
        code, text = self._close_frame()
        await close_socket(self.ws, self._request, code, text)
        self.closed.set()

    def _close_frame(self) -> tuple[int, bytes]:
        if isinstance(self._reason, VisitError):
            return self._reason.close_code, self._reason.code.encode()
        return self._reason or WSCloseCode.GOING_AWAY, b""


async def close_socket(ws: web.WebSocketResponse, request: web.Request, code: int, text: bytes) -> None:
    """Close a socket (RFC 6455, 7.1.1): send the close frame and wait for the client's, but not for long, and read no
    more than a few frames meanwhile."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await ws.send_frame(code.to_bytes(2, "big") + text, WSMsgType.CLOSE)
            for _ in range(LAST_FRAMES):
                if (await ws.receive()).type in _ENDS:
                    break
    transport = request.transport
    if transport is None:
        return
    if transport.get_write_buffer_size():
        transport.abort()  # a client that does not read would keep it for ever
    else:
        transport.close()
