"""Floods of HTTP requests: one after another on each connection, many at once without reading, bodies without end."""

import asyncio
import random
import socket
from collections.abc import Callable, Mapping
from functools import partial

from tests.hostile.attackers.target import Pace, Target, Worker

PATIENCE = 10.0  # seconds without an answer after which a connection is given up
RETRY = 0.02  # seconds after a refused connection
CRLF = "\r\n"
TINY = 4096  # bytes of a receive buffer that is never emptied


def request(
    target: Target,
    method: str,
    path: str,
    body: str = "",
    headers: Mapping[str, str] | None = None,
    token: str = "",
    forwarded: bool = False,
) -> bytes:
    """Return the bytes of one request, its places filled anew. `forwarded`: a proxy names a made-up client."""
    content = target.filled(body).encode()
    lines = [f"{method} {target.filled(path)} HTTP/1.1", f"Host: {target.http[0]}:{target.http[1]}"]
    lines += [f"{name}: {target.filled(value)}" for name, value in (headers or {}).items()]
    if token:
        lines.append(f"Authorization: Bearer {target.filled(token)}")
    if forwarded:
        lines.append(f"X-Forwarded-For: {'.'.join(str(random.randrange(1, 255)) for _ in range(4))}")
    if content or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(content)}")
    return (CRLF.join(lines) + CRLF + CRLF).encode() + content


class Asker(asyncio.Protocol):
    """A connection that asks again as soon as it is answered."""

    def __init__(self, target: Target, make: Callable[[], bytes], pace: Pace, opening: bytes = b"") -> None:
        self._target, self._make, self._pace, self._opening = target, make, pace, opening
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask_soon()

    def _ask_soon(self) -> None:
        wait = self._pace.wait()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(wait, self._ask) if wait else None
        if not wait:
            self._ask()

    def _ask(self) -> None:
        if not self._transport.is_closing():
            data, self._opening = self._opening or self._make(), b""
            self._transport.write(data)
            self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)

    def _give_up(self) -> None:
        self._target.count("unanswered")
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what comes; a whole answer is counted, and the next request follows it."""
        self._in += data
        head, found, rest = self._in.partition(b"\r\n\r\n")
        if not found:
            return
        low = head.lower()
        at = low.find(b"content-length:")
        size = int(low[at + 15 :].split(b"\r\n")[0]) if at >= 0 else 0
        if b"transfer-encoding: chunked" in low and not rest.endswith(b"0\r\n\r\n"):
            return
        if len(rest) < size:
            return
        self._target.count(head[9:12].decode("ascii", "replace"))
        self._in = b""
        if self._timer is not None:
            self._timer.cancel()
        if b"connection: close" in low:
            self._transport.abort()
        else:
            self._ask_soon()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the worker, which opens the next connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._in or error is not None:
            self._target.count("broken off")
        if not self.closed.done():
            self.closed.set_result(None)


async def _ask_for_ever(
    target: Target, make: Callable[[], bytes], pace: Pace, source: Callable[[], str], opening: Callable[[], bytes]
) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            asker = (
                await loop.create_connection(
                    lambda: Asker(target, make, pace, opening()), *target.http, local_addr=(source(), 0)
                )
            )[1]
        except OSError:
            target.count("no connection")
            await asyncio.sleep(RETRY)
            continue
        try:
            await asker.closed
        finally:
            asker._transport.abort()
        await asyncio.sleep(0)


async def requests(
    target: Target,
    method: str = "GET",
    path: str = "/",
    connections: int = 100,
    rate: float | None = None,
    network: str = "",
    source: str = "",
    opening: Mapping[str, str] | None = None,
    **more: object,
) -> list[Worker]:
    """Ask for one address on many connections; the rest of the arguments is that of `request`. `opening` are those of
    another request, with which each connection begins."""
    pace = Pace(rate)
    make = partial(request, target, method, path, **more)
    come_from = (lambda: source) if source else partial(target.address, network)
    begin = partial(request, target, **opening) if opening else bytes
    return [partial(_ask_for_ever, target, make, pace, come_from, begin)] * connections


async def _never_read(target: Target, data: Callable[[], bytes], again: float) -> None:
    """Send requests and read nothing; when the connection is closed, open another one."""
    loop = asyncio.get_running_loop()
    while True:
        sock = socket.socket()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY)
            sock.setblocking(False)
            sock.bind((target.address(), 0))
            await loop.sock_connect(sock, target.http)
            target.count("connections")
            while True:
                async with asyncio.timeout(again):
                    await loop.sock_sendall(sock, data())
                target.count("writes")
                await asyncio.sleep(0.05)
        except TimeoutError:
            await asyncio.sleep(again)  # the service does not take more; the connection stays open for a while
            target.count("full")
        except OSError:
            target.count("closed")
            await asyncio.sleep(RETRY)
        finally:
            sock.close()


async def unread(
    target: Target, path: str = "/api/v1/openapi.json", connections: int = 200, depth: int = 20, **more: object
) -> list[Worker]:
    """Send `depth` requests at a time on each connection and never read an answer."""

    def data() -> bytes:
        return request(target, "GET", path, **more) * depth

    return [partial(_never_read, target, data, 5.0)] * connections


async def _big(target: Target, head: str, piece: bytes) -> None:
    loop = asyncio.get_running_loop()
    while True:
        sock = socket.socket()
        try:
            sock.setblocking(False)
            sock.bind((target.address(), 0))
            await loop.sock_connect(sock, target.http)
            await loop.sock_sendall(sock, target.filled(head).encode())
            while True:
                async with asyncio.timeout(PATIENCE):
                    await loop.sock_sendall(sock, piece)
                target.count("pieces")
                await asyncio.sleep(0)
        except (OSError, TimeoutError):
            target.count("closed")
            await asyncio.sleep(RETRY)
        finally:
            sock.close()


async def endless(target: Target, head: str, piece: str, times: int = 1, connections: int = 20) -> list[Worker]:
    """Send the head of a request and then the same piece for ever: bodies, headers or chunks without end."""
    return [partial(_big, target, head.replace("\n", CRLF), piece.replace("\n", CRLF).encode() * times)] * connections
