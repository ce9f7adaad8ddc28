"""A track with a publisher and subscribers, without sockets: packets go in as the hot loop puts them in, and each
subscriber keeps what it would have been sent."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from broker.media.rtp import RTP_HEADER
from broker.relay.down_track import DownTrack
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp.paced_pictures import settle, take_paced
from broker.relay.rtp.parameter_sets import CARRIERS
from broker.relay.track import Destination, Track
from broker.relay.transport.egress import Egress
from broker.relay.transport.route import Route

KEY, SLICE = b"\x67\x42", b"\x41\x9a"  # a sequence parameter set, which begins a keyframe; a slice, which does not
PLAIN, RTX, NAMED = CodecParams(96), CodecParams(96, rtx=97), CodecParams(96, transport_wide=3)


def new_track(kind: str, number: int = 0) -> Track:
    """Return a track that requests nothing by itself when a packet is missing."""
    return Track(kind, number, "cname", lambda: None)


@dataclass
class FarEnd:
    """A subscriber as a track sees it; `got` is (sequence number, timestamp, payload) of each packet."""

    tx: Any = "keys"
    route: Any = Route(lambda data, address: len(data), ("192.0.2.1", 5))  # noqa: RUF009
    ready: bool = True
    down_tracks: list[Destination] = field(default_factory=list)
    got: list[tuple[int, int, bytes]] = field(default_factory=list)

    @property
    def egress(self) -> Egress | None:
        return Egress(self.route) if self.route is not None else None

    def send(self, datagram: bytes) -> None:
        """Drop it: tests look at `got`."""

    def send_rtcp(self, packet: bytes) -> None:
        """Drop it: tests look at `got`."""

    @property
    def numbers(self) -> list[int]:
        return [number for number, _, _ in self.got]

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, _, payload in self.got]


def subscribe(end: FarEnd, track: Track, gated: bool, params: CodecParams = PLAIN) -> Destination:
    """Make `end` a destination of `track`."""
    down_track = DownTrack(track, end, params, 77, 78, gated)
    end.down_tracks.append(down_track)
    track.add(down_track)
    return down_track


class Line:
    """One track with its subscribers. Time is `now`; each `send` is 0.02 s later, as 50 packets a second are."""

    def __init__(self, kind: str = "video", track: Track | None = None, ssrc: int = 1) -> None:
        self.track = track or new_track(kind)
        self.now = 1000.0
        self.ssrc = ssrc
        self.ends: list[tuple[Destination, FarEnd]] = []
        self.taped: list[bytes] = []
        """The parameter sets that the recorder was given."""

    def subscriber(
        self, gated: bool = False, start: bool = True, params: CodecParams = PLAIN
    ) -> tuple[Destination, FarEnd]:
        """Add a subscriber, which gets what flows when `start` is true."""
        end = FarEnd()
        down_track = subscribe(end, self.track, gated, params)
        self.ends.append((down_track, end))
        if start:
            self.track.start(down_track)
        return down_track, end

    def publisher(self, ssrc: int) -> None:
        """Replace the publisher by one with this SSRC."""
        self.ssrc = ssrc
        self.track.replace_publisher(FarEnd(), PLAIN)

    def send(self, seq: int, payload: bytes = SLICE, ts: int | None = None, last: bool = False) -> None:
        """Let one packet arrive, the `last` of its frame or not, and go to all destinations that flow."""
        self.take(self.packet(seq, payload, ts, last=last))

    def packet(self, seq: int, payload: bytes, ts: int | None = None, first: int = 0x80, last: bool = False) -> bytes:
        """Return a packet of the publisher."""
        ts = seq * 1800 if ts is None else ts
        return RTP_HEADER.pack(first, 0x80 * last | 96, seq & 0xFFFF, ts & 0xFFFFFFFF, self.ssrc) + payload

    def take(self, packet: bytes) -> None:
        """Do with a packet what the hot loop does."""
        self.now += 0.02
        _, _, seq, ts, _ = RTP_HEADER.unpack_from(packet)
        payload, track = packet[RTP_HEADER.size :], self.track
        if track.receive_stats is None or track.receive_stats.ssrc != self.ssrc:
            track.begin(self.ssrc, seq, ts, self.now)
        track.received_at = self.now
        fresh = track.advance(seq, ts, self.now)
        if fresh is None:
            return
        if track.inspecting or (CARRIERS[packet[12]] and track.video):
            track.inspect(packet)
            self._send_ahead()
        number = (seq + track.seq_offset) & 0xFFFF
        track.cache[number % len(track.cache)] = (number, packet)
        if fresh:
            for down_track in track.down_tracks:
                if down_track.flowing and down_track.withheld is None and down_track.pacing is None:
                    out, at = (
                        down_track.renumbering.to_subscriber(number),
                        (ts + track.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF,
                    )
                    down_track.client.got.append((out, at, payload))  # type: ignore[attr-defined]
        self.send_paced()
        track.packets += 1
        track.octets += len(payload)

    def send_paced(self) -> None:
        """Send what may leave now to those whose picture is paced."""
        for down_track in list(self.track.down_tracks):
            for number, packet in take_paced(down_track, self.now):
                _, _, _, ts, _ = RTP_HEADER.unpack_from(packet)
                seq = down_track.renumbering.to_subscriber(number)
                at = (ts + self.track.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF
                down_track.client.got.append((seq, at, packet[RTP_HEADER.size :]))  # type: ignore[attr-defined]
            settle(down_track)

    def _send_ahead(self) -> None:
        for down_track, seq, packet in self.track.sets.take_ahead():
            if down_track is None:
                self.taped.append(packet)
                continue
            _, _, _, ts, _ = RTP_HEADER.unpack_from(packet)
            at = (ts + self.track.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF
            down_track.client.got.append((seq, at, packet[RTP_HEADER.size :]))  # type: ignore[attr-defined]

    def release(self, after: float = 0.0) -> list[bytes]:
        """Send what was withheld and is due so many seconds later; return its payloads."""
        self.now += after
        before = [len(end.got) for _, end in self.ends]
        self.track.sets.ahead += self.track.take_withheld(self.now)
        self._send_ahead()
        return [payload for (_, end), begin in zip(self.ends, before, strict=True) for payload in end.payloads[begin:]]

    def cached(self, down_track: Destination, number: int) -> bytes | None:
        """Return the payload that a NACK of `down_track` for `number` brings."""
        packet = self.track.cached(down_track, number & 0xFFFF)
        return None if packet is None else packet[RTP_HEADER.size :]


class Fixed:
    """The capacity of a line of fixed rate, which is always full."""

    limited, loss = True, 0.0

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def update(self, *_: float) -> None:
        return

    def full(self, _: float) -> bool:
        return True


def steps(numbers: list[int]) -> list[int]:
    """Return the differences between neighbours, modulo 2^16."""
    return [(after - before) & 0xFFFF for before, after in pairwise(numbers)]
