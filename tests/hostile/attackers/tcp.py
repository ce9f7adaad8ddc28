"""ICE over TCP with a credential (RFC 6544): connections that prove themselves and then hoard, do not read, or send
frames of their own."""

import asyncio
import socket
from functools import partial

from tests.hostile.attackers.target import Target, Worker
from tests.hostile.attackers.udp import check, issued

RETRY = 0.05
TINY = 4096  # bytes of a receive buffer that is never emptied


def framed(packet: bytes) -> bytes:
    """Return a packet behind its length (RFC 4571)."""
    return len(packet).to_bytes(2, "big") + packet


async def _prove(target: Target, ufrag: str, key: bytes, more: bytes, source: str) -> None:
    """Open a connection, prove it, and hold it without reading; open another one when it is closed."""
    loop = asyncio.get_running_loop()
    while True:
        sock = socket.socket()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY)
            sock.setblocking(False)
            sock.bind((source or target.address(), 0))
            await loop.sock_connect(sock, target.relay)
            await loop.sock_sendall(sock, framed(check(ufrag, key)))
            target.count("proven")
            while True:
                await asyncio.sleep(0.2)
                await loop.sock_sendall(sock, more or framed(check(ufrag, key)))
                target.count("sent")
        except OSError:
            target.count("closed")
        finally:
            sock.close()
        await asyncio.sleep(RETRY)


async def proven(
    target: Target, user: str, connections: int = 200, junk: int = 0, source: str = "", session: str = "attack"
) -> list[Worker]:
    """Hold connections that are proven with one client's password; `junk` bytes follow in frames of one."""
    ufrag, key = await issued(target, user, session)
    more = framed(b"\xff") * junk
    return [partial(_prove, target, ufrag, key.encode(), more, source)] * connections
