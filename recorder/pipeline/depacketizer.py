"""Depacketizes H.264 (RFC 6184, packetization-mode 1): single NAL units, STAP-A and FU-A become access units as MP4
stores them. An access unit that lost a packet is dropped whole, and so is everything after it until the next keyframe,
because a picture that cannot be decoded is no evidence. Malformed bytes are counted and never raise. Pure."""

from typing import NamedTuple

from broker.media.h264 import (
    AUD,
    FILLER,
    FU_A,
    IDR,
    PPS,
    SEI,
    SPS,
    STAP_A,
    Malformed,
    ParameterSets,
    picture_size,
    sample_of,
    split_aggregate,
)
from broker.media.rtp import RtpPacket

MOST_PACKETS = 4000  # of one picture, above 4 MB: a publisher that never ends a picture must not fill the memory


class AccessUnit(NamedTuple):
    """One complete picture: `data` length-prefixed, `arrival` (ns) of its first packet, what was lost before it."""

    timestamp: int
    arrival: int
    ssrc: int
    keyframe: bool
    data: bytes
    lost_packets: int
    dropped: int


class Depacketizer:
    """The depacketizer of one video track. `push` takes packets in order and returns complete access units."""

    def __init__(self) -> None:
        self.malformed = self.lost = self.dropped = 0
        self.parameters: ParameterSets | None = None
        self.waiting = True  # for a keyframe
        self._sps = self._pps = b""
        self._nals: list[bytes] = []
        self._fragments: list[bytes] | None = None
        self._timestamp = self._arrival = self._ssrc = -1
        self._damaged = False
        self._packets = 0  # of the present picture
        self._lost = self._dropped = 0  # since the last access unit that was returned

    @property
    def missing(self) -> tuple[int, int]:
        """Packets lost and pictures dropped since the last access unit that was returned."""
        return self._lost, self._dropped

    def push(self, packet: RtpPacket) -> list[AccessUnit]:
        """Take in a packet and return the access units that are complete: none, one, or two when a marker was lost."""
        ready: list[AccessUnit] = []
        if packet.lost:
            self._note_loss(packet.lost)
        if packet.timestamp != self._timestamp or packet.ssrc != self._ssrc:
            ready += self._finish()
            self._begin(packet)
            if packet.lost:
                self._damaged = not self._starts_cleanly(packet.payload)
        self._take(packet.payload)
        if packet.marker:
            ready += self._finish()
        return ready

    def flush(self) -> list[AccessUnit]:
        """Return the last access unit where no marker has closed it."""
        return self._finish()

    def _note_loss(self, lost: int) -> None:
        self.lost += lost
        self._lost += lost
        self._damaged = self.waiting = True

    def _begin(self, packet: RtpPacket) -> None:
        if packet.ssrc != self._ssrc:
            self.waiting = True  # another encoder: its pictures refer to none before it
        self._timestamp, self._arrival, self._ssrc = packet.timestamp, packet.arrival, packet.ssrc
        self._damaged, self._packets = False, 0

    @staticmethod
    def _starts_cleanly(payload: bytes) -> bool:
        """Whether an access unit may begin with this payload, so that the loss before it belongs to the previous
        one."""
        if not payload:
            return False
        kind = payload[0] & 0x1F
        if kind == FU_A:
            return len(payload) > 2 and payload[1] & 0x80 != 0 and payload[2] & 0x80 != 0
        return kind in (SEI, SPS, AUD, STAP_A) or (kind == IDR and len(payload) > 1 and payload[1] & 0x80 != 0)

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F if payload else 0
        self._packets += 1
        if self._packets > MOST_PACKETS:
            self._nals.clear()
            self._reject()
        elif kind == FU_A:
            self._take_fragment(payload)
        else:
            self._take_whole(kind, payload)

    def _take_whole(self, kind: int, payload: bytes) -> None:
        if self._fragments is not None:
            self._reject()  # the end of a fragmented unit is missing
        if kind == STAP_A:
            self._take_aggregate(payload)
        elif 0 < kind < STAP_A:
            self._add(payload)
        else:
            self._reject()  # STAP-B, MTAP and FU-B belong to packetization-mode 2

    def _take_fragment(self, payload: bytes) -> None:
        if len(payload) < 3:
            self._reject()
            return
        head = payload[1]
        if head & 0x80:
            if self._fragments is not None:
                self._reject()
            self._fragments = [bytes(((payload[0] & 0xE0) | (head & 0x1F),)), payload[2:]]
        elif self._fragments is None:
            self._damaged = True  # its beginning is lost, and was counted as lost
            return
        else:
            self._fragments.append(payload[2:])
        if head & 0x40:
            nal, self._fragments = b"".join(self._fragments), None
            self._add(nal)

    def _take_aggregate(self, payload: bytes) -> None:
        nals, whole = split_aggregate(payload)
        for nal in nals:
            self._add(nal)
        if not whole:
            self._reject()

    def _add(self, nal: bytes) -> None:
        kind = nal[0] & 0x1F
        if kind == SPS and len(nal) > 4:
            self._sps = nal
        elif kind == PPS and len(nal) > 1:
            self._pps = nal
        if kind != FILLER:
            self._nals.append(nal)

    def _reject(self) -> None:
        self.malformed += 1
        self._damaged, self._fragments = True, None

    def _finish(self) -> list[AccessUnit]:
        nals, self._nals = self._nals, []
        damaged = self._damaged or self._fragments is not None
        self._fragments, self._damaged = None, False
        pictures = [nal for nal in nals if 1 <= nal[0] & 0x1F <= IDR]
        if not pictures:
            self.waiting = self.waiting or damaged
            return []
        keyframe = pictures[0][0] & 0x1F == IDR and len(pictures[0]) > 1 and pictures[0][1] & 0x80 != 0
        if damaged or (self.waiting and not keyframe) or (keyframe and not self._usable_parameters()):
            self._drop()
            return []
        self.waiting = False
        return [self._emit(self._complete(nals) if keyframe else nals, keyframe)]

    def _drop(self) -> None:
        self.waiting = True
        self.dropped += 1
        self._dropped += 1

    def _usable_parameters(self) -> bool:
        """Whether the parameter sets received so far can head a file. Unchanged sets are not parsed again."""
        if self.parameters is not None and (self.parameters.sps, self.parameters.pps) == (self._sps, self._pps):
            return True
        try:
            picture_size(self._sps)
        except Malformed:
            return False
        if not self._pps:
            return False
        self.parameters = ParameterSets(self._sps, self._pps)
        return True

    def _complete(self, nals: list[bytes]) -> list[bytes]:
        """Return a keyframe with its own parameter sets, so that any part can be joined to any other."""
        kinds = {nal[0] & 0x1F for nal in nals}
        missing = [nal for kind, nal in ((SPS, self._sps), (PPS, self._pps)) if kind not in kinds]
        return missing + nals

    def _emit(self, nals: list[bytes], keyframe: bool) -> AccessUnit:
        lost, dropped, self._lost, self._dropped = self._lost, self._dropped, 0, 0
        data = sample_of(nals)
        return AccessUnit(self._timestamp, self._arrival, self._ssrc, keyframe, data, lost, dropped)
