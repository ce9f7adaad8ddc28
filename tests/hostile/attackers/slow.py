"""Connections that cost the attacker nothing: silent ones, half requests, a byte a second, and ones that are closed at
once. They go to the pages' ports or to a relay worker's."""

import asyncio
import socket
import struct
from functools import partial

from tests.hostile.attackers.target import Pace, Target, Worker

RETRY = 0.02
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a reset instead of an orderly end


async def _hold(target: Target, place: tuple[str, int], first: bytes, drip: bytes, every: float, read: bool) -> None:
    """Open a connection, send `first` and then a byte of `drip` now and then; open another one when it is closed."""
    loop = asyncio.get_running_loop()
    while True:
        sock = socket.socket()
        try:
            sock.setblocking(False)
            sock.bind((target.address(), 0))
            await loop.sock_connect(sock, place)
            target.count("opened")
            if first:
                await loop.sock_sendall(sock, first)
            await _drip(sock, drip, every, read)
            target.count("ended by the service")
        except OSError:
            target.count("reset")
        finally:
            sock.close()
        await asyncio.sleep(RETRY)


async def _drip(sock: socket.socket, drip: bytes, every: float, read: bool) -> None:
    """Hold the connection until the service ends it."""
    loop = asyncio.get_running_loop()
    place = 0
    while True:
        try:
            async with asyncio.timeout(every):
                if not read:
                    await asyncio.sleep(every)
                elif not await loop.sock_recv(sock, 4096):
                    return
                continue
        except TimeoutError:
            if drip:
                await loop.sock_sendall(sock, drip[place % len(drip) : place % len(drip) + 1])
                place += 1


async def hold(
    target: Target,
    first: str = "",
    drip: str = "",
    every: float = 1.0,
    connections: int = 2000,
    at: str = "http",
    read: bool = True,
) -> list[Worker]:
    """Hold as many connections as the service lets; `first` opens each, `drip` is sent a byte at a time."""
    place = target.place(at)
    start, more = (target.filled(text).replace("\n", "\r\n").encode("latin-1") for text in (first, drip))
    return [partial(_hold, target, place, start, more, every, read)] * connections


async def _knock(target: Target, place: tuple[str, int], first: bytes, pace: Pace) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await pace.turn()
        sock = socket.socket()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            sock.setblocking(False)
            sock.bind((target.address(), 0))
            await loop.sock_connect(sock, place)
            if first:
                await loop.sock_sendall(sock, first)
            target.count("connections")
        except OSError:
            target.count("refused")
        finally:
            sock.close()


async def knock(
    target: Target, first: str = "", connections: int = 50, rate: float | None = None, at: str = "http"
) -> list[Worker]:
    """Open connections and reset them at once, as many a second as there can be."""
    place = target.place(at)
    start = target.filled(first).replace("\n", "\r\n").encode()
    return [partial(_knock, target, place, start, Pace(rate))] * connections
