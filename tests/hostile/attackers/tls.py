"""TLS connections from many addresses: handshakes one after another, and connections that stay once they are made."""

import asyncio
import ssl
from functools import partial

from tests.hostile.attackers.target import Pace, Target, Worker

PATIENCE = 10.0  # seconds for a handshake, after which a connection is given up
RETRY = 0.02  # seconds after a refused connection


def _unchecked() -> ssl.SSLContext:
    """A client that takes any certificate: attackers do not mind whose it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _shake(target: Target, context: ssl.SSLContext, first: bytes, stay: bool, pace: Pace) -> None:
    """Make a connection, send `first`, and end it, or wait until the service does; then another one."""
    host, port = target.tls
    while True:
        await pace.turn()
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=context, local_addr=(target.address(), 0)
                )
        except (OSError, TimeoutError):  # an SSLError is an OSError
            target.count("refused")
            await asyncio.sleep(RETRY)
            continue
        target.count("handshakes")
        try:
            writer.write(first)
            while stay and await reader.read(4096):
                target.count("answered")
            target.count("ended")
        except OSError:
            target.count("reset")
        finally:
            writer.transport.abort()


async def shake(
    target: Target, first: str = "", stay: bool = False, connections: int = 100, rate: float | None = None
) -> list[Worker]:
    """Shake hands on as many connections at a time, as often a second as there can be."""
    start = target.filled(first).replace("\n", "\r\n").encode("latin-1")
    return [partial(_shake, target, _unchecked(), start, stay, Pace(rate))] * connections
