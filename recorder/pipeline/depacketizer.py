"""Depacketizes H.264 (RFC 6184, packetization-mode 1): single NAL units, STAP-A and FU-A become access units.

An access unit is what shares a time stamp, and begins with the first slice of a picture. The marker bit is a hint and
no more: senders set it on every slice, never, or on a packet of its own. An access unit that lost a packet says so;
malformed bytes are counted and never raise. What one access unit may hold is bounded, because a publisher chooses it.
Pure."""

from typing import NamedTuple

from broker.kernel.film_faults import FilmFault
from broker.media.h264 import AUD, FILLER, FU_A, IDR, PPS, SEI, SLICE, SPS, STAP_A, split_aggregate
from broker.media.h264_slice import is_first
from broker.media.rtp import RtpPacket

MOST_PACKETS, MOST_UNITS, MOST_BYTES = 4000, 4096, 2 << 20
"""The most RTP packets, NAL units and bytes that are collected for one access unit. A picture of 1080p has at most 8160
slices and in practice under 50; one of 2 MiB takes eleven seconds at the rate that publishers are asked to keep."""
_AMOUNTS = (FilmFault.TOO_MUCH, FilmFault.LARGE_SETS)
_RESERVED = (0, 30, 31)  # RFC 6184 table 3: to be ignored
_LEADING = (SEI, SPS, PPS, AUD)  # units that stand before the slices of a picture (H.264 7.4.1.2.3)


class AccessUnit(NamedTuple):
    """The NAL units of one picture in order of arrival. `arrival` (ns) is that of its first packet; `fault` is why it
    is not whole; `lost` packets are missing in it or right before it."""

    timestamp: int
    arrival: int
    ssrc: int
    nals: list[bytes]
    fault: FilmFault | None
    lost: int


