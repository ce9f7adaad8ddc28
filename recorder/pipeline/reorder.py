"""The order of RTP packets (RFC 3550). Packets arrive with holes, twice and in the wrong order; they leave in order,
each once, with the number of packets that are missing before it. Pure."""

from collections.abc import Iterator, Sequence

from broker.media.rtp import RtpPacket

_HALF, _MASK = 0x8000, 0xFFFF
MAX_DROPOUT = 3000  # RFC 3550 A.1: a larger step forward is a restart of the source, not loss
MAX_MISORDER = 100  # RFC 3550 A.1: a larger step back likewise
_FORMER_SSRC_NS = 2_000_000_000  # late packets of a replaced publisher are recognised for this long


class Reorder:
    """Puts the packets of one track in order, waiting for a missing one while `window_ns` lasts.

    The window is time, because a retransmission takes a round trip, and bounded by `most` held packets.
    """

    def __init__(self, window_ns: int, most: int = 512) -> None:
        self.late = self.duplicates = 0
        self._window, self._most = window_ns, most
        self._ssrc: int | None = None
        self._former: tuple[int, int] = (-1, 0)
        self._next = 0
        self._restart_at = -1
        self._held: dict[int, RtpPacket] = {}

    def push(self, packet: RtpPacket) -> Sequence[RtpPacket]:
        """Take in a packet and return the packets that are in order now."""
        seq = packet.seq
        if seq == self._next and packet.ssrc == self._ssrc and not self._held:
            self._next = (seq + 1) & _MASK
            return (packet,)
        return list(self._unusual(packet))

    def flush(self) -> Iterator[RtpPacket]:
        """Yield everything that is still held, because no packet will follow."""
        while self._held:
            yield from self._skip()

    def expire(self, now_ns: int) -> Iterator[RtpPacket]:
        """Yield what has been held longer than the window at `now_ns`, when no packet arrives to push it out."""
        while self._held and now_ns - self._oldest() > self._window:
            yield from self._skip()

    def _unusual(self, packet: RtpPacket) -> Iterator[RtpPacket]:
        if packet.ssrc != self._ssrc:
            yield from self._change(packet)
            return
        ahead = (packet.seq - self._next) & _MASK
        if ahead >= _HALF and 0x10000 - ahead <= MAX_MISORDER:
            self.late += 1
        elif ahead > MAX_DROPOUT:
            yield from self._restart(packet)
        elif packet.seq in self._held:
            self.duplicates += 1
        else:
            self._held[packet.seq] = packet
            yield from self._in_order()
            while self._held and (packet.arrival - self._oldest() > self._window or len(self._held) > self._most):
                yield from self._skip()

    def _change(self, packet: RtpPacket) -> Iterator[RtpPacket]:
        former, since = self._former
        if packet.ssrc == former and packet.arrival - since < _FORMER_SSRC_NS:
            self.late += 1
            return
        yield from self.flush()
        self._former = (-1 if self._ssrc is None else self._ssrc, packet.arrival)
        self._ssrc, self._next, self._restart_at = packet.ssrc, (packet.seq + 1) & _MASK, -1
        yield packet

    def _restart(self, packet: RtpPacket) -> Iterator[RtpPacket]:
        """Begin anew after two packets in a row with distant numbers; a single one is a stray."""
        if packet.seq != self._restart_at:
            self._restart_at = (packet.seq + 1) & _MASK
            self.late += 1
            return
        yield from self.flush()
        self._next, self._restart_at = (packet.seq + 1) & _MASK, -1
        yield packet._replace(lost=1)

    def _in_order(self) -> Iterator[RtpPacket]:
        while (packet := self._held.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & _MASK
            yield packet

    def _oldest(self) -> int:
        return min(packet.arrival for packet in self._held.values())

    def _skip(self) -> Iterator[RtpPacket]:
        """Give up the missing packets before the nearest held one: they are lost."""
        nearest = min(self._held, key=lambda seq: (seq - self._next) & _MASK)
        lost = (nearest - self._next) & _MASK
        packet = self._held.pop(nearest)
        self._next = (nearest + 1) & _MASK
        yield packet._replace(lost=lost)
        yield from self._in_order()
