"""One connected WebSocket: a bounded queue in front of a writer. Views replace older views of the same session that
have not left yet, so a slow line gets the latest truth and not a history; one that does not read at all is cut."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from itertools import count

from aiohttp import WSCloseCode, web
from pydantic import BaseModel

from broker.kernel.errors import VisitError
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Who
from signaling.server.errors import TooSlow

QUEUE = 256
"""Messages waiting for one client. A wall of visits has about twenty keys; the rest are answers to its own orders."""
SEND_SECONDS = 5.0  # of not taking a single frame: a page in a frozen tab, a dead line
CLOSE_SECONDS = 2.0  # for the client's own close frame


class Client:
    """The sending half of one socket, and who is at its other end."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, who: Who) -> None:
        self.who = who
        self.ws = ws
        self.missed: set[str] | None = set()
        """Sessions that changed while this client is being told of all of them; None from then on."""
        self.inbound = Limit(burst=60, per_minute=600, names=1)
        self._request = request
        self._waiting: OrderedDict[str, str] = OrderedDict()
        self._more = asyncio.Event()
        self._numbers = count()
        self._over: VisitError | int | None = None
        self.closed = asyncio.Event()

    def say(self, message: BaseModel, key: str = "") -> None:
        """Queue a message; the one with the same `key` that still waits is replaced. Never blocks."""
        self.say_text(message.model_dump_json(), key)

    def say_text(self, text: str, key: str = "") -> None:
        """The same for a message that is JSON already: one view is written once for all who may see it."""
        if self._over is not None:
            return
        self._waiting[key or f"#{next(self._numbers)}"] = text
        if len(self._waiting) > QUEUE:
            self.end(TooSlow())
        self._more.set()

    def end(self, why: VisitError | int) -> None:
        """Close from now on, with the error's close code or a plain one; what still waits is dropped."""
        if self._over is None:
            self._over = why
            self._waiting.clear()
            self._more.set()

    async def write(self) -> None:
        """Send until told to end. The only writer of this socket."""
        while self._over is None and not self.ws.closed:
            await self._more.wait()
            self._more.clear()
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        while self._waiting and self._over is None:
            _, text = self._waiting.popitem(last=False)
            # Not cancelled when it takes too long: aiohttp's writers all wait for one future, which a cancellation
            # would break for the close frame too.
            sending = asyncio.ensure_future(self.ws.send_str(text))
            done, _ = await asyncio.wait({sending}, timeout=SEND_SECONDS)
            if not done:
                self.end(TooSlow())
            elif sending.exception() is not None:
                self.end(WSCloseCode.GOING_AWAY)  # the line is gone

    async def close(self) -> None:
        """Say the code and wait for the client's goodbye, but not for long."""
        code, reason = self._words()
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(2 * CLOSE_SECONDS):
                await self.ws.close(code=code, message=reason, drain=False)
        transport = self._request.transport
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()  # who does not read would keep it for ever
        self.closed.set()

    def _words(self) -> tuple[int, bytes]:
        if isinstance(self._over, VisitError):
            return self._over.close_code, self._over.code.encode()
        return self._over or WSCloseCode.GOING_AWAY, b""
