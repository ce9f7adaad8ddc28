"""Peers with a credential: they negotiate, shake hands, and then send RTCP or RTP that no browser would send."""

import asyncio
import os
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from pylibsrtp import Policy, Session

from broker.media import rtcp
from tests.bench.client import GCM_PROFILE, Client
from tests.bench.system import KINDS
from tests.hostile.attackers.offers import answered
from tests.hostile.attackers.target import Pace, Target, Worker

CONSENT = 4.0  # seconds between consent checks
LARGE = 1100  # bytes of a compound, so that it travels in one datagram with its trailer
OURS = 0x48414A31  # SSRC of the reports


def _feedback(kind: int, form: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack("!BBH", 0x80 | form, kind, len(body) // 4) + body


def _twcc(media: int) -> bytes:
    """A transport-wide report (draft-holmer-rmcat-transport-wide-cc-extensions-01 3.1) about 1,300 packets."""
    base, count = random.getrandbits(16), 1300
    head = struct.pack("!IIHH3sB", OURS, media, base, count, random.randbytes(3), random.getrandbits(8))
    return _feedback(
        rtcp.RTPFB, rtcp.TRANSPORT_WIDE, head + struct.pack("!H", 0x2000 | count) + random.randbytes(count)
    )


def _twcc_of_chunks(media: int) -> bytes:
    """The same with vectors of two-bit statuses, which have to be looked at one by one."""
    count = 700
    head = struct.pack("!IIHH3sB", OURS, media, random.getrandbits(16), count, random.randbytes(3), 0)
    chunks = b"".join(struct.pack("!H", 0xC000 | random.getrandbits(14)) for _ in range(count // 7))
    return _feedback(rtcp.RTPFB, rtcp.TRANSPORT_WIDE, head + chunks + random.randbytes(count))


def _twcc_lost(media: int) -> bytes:
    """A report that says of 2,000 packets that none has come."""
    head = struct.pack("!IIHH3sB", OURS, media, random.getrandbits(16), 2000, random.randbytes(3), 0)
    return _feedback(rtcp.RTPFB, rtcp.TRANSPORT_WIDE, head + struct.pack("!H", 2000))


def _twcc_many(media: int) -> bytes:
    """Fifty reports of 24 bytes in one compound, each about 2,048 packets: the most work for a byte."""
    base = random.getrandbits(16)
    heads = (
        struct.pack("!IIHH3sBH", OURS, media, base + 2048 * turn & 0xFFFF, 2048, bytes(3), turn, 2048)
        for turn in range(LARGE // 24)
    )
    return b"".join(_feedback(rtcp.RTPFB, rtcp.TRANSPORT_WIDE, head) for head in heads)


def _nack(media: int) -> bytes:
    """Negative acknowledgements (RFC 4585 6.2.1) of 4,000 packets."""
    items = b"".join(struct.pack("!HH", random.getrandbits(16), 0xFFFF) for _ in range(LARGE // 4))
    return _feedback(rtcp.RTPFB, rtcp.NACK, struct.pack("!II", OURS, media) + items)


def _nacks(media: int) -> bytes:
    """Many packets of one negative acknowledgement each, in one compound."""
    return b"".join(
        _feedback(rtcp.RTPFB, rtcp.NACK, struct.pack("!IIHH", OURS, media, random.getrandbits(16), 0xFFFF))
        for _ in range(LARGE // 16)
    )


def _keyframes(media: int) -> bytes:
    return _feedback(rtcp.PSFB, rtcp.PLI, struct.pack("!II", OURS, media)) * (LARGE // 12)


def _full_intra(media: int) -> bytes:
    items = b"".join(struct.pack("!IB3x", media, random.getrandbits(8)) for _ in range(LARGE // 8))
    return _feedback(rtcp.PSFB, rtcp.FIR, struct.pack("!II", OURS, 0) + items)


def _reports(media: int) -> bytes:
    blocks = b"".join(
        struct.pack("!IBBHIIII", media, 0, 0, 0, random.getrandbits(32), 0, random.getrandbits(32), 0)
        for _ in range(31)
    )
    return struct.pack("!BBHI", 0x80 | 31, rtcp.RR, 1 + 6 * 31, OURS) + blocks


def _estimates(media: int) -> bytes:
    return b"".join(rtcp.build_remb(random.randrange(1, 30_000), [media]) for _ in range(LARGE // 24))


def _crumbs(media: int) -> bytes:
    """A compound of the smallest packets that there are."""
    return struct.pack("!BBH", 0x80, rtcp.BYE, 0) * (LARGE // 4)


SHAPES: dict[str, Callable[[int], bytes]] = {
    "twcc": _twcc,
    "twcc-chunks": _twcc_of_chunks,
    "twcc-lost": _twcc_lost,
    "twcc-many": _twcc_many,
    "nack": _nack,
    "nacks": _nacks,
    "pli": _keyframes,
    "fir": _full_intra,
    "rr": _reports,
    "remb": _estimates,
    "crumbs": _crumbs,
}


class Negotiated:
    """A peer that is connected, and the SRTP session by which it sends."""

    def __init__(self, client: Client, answer: str) -> None:
        self.client = client
        self.ssrcs = [int(line.split(":")[1].split()[0]) for line in answer.splitlines() if line.startswith("a=ssrc:")]
        self.srtp = Session(Policy(key=client.keys[1], ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=GCM_PROFILE))

    @classmethod
    async def connect(cls, target: Target, path: str, token: str, direction: str) -> "Negotiated":
        """Post an offer with a token, and connect."""
        client = Client(like_browser=direction == "recvonly")
        offer = client.offer(KINDS, direction)
        answer = await answered(target, path, token, offer)
        client.take_answer(answer)
        await client.connect()
        return cls(client, answer)

    async def stay(self) -> None:
        """Keep consent, and empty the socket."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self.client.socket, self._empty)
        while True:
            self.client.consent()
            await asyncio.sleep(CONSENT)

    def _empty(self) -> None:
        """Answer the server's checks; forget all media, which the client would keep for its handshake."""
        with suppress(BlockingIOError, ConnectionError):
            while datagram := self.client.socket.recv(4096):
                if datagram[0] < 2:
                    self.client.take(datagram)

    async def send(self, target: Target, make: Callable[[], bytes], pace: Pace, is_rtcp: bool) -> None:
        """Send what `make` makes, encrypted, for ever."""
        protect = self.srtp.protect_rtcp if is_rtcp else self.srtp.protect
        while True:
            await asyncio.sleep(pace.wait())
            self.client.send(protect(make()))
            target.count("datagrams")


async def reports(
    target: Target, token: str, shape: str, rate: float = 200, path: str = "/whep/{session visit}/prison?page=attack{r}"
) -> list[Worker]:
    """Watch as an officer, and send RTCP of a shape at a rate; `mixed` is all shapes in turn."""
    peer = await Negotiated.connect(target, path, token, "recvonly")
    shapes = list(SHAPES.values()) if shape == "mixed" else [SHAPES[shape]]

    def make() -> bytes:
        return random.choice(shapes)(random.choice(peer.ssrcs or [0]))

    return [peer.stay, partial(peer.send, target, make, Pace(rate), True)]


async def media(
    target: Target,
    token: str,
    path: str = "/whip/{session attack}",
    rate: float = 5000,
    size: int = 1100,
    ssrcs: int = 1,
    direction: str = "sendonly",
) -> list[Worker]:
    """Publish nothing that could be seen, at a rate: random payload under the announced SSRC or many others."""
    peer = await Negotiated.connect(target, path, token, direction)
    announced = [line.ssrc for line in peer.client.lines if line.ssrc] or [OURS]
    numbers = announced if ssrcs <= len(announced) else announced + [random.getrandbits(31) for _ in range(ssrcs)]
    sequence = dict.fromkeys(numbers, 0)

    def make() -> bytes:
        ssrc = random.choice(numbers)
        sequence[ssrc] = (sequence[ssrc] + 1) & 0xFFFF
        head = struct.pack("!BBHII", 0x80, 102, sequence[ssrc], random.getrandbits(32), ssrc)
        return head + os.urandom(size)

    return [peer.stay, partial(peer.send, target, make, Pace(rate), False)]
