"""The line between terminals and the server, which a test can cut, narrow and mend: media and requests together, as
when a cable is pulled. Nothing is refused meanwhile: packets are lost, and connections do not come about."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from kiosk_agent.room.whip_proxy import WhipProxy
from kiosk_agent.webrtc.peer import Peer
from tests.support.udp_proxy import Impairment, UdpProxy

CANDIDATE = re.compile(r"(a=candidate:\S+ \d+ udp \d+ )127\.0\.0\.1 (\d+)", re.IGNORECASE)
TCP = re.compile(r"a=candidate:\S+ \d+ tcp [^\r\n]*\r?\n", re.IGNORECASE)
BACKLOG = 64
CHUNK = 64 * 1024


class CutLine:
    """Line of all terminals whose server is `url`: `cut` and `mend` it. Media is led through it by `lead`."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._server = (parts.hostname or "", parts.port or 0)
        self._impairment = Impairment()
        self._proxies: dict[int, UdpProxy] = {}
        self._whole = asyncio.Event()
        self._whole.set()
        self._port = socket.socket()
        self._port.setblocking(False)
        self._port.bind(("127.0.0.1", 0))
        self._port.listen(BACKLOG)
        self._fillers: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = f"http://127.0.0.1:{self._port.getsockname()[1]}"

    def cut(self) -> None:
        """Let nothing pass from now on, in either direction."""
        self._impairment.loss = 1.0
        self._whole.clear()
        self._port.listen(0)  # the kernel answers one connection more, and then none
        while len(self._fillers) < 2:
            self._fillers.append(filler := socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(self._port.getsockname())

    def limit(self, rate: float | None) -> None:
        """Let each connection carry so many bit/s in each direction from now on; None for no limit."""
        self._impairment.rate = rate

    def mend(self) -> None:
        """Let everything pass again, in both directions."""
        self._impairment.loss = 0.0
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        self._port.listen(BACKLOG)
        self._whole.set()

    async def accept(self) -> None:
        """Take connections of terminals until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._whole.wait()
            client, _ = await loop.sock_accept(self._port)
            self._spawn(self._carry(client))

    def close(self) -> None:
        """Close every port and connection of the line."""
        for task in self._tasks:
            task.cancel()
        for proxy in self._proxies.values():
            proxy.close()
        for port in (self._port, *self._fillers):
            port.close()

    def lead(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Lead the media of all terminals through this line: answers name it in place of the relay."""
        forward, post = WhipProxy._forward, Peer._post

        async def through(proxy: WhipProxy, request: web.Request, url: str) -> tuple[web.Response, str | None]:
            answer, location = await forward(proxy, request, url)
            if location is not None and isinstance(answer.body, bytes):
                answer.body = (await self._led(answer.body.decode())).encode()
            return answer, location

        async def posted(peer: Peer, path: str, offer: str) -> str:
            answer = await post(peer, path, offer)
            return await self._led(answer) if peer._access.url == self.url else answer

        monkeypatch.setattr(WhipProxy, "_forward", through)
        monkeypatch.setattr(Peer, "_post", posted)

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with client, socket.socket() as server:
            server.setblocking(False)
            with contextlib.suppress(OSError):  # an end of either side ends both, as below
                await loop.sock_connect(server, self._server)
                both = [asyncio.create_task(self._pipe(*way)) for way in ((client, server), (server, client))]
                try:
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in both:
                        way.cancel()
                    await asyncio.gather(*both, return_exceptions=True)

    async def _pipe(self, source: socket.socket, sink: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(source, CHUNK):
            await self._whole.wait()
            await loop.sock_sendall(sink, data)

    async def _led(self, sdp: str) -> str:
        for port in {int(found) for _, found in CANDIDATE.findall(sdp)}:
            if port not in self._proxies:
                self._proxies[port] = UdpProxy(("127.0.0.1", port), self._impairment, self._impairment, 1)
                await self._proxies[port].start()
        return CANDIDATE.sub(lambda found: f"{found[1]}127.0.0.1 {self._proxies[int(found[2])].port}", TCP.sub("", sdp))


@asynccontextmanager
async def cut_line(server: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CutLine]:
    """Run a line to `server`, with the media of all terminals led through it, until the block ends."""
    line = CutLine(server)
    line.lead(monkeypatch)
    accepting = asyncio.create_task(line.accept())
    try:
        yield line
    finally:
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        line.close()
