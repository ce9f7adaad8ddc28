"""The loopback WebSocket between agent and page: one page at a time, typed messages both ways, and the moment at which
the page was last alive. A page that sends what it may not is disconnected; it connects again by itself."""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from kiosk_agent.room.messages import AgentMessage, Beat, PageMessage, read, written
from kiosk_agent.room.small_picture import LARGEST, SmallPicture, read_picture

log = logging.getLogger(__name__)

REPLACED, NOT_UNDERSTOOD = 4009, 4000
"""Close codes: a newer page has connected; the page has sent what it may not."""
_LARGEST = 16 * 1024
"""Bytes of a text of the page."""


class PageLink:
    """Agent's end of the socket. `take` gets every message but beats, `opened` and `closed` are called when a page has
    come or gone."""

    def __init__(
        self, take: Callable[[PageMessage | SmallPicture], None], opened: Callable[[], None], closed: Callable[[], None]
    ) -> None:
        self.beat_at: float | None = None
        """Moment of the loop's clock at which the page was last alive; None before the first page."""
        self._take, self._opened, self._closed = take, opened, closed
        self._socket: web.WebSocketResponse | None = None
        self._waiting: asyncio.Queue[str] = asyncio.Queue()

    @property
    def connected(self) -> bool:
        """Whether a page is connected now."""
        return self._socket is not None

    def send(self, message: AgentMessage) -> None:
        """Send a message to the page, in order. Without a page it is dropped: a new page is told everything anew."""
        if self.connected:
            self._waiting.put_nowait(written(message))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve the socket of a page until it is closed; an older page is closed."""
        socket = web.WebSocketResponse(max_msg_size=LARGEST, timeout=1.0)
        await socket.prepare(request)
        await self._replace(socket)
        writing = asyncio.create_task(self._write(socket, self._waiting))
        try:
            await self._read(socket)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            if self._socket is socket:
                self._socket = None
                self._closed()
        return socket

    async def close(self) -> None:
        """Close the page's socket, where there is one."""
        if self._socket is not None:
            await self._socket.close(code=1001)

    async def _replace(self, socket: web.WebSocketResponse) -> None:
        older, self._socket, self._waiting = self._socket, socket, asyncio.Queue()
        self.beat_at = asyncio.get_running_loop().time()
        if older is not None:
            self._closed()
            await older.close(code=REPLACED)
        self._opened()

    async def _read(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if self._socket is not socket:
                return
            self.beat_at = asyncio.get_running_loop().time()
            try:
                decoded = _decoded(message)
            except (msgspec.DecodeError, ValueError) as error:
                log.warning("the page sent what it may not", extra={"error": error})
                await socket.close(code=NOT_UNDERSTOOD)
                return
            if not isinstance(decoded, Beat):
                self._take(decoded)

    @staticmethod
    async def _write(socket: web.WebSocketResponse, waiting: asyncio.Queue[str]) -> None:
        while True:
            text = await waiting.get()
            try:
                await socket.send_str(text)
            except ConnectionError:
                return  # the reader ends as well, and says that the page has gone


def _decoded(message: WSMessage) -> PageMessage | SmallPicture:
    """Return what the page has sent. Raises msgspec.DecodeError or ValueError for what it may not send."""
    if message.type is WSMsgType.BINARY:
        return read_picture(message.data)
    if message.type is not WSMsgType.TEXT or len(message.data) > _LARGEST:
        raise ValueError("no text, or too long")
    return read(message.data)
