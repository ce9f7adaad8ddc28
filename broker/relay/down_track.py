"""One destination of a track: how a watcher knows the stream, what it was sent of it and what it said about it."""

import random
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from broker.kernel.token_bucket import TokenBucket
from broker.relay.congestion.sent_packets import SentPackets, Stamp, send_time
from broker.relay.negotiation.codec_params import CodecParams

if TYPE_CHECKING:
    from broker.relay.track import Track
    from broker.relay.transport.peer import Peer

REPORTS = 8  # sender reports remembered: the one that a receiver names is one of the last two or three
REPAIRS, AT_ONCE = 150, 100  # packets sent again to one leg: a second, and in one go
WISHES, WISHES_AT_ONCE = 0.5, 2  # keyframes a second that one supervisor can cost everybody else


def _number() -> int:
    return random.getrandbits(15)


@dataclass(slots=True, eq=False)
class DownTrack:
    """Flowing legs are in the track's plan; the others wait for the gate, a keyframe or a better line."""

    peer: "Peer"
    payload_type: int
    ssrc: int
    gated: bool
    stamp: Stamp | None = None
    """What the heads of its packets are stamped with."""
    named: bool = False
    """Whether reports name single packets."""
    rtx_payload_type: int | None = None
    rtx_ssrc: int = 0
    rtx_number: int = field(default_factory=_number)
    allowance: TokenBucket = field(default_factory=lambda: TokenBucket(REPAIRS, AT_ONCE))
    wishes: TokenBucket = field(default_factory=lambda: TokenBucket(WISHES, WISHES_AT_ONCE))
    wish: bool = False
    """Whether it has asked for a keyframe and nobody was asked for it yet."""
    again: dict[int, float] = field(default_factory=dict)
    """When its packets, by their numbers, were last sent again."""
    flowing: bool = False
    waiting: bool = False
    ebbing: bool = False
    """To be paused where the next frame begins: its line cannot take the picture."""
    thinned: bool = False
    """It was paused so, and begins again with a keyframe once its line can take that."""
    copies: int = 1
    """How often sound goes out, and repairs up to twice: more than once on a line that loses much."""
    lesser: "Track | None" = None
    """The lesser encoding that it gets, as its line cannot take the best; None: the best."""
    shift: int = 0
    lag: int = 0
    """Added to the numbers and to the timestamps of its track, so that its own go on."""
    floor: int = 0
    left_at: int | None = None
    packets_before: int = 0
    octets_before: int = 0
    joined_packets: int = 0
    joined_octets: int = 0
    reported: int = -1
    progressed_at: float = 0.0
    missed: float = -inf
    """The extended number of the newest packet that it ever asked for again."""
    lost_fraction: int = 0
    jitter: int = 0
    reports: dict[int, float] = field(default_factory=dict)
    """When the last sender reports were sent, by the middle 32 bits of their NTP time (RFC 3550 6.4.1)."""
    round_trip: float | None = None
    """Seconds to the watcher and back, as its last report tells."""

    def reporting(self, clock: int, now: float) -> None:
        """A sender report with these 32 bits of its NTP time goes out; the answer will name it."""
        self.reports[clock] = now
        while len(self.reports) > REPORTS:
            del self.reports[next(iter(self.reports))]

    @property
    def head(self) -> tuple[int, int, int, int, int]:
        """What the heads of its packets have: one number that is the same where all of it is, payload type, SSRC, and
        what is added to the track's own sequence numbers and timestamps."""
        kind = self.lag << 24 | self.shift << 8 | (self.stamp is None) << 7 | self.payload_type
        return kind, self.payload_type, self.ssrc, self.shift, self.lag

    @property
    def resting(self) -> bool:
        """Whether it gets nothing now because its line is too weak."""
        return self.thinned and not self.flowing


def down_track_for(
    peer: "Peer", path: SentPackets, terms: CodecParams, ssrcs: tuple[int, int], gated: bool
) -> DownTrack:
    """A leg that holds to what was agreed; `ssrcs` are the stream's own and that of its repairs."""
    stamp = None
    if terms.transport_wide is not None:
        stamp = path.transport_wide(terms.transport_wide)
    elif terms.send_time is not None:
        stamp = send_time(terms.send_time)
    named = terms.transport_wide is not None
    return DownTrack(peer, terms.payload_type, ssrcs[0], gated, stamp, named, terms.rtx, ssrcs[1])
