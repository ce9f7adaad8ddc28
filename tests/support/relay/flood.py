"""A flood at a worker's port from a process of its own, bounded in time and rate, on loopback only.

    python -m tests.support.relay.flood KIND HOST PORT SECONDS RATE [MORE]

It prints how many it has sent. KIND is a name in FLOODS; MORE is what some kinds need: the ufrag of a client, or the
port of a client of 127.0.0.1 whose address is forged (which needs a raw socket)."""

import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator

from aioice import stun

Send = Callable[[bytes], object]
TICK = 0.002  # seconds between bursts
SOURCES = 500  # sockets of a flood from many ports
dice = random.Random(5)


def check(ufrag: str) -> bytes:
    """Return a check with a wrong password."""
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:mine"
    request.attributes["PRIORITY"] = 1
    request.add_message_integrity(b"p" * 32)
    return bytes(request)


def hello() -> bytes:
    """Return what looks like a DTLS ClientHello."""
    body = b"\xfe\xfd" + dice.randbytes(32) + bytes(200)
    head = b"\x01" + len(body).to_bytes(3, "big") + bytes(5) + len(body).to_bytes(3, "big")
    return b"\x16\xfe\xfd" + bytes(8) + (len(head) + len(body)).to_bytes(2, "big") + head + body


def rtp(size: int = 200) -> bytes:
    """Return what looks like a media packet."""
    return struct.pack("!BBHII", 0x80, 111, dice.getrandbits(16), dice.getrandbits(32), 9) + bytes(size)


FLOODS: dict[str, Callable[[str], bytes]] = {
    "nothing": lambda _: b"",
    "tiny": lambda _: b"x",
    "long": lambda _: bytes(1400),
    "fragments": lambda _: bytes(8000),
    "noise": lambda _: dice.randbytes(dice.randrange(1400)),
    "rtp": lambda _: rtp(),
    "rtcp": lambda _: b"\x80\xc9\x00\x01" + bytes(40),
    "hello": lambda _: hello(),
    "check": lambda _: check("nobody00"),
    "known check": check,
}


def senders(host: str, port: int, many: bool) -> list[Send]:
    """Return send functions, from one source or from many."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(SOURCES if many else 1)]
    for number, sock in enumerate(sockets):
        if many and family is socket.AF_INET:
            sock.bind((f"127.0.{number % 20}.{1 + number % 200}", 0))
        sock.connect((host, port))
    return [sock.send for sock in sockets]


def forging(port: int, source: int) -> Send:
    """Return a function that sends to `port` of this machine as if from port `source` of it."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)

    def send(data: bytes) -> object:
        return raw.sendto(struct.pack("!HHHH", source, port, 8 + len(data), 0) + data, ("127.0.0.1", 0))

    return send


def ticks(seconds: float) -> Iterator[float]:
    """Yield the time passed, every TICK until the end."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        yield passed
        time.sleep(TICK)


def main(kind: str, host: str, port: int, seconds: float, rate: float, more: str = "") -> int:
    """Send until the time is over, and return how many datagrams were sent."""
    many, forged = kind.startswith("many "), kind.startswith("forged ")
    made = [FLOODS[kind.removeprefix("many ").removeprefix("forged ")](more) for _ in range(50)]
    sends = [forging(port, int(more))] if forged else senders(host, port, many)
    sent = 0
    for passed in ticks(seconds):
        while sent < passed * rate:
            try:
                sends[sent % len(sends)](made[sent % len(made)])
            except OSError:
                time.sleep(TICK)  # a full buffer, or the answer of a closed port
                break
            sent += 1
    return sent


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]), *sys.argv[6:]))
