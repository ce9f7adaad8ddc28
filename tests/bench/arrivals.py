"""How the packets of a picture arrive: how many, how far apart, of what sizes, and how many of them could leave by one
call of the kernel. A recording is taken by a socket with the kernel's stamps; what is computed from it is pure."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from broker.media.rtp import RTP_HEADER
from broker.relay.transport.egress import runs
from tests.support.kernel_stamps import is_rtp, receive, stamp

LONGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Arrival:
    """One RTP packet: when the kernel took it in (seconds), its bytes, and what its header says."""

    at: float
    size: int
    payload_type: int
    timestamp: int
    ssrc: int

    @classmethod
    def of(cls, data: bytes, at: float) -> "Arrival":
        """Read the header of a packet, which SRTP leaves in the clear."""
        _, second, _, timestamp, ssrc = RTP_HEADER.unpack_from(data)
        return cls(at, len(data), second & 127, timestamp, ssrc)


@dataclass(frozen=True, slots=True)
class Pattern:
    """How the pictures of a sender arrive. Spans and gaps are milliseconds; `sizes` are shares of those with several
    packets by how their sizes compare, `together` the share of packets that could leave with another one."""

    pictures: int
    packets: tuple[float, float]
    """Packets of a picture: median, and 95th percentile, as of the others."""
    span: tuple[float, float]
    """From the first packet of a picture to the last."""
    gap: tuple[float, float]
    """From one packet of a picture to the next."""
    sizes: dict[str, float]
    together: float


def pattern(arrivals: Iterable[Arrival], settled: float = 0.0) -> Pattern:
    """Return how the pictures arrive that came `settled` seconds after the first packet or later. The picture is the
    stream with most bytes; its last picture may be cut off, and does not count. Raises ValueError where there is none.
    """
    pictures = _pictures(list(arrivals), settled)
    if not pictures:
        raise ValueError("no picture arrived")
    several = [picture for picture in pictures if len(picture) > 1]
    gaps = [after.at - before.at for picture in pictures for before, after in pairwise(picture)]
    kinds = Counter(compared([packet.size for packet in picture]) for picture in several)
    packets = sum(map(len, pictures))
    return Pattern(
        pictures=len(pictures),
        packets=_two([len(picture) for picture in pictures]),
        span=_two([1000 * (picture[-1].at - picture[0].at) for picture in several]),
        gap=_two([1000 * gap for gap in gaps]),
        sizes={kind: count / len(several) for kind, count in sorted(kinds.items())},
        together=sum(_together([packet.size for packet in picture]) for picture in pictures) / packets,
    )


def compared(sizes: list[int]) -> str:
    """Return how the sizes of a picture's packets compare: which of them one call can send follows from that."""
    if len(set(sizes)) == 1:
        return "equal"
    if max(sizes) - min(sizes) == 1:
        return "a byte apart"
    if len(set(sizes[:-1])) == 1 and sizes[-1] < sizes[0]:
        return "equal, the last shorter"
    return "others"


def _pictures(arrivals: list[Arrival], settled: float) -> list[list[Arrival]]:
    octets: Counter[tuple[int, int]] = Counter()
    for arrival in arrivals:
        octets[arrival.ssrc, arrival.payload_type] += arrival.size
    if not octets:
        return []
    stream = octets.most_common(1)[0][0]
    own = [arrival for arrival in arrivals if (arrival.ssrc, arrival.payload_type) == stream]
    own = [arrival for arrival in own if arrival.at - own[0].at >= settled]
    grouped = [list(picture) for _, picture in groupby(own, key=lambda arrival: arrival.timestamp)]
    return grouped[1:-1] if settled else grouped[:-1]


def _together(sizes: list[int]) -> int:
    """Return how many of the packets leave by a call with others."""
    return sum(end - start for start, end in runs(sizes) if end - start > 1)


def _two(values: list[float] | list[int]) -> tuple[float, float]:
    """Return the median and the 95th percentile; nothing has a spread of zero."""
    ordered = sorted(values) or [0.0]
    return float(median(ordered)), float(ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)])


class Recorder:
    """A socket that records the RTP that comes to it and passes everything on to `server`, where there is one, and what
    the server answers back. Each sender has a socket of its own towards the server, as behind a NAT."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self.arrivals: list[Arrival] = []
        self._server = server
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self._front.setblocking(False)
        stamp(self._front)
        self.port = self._front.getsockname()[1]
        self._ways: dict[Any, socket.socket] = {}
        asyncio.get_running_loop().add_reader(self._front, self._take)

    def _take(self) -> None:
        """Record what has come; the kernel has stamped it, so that reading late changes nothing."""
        while True:
            try:
                data, sender, at = receive(self._front, LONGEST)
            except BlockingIOError:
                return
            if is_rtp(data):
                self.arrivals.append(Arrival.of(data, at))
            if self._server is not None:
                self._way(sender).send(data)

    def _way(self, sender: Any) -> socket.socket:
        way = self._ways.get(sender)
        if way is None:
            way = self._ways[sender] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            way.setblocking(False)
            way.connect(self._server)
            asyncio.get_running_loop().add_reader(way, self._answer, way, sender)
        return way

    def _answer(self, way: socket.socket, sender: Any) -> None:
        try:
            self._front.sendto(way.recv(LONGEST), sender)
        except OSError:
            return  # nothing there any more, or one of both ends has gone

    def close(self) -> None:
        """Close all sockets of the recorder."""
        loop = asyncio.get_running_loop()
        for sock in (self._front, *self._ways.values()):
            loop.remove_reader(sock)
            sock.close()