class Depacketizer:
    """The depacketizer of one video track. `push` takes packets in order and returns access units that are complete:
    the next picture has begun. `expire` returns one that nothing has followed."""

    def __init__(self) -> None:
        self.malformed = self.lost = 0
        self._newest = 0  # arrival (ns) of the newest packet of the open access unit
        self._nals: list[bytes] = []
        self._fragments: list[bytes] | None = None
        self._inside = b""  # how the fragments between the first and the last one begin
        self._timestamp = self._arrival = self._ssrc = -1
        self._fault: FilmFault | None = None
        self._packets = self._bytes = self._missing = 0  # of the open access unit
        self._open = self._sliced = False
        self._hole = 0  # packets that are missing before the next one with a payload
        self._marked = self._marks_inside = False

    def push(self, packet: RtpPacket) -> list[AccessUnit]:
        """Take in a packet and return the access units that are complete."""
        if self._fragments is not None and self._is_inside(packet):
            self._fragments.append(packet.payload[2:])
            self._packets += 1
            self._bytes += len(packet.payload)
            self._newest = packet.arrival
            return []
        self._hole += packet.lost
        self.lost += packet.lost
        if not packet.payload:
            return []  # padding: its number is used up, and that is all
        ready: list[AccessUnit] = []
        if not self._open or packet.timestamp != self._timestamp or packet.ssrc != self._ssrc:
            ready += self._follow(packet)
        else:
            self._marks_inside = self._marks_inside or self._marked
            self._note_hole()
        self._arrived(packet)
        self._take(packet.payload, ready)
        return ready

    def expire(self, now_ns: int, marked_ns: int, unmarked_ns: int) -> list[AccessUnit]:
        """Return the open access unit where nothing has come for so long that nothing will: `marked_ns` after a packet
        with a marker, `unmarked_ns` after any other."""
        waited = now_ns - self._newest
        return self.flush() if self._open and waited > (marked_ns if self._marked else unmarked_ns) else []

    def flush(self) -> list[AccessUnit]:
        """Return the open access unit, because no packet will follow."""
        return self._finish()

    def _is_inside(self, packet: RtpPacket) -> bool:
        """Whether a packet is neither the first nor the last fragment of the unit that is open, as most packets are;
        `_take_fragment` would do no more with it than `push` does."""
        return (
            packet.payload[:2] == self._inside
            and packet.timestamp == self._timestamp
            and packet.ssrc == self._ssrc
            and not (packet.lost or packet.marker or self._hole or self._marked)
            and self._packets < MOST_PACKETS
            and self._bytes + len(packet.payload) <= MOST_BYTES
        )

    def _follow(self, packet: RtpPacket) -> list[AccessUnit]:
        """Close the open access unit and open that of `packet`. Packets that are missing in between belong to the open
        one, unless a marker said that it was complete; they belong to the new one unless it begins as one does."""
        if self._hole and (self._marks_inside or not self._marked):
            self._spoil(FilmFault.LOSS)
        ready = self._finish()
        self._begin(packet.timestamp, packet.ssrc, packet.arrival)
        if self._hole and not _starts_cleanly(packet.payload):
            self._fault = FilmFault.LOSS
        self._missing, self._hole = self._hole, 0
        return ready

    def _note_hole(self) -> None:
        if self._hole:
            self._spoil(FilmFault.LOSS)
            self._missing, self._hole = self._missing + self._hole, 0

    def _begin(self, timestamp: int, ssrc: int, arrival: int) -> None:
        self._marks_inside = self._marks_inside and ssrc == self._ssrc
        self._timestamp, self._ssrc, self._arrival = timestamp, ssrc, arrival
        self._open, self._sliced, self._fault = True, False, None
        self._packets = self._bytes = self._missing = 0

    def _arrived(self, packet: RtpPacket) -> None:
        self._marked, self._newest = packet.marker, packet.arrival
        self._packets += 1
        self._bytes += len(packet.payload)

    def _take(self, payload: bytes, ready: list[AccessUnit]) -> None:
        kind = payload[0] & 31
        if self._packets > MOST_PACKETS or self._bytes > MOST_BYTES:
            self._spoil(FilmFault.LARGE_SETS if self._in_a_set else FilmFault.TOO_MUCH)
        elif kind == FU_A:
            self._take_fragment(payload, ready)
        else:
            self._take_whole(kind, payload, ready)

    def _take_whole(self, kind: int, payload: bytes, ready: list[AccessUnit]) -> None:
        if kind in _RESERVED:
            self.malformed += 1
            return
        if self._fragments is not None:
            self._reject()  # the end of a fragmented unit is missing
        if kind == STAP_A:
            self._take_aggregate(payload, ready)
        elif kind < STAP_A:
            self._add(payload, ready)
        else:
            self._reject()  # STAP-B, MTAP and FU-B belong to packetization-mode 2

    def _take_fragment(self, payload: bytes, ready: list[AccessUnit]) -> None:
        if len(payload) < 2:
            self._reject()
            return
        head, first = payload[1], bytes(((payload[0] & 0xE0) | (payload[1] & 31),))
        if head & 0x80:
            if self._fragments is not None:
                self._reject()
            self._fragments, self._inside = [first], bytes((payload[0], head & 31))
        elif self._fragments is None:
            self._spoil(FilmFault.CORRUPT)  # unless its beginning is known to be lost
            return
        elif self._fragments[0] != first:
            self._reject()  # a fragment of another unit
            return
        self._fragments.append(payload[2:])  # which may be empty: some senders end a unit so
        if head & 0x40:
            nal, self._fragments = b"".join(self._fragments), None
            if head & 31 in _RESERVED:
                self.malformed += 1
            else:
                self._add(nal, ready)

    def _take_aggregate(self, payload: bytes, ready: list[AccessUnit]) -> None:
        nals, whole = split_aggregate(payload)
        for nal in nals:
            if nal[0] & 31 in _RESERVED:
                self.malformed += 1
            else:
                self._add(nal, ready)
        if not whole and len(payload) > 1:
            self._reject()
        elif 1 + sum(2 + len(nal) for nal in nals) < len(payload) or not nals:
            self.malformed += 1  # units without bytes

    def _add(self, nal: bytes, ready: list[AccessUnit]) -> None:
        kind = nal[0] & 31
        if kind >= STAP_A or nal[0] & 0x80:
            self._reject()  # an aggregate within another, or a unit that says of itself that it is damaged
        elif self._fault in _AMOUNTS or len(self._nals) >= MOST_UNITS:
            self._spoil(FilmFault.TOO_MUCH)
        elif kind != FILLER:
            if SLICE <= kind <= IDR:
                if self._sliced and is_first(nal):
                    self._split(ready)
                self._sliced = True
            self._nals.append(nal)

    def _split(self, ready: list[AccessUnit]) -> None:
        """Close the open access unit, because another picture begins under the same time stamp; the units that lead to
        that picture go with it."""
        at = len(self._nals)
        while at and self._nals[at - 1][0] & 31 in _LEADING:
            at -= 1
        leading, self._nals = self._nals[at:], self._nals[:at]
        kept = self._packets, self._bytes, self._marked
        ready += self._finish()
        self._begin(self._timestamp, self._ssrc, self._newest)
        self._nals = leading
        self._packets, self._bytes, self._marked = kept  # what one time stamp may hold stays bounded

    @property
    def _in_a_set(self) -> bool:
        """Whether the fragments that are open are those of a parameter set."""
        return self._fragments is not None and self._fragments[0][0] & 31 in (SPS, PPS)

    def _reject(self) -> None:
        self.malformed += 1
        self._fragments = None
        self._spoil(FilmFault.CORRUPT)

    def _spoil(self, fault: FilmFault) -> None:
        """Note why the open access unit is not whole: the first cause counts, but that it is too large ends all."""
        if fault in _AMOUNTS:
            self._nals.clear()
            self._fragments = None
            self._fault = self._fault if self._fault is FilmFault.LARGE_SETS else fault
        elif self._open:
            self._fault = self._fault or fault

    def _finish(self) -> list[AccessUnit]:
        if not self._open:
            return []
        if self._fragments is not None:
            self._spoil(FilmFault.LOSS if self._hole else FilmFault.CORRUPT)
        unit = AccessUnit(self._timestamp, self._arrival, self._ssrc, self._nals, self._fault, self._missing)
        self._nals, self._fragments, self._open, self._marked = [], None, False, False
        return [unit]


def _starts_cleanly(payload: bytes) -> bool:
    """Whether an access unit may begin with this payload, so that the loss before it belongs to the one before."""
    kind = payload[0] & 31
    if kind == STAP_A:
        return len(payload) > 4 and _leads(payload[3:])
    if kind == FU_A:
        return len(payload) > 2 and payload[1] & 0x80 != 0 and _leads(bytes((payload[1] & 31, payload[2])))
    return _leads(payload)


def _leads(nal: bytes) -> bool:
    kind = nal[0] & 31
    return kind in _LEADING or (kind in (SLICE, IDR) and is_first(nal))
