"""WebSockets: upgrades without a hello, with a wrong one, and sockets of known clients that send what they like."""

import asyncio
import struct
from functools import partial

from tests.hostile.attackers.target import Pace, Target, Worker

RETRY = 0.02
TEXT, CONTINUED, PING = 1, 0, 9
UPGRADE = (
    "GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: huijian.v1\r\n{more}\r\n"
)


def frame(payload: bytes, kind: int = TEXT, last: bool = True) -> bytes:
    """Return a frame (RFC 6455 5.2), masked with zeroes, which leave it as it is."""
    size = len(payload)
    first = bytes((kind | (0x80 if last else 0),))
    if size < 126:
        return first + bytes((0x80 | size,)) + bytes(4) + payload
    return first + bytes((0x80 | 126,)) + struct.pack("!H", size) + bytes(4) + payload


async def _converse(
    target: Target, token: str, messages: list[str], kind: int, depth: int, pace: Pace, stay: bool, read: bool
) -> None:
    host = f"{target.http[0]}:{target.http[1]}"
    more = f"Authorization: Bearer {target.filled(token)}\r\n" if token else ""
    while True:
        writer = None
        try:
            reader, writer = await asyncio.open_connection(*target.http, local_addr=(target.address(), 0))
            writer.write(UPGRADE.format(host=host, more=more).encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            target.count(f"upgrade {answer[9:12].decode()}")
            reading = asyncio.ensure_future(_drain(reader)) if read else None
            try:
                while messages and not (reading and reading.done()):
                    await asyncio.sleep(pace.wait())
                    writer.write(b"".join(frame(target.filled(text).encode(), kind) for text in messages) * depth)
                    target.count("messages", len(messages) * depth)
                    await writer.drain()
                if stay and reading is not None:
                    await reading
            finally:
                if reading is not None:
                    reading.cancel()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            target.count("closed")
        finally:
            if writer is not None:
                writer.transport.abort()
        await asyncio.sleep(RETRY)


async def _drain(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        continue


async def converse(
    target: Target,
    token: str = "",
    messages: tuple[str, ...] = (),
    ping: bool = False,
    depth: int = 1,
    connections: int = 50,
    rate: float | None = None,
    stay: bool = True,
    read: bool = True,
) -> list[Worker]:
    """Open sockets, send messages for ever, and open others when they are closed. Without messages they only stay."""
    kind = PING if ping else TEXT
    work = partial(_converse, target, token, list(messages), kind, depth, Pace(rate), stay, read)
    return [work] * connections
