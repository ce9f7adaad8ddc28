"""A track with a publisher and watchers, without sockets: packets go in as the hot loop puts them in, and each watcher
keeps what it would have been sent."""

import struct
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from broker.media.rtp import RTP_HEADER
from broker.relay.down_track import DownTrack
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.track import Track

KEY, SLICE = b"\x67\x42", b"\x41\x9a"  # a sequence parameter set begins a keyframe; a slice that does not


@dataclass
class FarEnd:
    """A watcher as a track sees it; `got` is (sequence number, timestamp, payload) of each packet."""

    tx: Any = "keys"
    route: Any = (None, ("192.0.2.1", 5))
    ready: bool = True
    legs: list[tuple[Track, DownTrack]] = field(default_factory=list)
    got: list[tuple[int, int, bytes]] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return [number for number, _, _ in self.got]

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, _, payload in self.got]


class Line:
    """One track. Time is `now`; `send` advances it as a stream of 50 packets a second would."""

    def __init__(self, kind: str = "video", track: Track | None = None, ssrc: int = 1) -> None:
        self.track = track or Track(kind, 0)
        self.now = 1000.0
        self.ssrc = ssrc
        self.ends: list[tuple[DownTrack, FarEnd]] = []

    def watcher(self, gated: bool = False, start: bool = True) -> tuple[DownTrack, FarEnd]:
        """Somebody more, who gets what flows."""
        end = FarEnd()
        leg = DownTrack(end, 96, 77, gated)  # type: ignore[arg-type]
        end.legs.append((self.track, leg))
        self.track.add(leg)
        self.ends.append((leg, end))
        if start:
            self.track.start(leg)
        return leg, end

    def publisher(self, ssrc: int) -> None:
        """A new publisher takes over."""
        self.ssrc = ssrc
        self.track.replace_publisher(FarEnd(), CodecParams(96))  # type: ignore[arg-type]

    def send(self, seq: int, payload: bytes = SLICE, ts: int | None = None) -> None:
        """One packet arrives, and goes out to whom the plan names."""
        self.now += 0.02
        seq &= 0xFFFF
        ts = (seq * 1800 if ts is None else ts) & 0xFFFFFFFF
        track = self.track
        if track.arrivals is None or track.arrivals.ssrc != self.ssrc:
            track.begin(self.ssrc, seq, ts, self.now)
        track.last_at = self.now
        packet = struct.pack("!BBHII", 0x80, 96, seq, ts, self.ssrc) + payload
        fresh = track.advance(seq, ts, self.now)
        if fresh is None:
            return
        if track.attention:
            track.inspect(packet)
        number = (seq + track.seq_shift) & 0xFFFF
        track.cache[number % len(track.cache)] = (number, packet)
        if fresh:
            for leg in track.legs:
                if leg.flowing:
                    out, at = (number + leg.shift) & 0xFFFF, (ts + track.ts_shift + leg.lag) & 0xFFFFFFFF
                    leg.peer.got.append((out, at, payload))  # type: ignore[attr-defined]
        track.packets += 1
        track.octets += len(payload)

    def repair(self, leg: DownTrack, number: int) -> bytes | None:
        """What a NACK of `leg` for `number` brings: the payload."""
        packet = self.track.repair(leg, number & 0xFFFF)
        return None if packet is None else packet[RTP_HEADER.size :]


class Fixed:
    """A line of known rate."""

    limited, loss = True, 0.0

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def learn(self, *_: float) -> None:
        return

    def full(self, _: float) -> bool:
        return True


def steps(numbers: list[int]) -> list[int]:
    """The differences between neighbours, modulo 2^16."""
    return [(after - before) & 0xFFFF for before, after in pairwise(numbers)]
