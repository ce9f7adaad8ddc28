"""Datagrams at a relay worker's port: as many as the machine carries, by segmentation offload (UDP_SEGMENT)."""

import asyncio
import os
import random
import socket
import struct
from collections.abc import Callable
from functools import partial

from aioice import stun

from tests.bench.client import PRIORITY, Client
from tests.bench.system import KINDS
from tests.hostile.attackers.offers import answered
from tests.hostile.attackers.target import Pace, Target, Worker

UDP_SEGMENT = 103  # of Linux, linux/udp.h: one call, many datagrams
BATCH = 40  # datagrams of one call at most; the kernel takes 64
LARGEST = 60_000  # bytes of one call
DTLS_HELLO = bytes.fromhex("16fefd0000000000000000006b010000")  # record and handshake header of a ClientHello
COOKIE = 0x2112A442  # of STUN, RFC 8489 5


def check(ufrag: str, key: bytes = b"") -> bytes:
    """Return a connectivity check for a user fragment; without the right key its integrity does not hold."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:{random.getrandbits(32):08x}"
    request.attributes["PRIORITY"] = PRIORITY
    request.attributes["ICE-CONTROLLING"] = random.getrandbits(63)
    request.add_message_integrity(key or os.urandom(20))
    return bytes(request)


def _rtp(size: int) -> bytes:
    head = struct.pack("!BBHII", 0x80, 102, random.getrandbits(16), random.getrandbits(32), random.getrandbits(32))
    return head + os.urandom(size - 12)


async def _made(target: Target, shape: str, size: int, ufrag: tuple[str, str]) -> Callable[[], bytes]:
    """Return what makes one datagram of a shape. All of one batch have the same length."""
    shapes: dict[str, Callable[[], bytes]] = {
        "tiny": lambda: bytes((random.randrange(256),)) * size,
        "rtp": lambda: _rtp(size),
        "rtcp": lambda: struct.pack("!BBHI", 0x81, 205, size // 4 - 1, random.getrandbits(32)) + os.urandom(size - 8),
        "dtls": lambda: DTLS_HELLO + os.urandom(size - len(DTLS_HELLO)),
        "stun-header": lambda: struct.pack("!HHI", 1, size - 20, COOKIE) + os.urandom(size - 8),
        "stun-unknown": lambda: check("unknown0"),
        "stun-wrong-key": lambda: check(ufrag[0]),
        "stun-right-key": lambda: check(ufrag[0], ufrag[1].encode()),
        "mixed": lambda: random.choice((check("unknown0")[:64], DTLS_HELLO + os.urandom(48), _rtp(64))).ljust(
            64, b"\0"
        ),
    }
    return shapes[shape]


async def issued(target: Target, user: str, session: str) -> tuple[str, str]:
    """Return the ICE user fragment and password that a supervisor is issued, who then does not connect."""
    client = Client()
    offer = client.offer(KINDS, "recvonly")
    client.socket.close()
    path = f"/whep/{{session {session}}}/prison?page=attacker{{r}}"
    text = await answered(target, path, f"{{user {user}}}", offer)
    lines = dict(
        line[2:].split(":", 1) for line in text.splitlines() if line.startswith(("a=ice-ufrag:", "a=ice-pwd:"))
    )
    return lines["ice-ufrag"], lines["ice-pwd"]


async def _send(target: Target, make: Callable[[], bytes], pace: Pace, source: str, batches: int) -> None:
    """Send batches of datagrams from one address; the same ready-made batches again and again."""
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((source, 0))
        sock.setblocking(False)
        sock.connect(target.relay)
        first = make()
        many = max(1, min(BATCH, LARGEST // len(first)))
        ready = [b"".join(make() for _ in range(many)) for _ in range(batches)]
        segments = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", len(first)))]
        while True:
            await asyncio.sleep(pace.wait())
            try:
                sock.sendmsg([random.choice(ready)], segments)
                target.count("datagrams", many)
            except (BlockingIOError, ConnectionError):
                target.count("not taken")
                await loop.run_in_executor(None, lambda: None)
    finally:
        sock.close()


async def datagrams(
    target: Target,
    shape: str = "tiny",
    size: int = 64,
    rate: float = 50_000,
    ports: int = 20,
    user: str = "",
    session: str = "attack",
) -> list[Worker]:
    """Send datagrams of a shape at a rate, from as many addresses as `ports`."""
    ufrag = await issued(target, user, session) if user else ("", "")
    make = await _made(target, shape, size, ufrag)
    pace = Pace(rate / max(1, min(BATCH, LARGEST // len(make()))))
    return [partial(_send, target, make, pace, target.address(), 8) for _ in range(ports)]
