"""One stream of one side (its picture or its sound) as the relay keeps it: how it is renumbered, and who gets it. A
Track outlives its publishers: when one is replaced, sequence and time simply go on.

Two rules hold whatever happens. A leg's sequence numbers never repeat with other content, as SRTP would then use one
key stream twice (RFC 3711 9.1). And a leg gets nothing from before it was let in, not even by asking for a repair."""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broker.media.h264 import IDR, SPS, keyframe_start
from broker.media.rtcp import SenderReport
from broker.relay.down_track import DownTrack
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp.keyframe_requests import KeyframeRequests
from broker.relay.rtp.receive_stats import ReceiveStats

if TYPE_CHECKING:
    from broker.relay.rtp.simulcast_layers import SimulcastLayers
    from broker.relay.transport.peer import Peer

CLOCK = {"video": 90000, "audio": 48000}
CACHE = {"video": 512, "audio": 64}  # packets kept to answer NACKs: about two seconds of 1.5 Mbit/s, one of sound
UNSTAMPED = (None, None, None)
FRESH = 1.5  # seconds without a packet after which a stream no longer counts as flowing


class Track:
    """The picture (`video`) or the sound (`audio`) of one side."""

    def __init__(self, kind: str, number: int, cname: str = "") -> None:
        self.kind, self.number, self.video = kind, number, kind == "video"
        self.cname = cname
        """Which streams belong together, for who watches: the two of a side."""
        self.peer: Peer | None = None
        self.payload_type = -1
        self.nack = False
        """Whether the publisher sends again what it is asked for."""
        self._marked = False
        """Whether what is sent again can be told from what was only overtaken."""
        self.ssrc_out, self.rtx_out = random.sample(range(1, 1 << 31), 2)
        self.arrivals: ReceiveStats | None = None
        self.seq_shift = random.getrandbits(15)
        self.ts_shift = random.getrandbits(31)
        self.seq_out = self.seq_shift
        self.ts_out = self.ts_shift
        self.packets = self.octets = self.frames = self._crossed_before = 0
        self.last_at = float("-inf")
        self.since = float("inf")
        self.left = 0.0
        self.seen_sps = self.seen_keyframe = False
        self.keyframes = KeyframeRequests()
        self.layers: SimulcastLayers | None = None
        """Where the publisher sends its picture in several encodings, of which this is one."""
        self.size, self.rate = 0, 0.0
        """Pixels of one picture, and bit/s, as `layers` has seen them."""
        self.legs: list[DownTrack] = []
        self.plan: list[tuple[Any, ...]] = []
        self.attention = False
        self.crossing: Callable[[Track, float], None] | None = None
        """Called with each packet that is sent on until the first crossing is known."""
        self.repaired: list[int] = []
        """The track's own numbers of packets that came only when they were asked for, since the last look at them."""
        self.on_gap: Callable[[], None] = lambda: None
        self.tap: int | None = None
        self.cache: list[tuple[int, bytes] | None] = [None] * CACHE[kind]

    def flowing(self, now: float) -> bool:
        """Whether packets come, and for a picture whether it can be decoded."""
        return now - self.last_at < FRESH and (self.seen_keyframe or not self.video)

    @property
    def best(self) -> "Track":
        """The encoding that everybody gets who can: this one, where there are no others."""
        return self if self.layers is None else self.layers.best

    @property
    def unused(self) -> bool:
        """Whether nobody gets this encoding now."""
        return self.layers is not None and self.tap is None and not any(leg.flowing or leg.waiting for leg in self.legs)

    def time(self, now: float) -> int:
        """Its own timestamp of what is captured now, as far as arrivals tell."""
        began = self.left if self.arrivals is None else self.arrivals.frame_at
        return self.ts_out + int((now - began) * CLOCK[self.kind])

    def watch_flow(self, now: float) -> bool:
        """`flowing`, noting in `since` when it began."""
        flowing = self.flowing(now)
        self.since = min(self.since, now) if flowing else float("inf")
        return flowing

    def want_keyframe(self, newcomer: bool = False) -> None:
        """Ask the publisher for a keyframe until one comes; nothing for sound."""
        if self.video:
            self.keyframes.want(newcomer)
            self.attention = True

    # --- publishers --------------------------------------------------------------------------------------------

    def replace_publisher(self, peer: "Peer | None", terms: CodecParams) -> None:
        """From now on `peer` sends this stream (None: nobody does)."""
        self.peer, self.payload_type, self.nack = peer, terms.payload_type, terms.nack
        self._marked = terms.rtx is not None or not terms.nack
        self.arrivals = None
        self.seen_keyframe = self.seen_sps = False
        self.last_at = float("-inf")
        self.keyframes = KeyframeRequests()  # what another publisher was asked for, this one was not
        self.want_keyframe()

    def begin(self, ssrc: int, seq: int, ts: int, now: float) -> None:
        """The first packet of a new SSRC: continue sequence and time where the last one stood (RFC 3550 5.1). Who
        sees a picture waits for its first keyframe: what comes before refers to pictures nobody has."""
        if self.packets:
            elapsed = int((now - self.left) * CLOCK[self.kind])
            self.seq_shift = (self.seq_out + 1 - seq) & 0xFFFF
            self.ts_shift = (self.ts_out + max(elapsed, 1) - ts) & 0xFFFFFFFF
        self.arrivals = ReceiveStats(ssrc, seq, CLOCK[self.kind])
        self.arrivals.brought = set() if self._marked else None
        self.cache = [None] * len(self.cache)
        self.seen_keyframe = self.seen_sps = False
        for leg in self.legs:
            leg.floor, leg.missed = seq, float("-inf")
            if leg.flowing and self.video:
                self.leave(leg)
                leg.waiting = True
        self.want_keyframe()
        self.rebuild()

    def advance(self, seq: int, ts: int, now: float) -> bool | None:
        """Count a packet and note gaps, so that they can be asked for. False when it may not be sent on, None when it
        is here already."""
        arrivals = self.arrivals
        assert arrivals is not None
        ahead = (seq - arrivals.highest) & 0xFFFF
        if ahead == 0 or ahead & 0x8000:
            repaired, late = arrivals.repaired, arrivals.late(seq, now) if ahead else None
            arrivals.received += late is not None
            if late and arrivals.repaired > repaired and self.video:
                self.repaired.append((seq + self.seq_shift) & 0xFFFF)
            return late
        arrivals.received += 1
        if ahead > 1:
            if arrivals.gap(seq, ahead, now, self.left):
                self.on_gap()
            else:
                self.want_keyframe()
        if seq < arrivals.highest:
            arrivals.cycles += 0x10000
        arrivals.highest = seq
        if ts != arrivals.ts:
            arrivals.frame(ts, now)
            self.frames += 1
        self.seq_out = (seq + self.seq_shift) & 0xFFFF
        self.ts_out = (ts + self.ts_shift) & 0xFFFFFFFF
        self.left = now
        return True

    def repairs_due(self, now: float) -> list[int]:
        """Sequence numbers to ask the publisher for again; what stays lost makes us ask for a keyframe."""
        if self.arrivals is None or not self.arrivals.missing:
            return []
        if self.unused:
            self.arrivals.forget()
            return []
        due, given_up = self.arrivals.repairs_due(now)
        if given_up:
            self.want_keyframe()
        return due

    # --- destinations ------------------------------------------------------------------------------------------

    def add(self, leg: DownTrack) -> None:
        """A new destination; it stays silent until `start`."""
        self.legs.append(leg)

    def remove(self, leg: DownTrack) -> None:
        """A destination is gone."""
        self.stop(leg)
        if leg in self.legs:
            self.legs.remove(leg)
            self._crossed_before += self.sent(leg)[0] if leg.gated else 0

    def start(self, leg: DownTrack) -> None:
        """Let packets flow to `leg`: sound at once, a picture from its next keyframe."""
        if leg.flowing or leg.waiting:
            return
        leg.floor = self.arrivals.newest + 1 if self.arrivals is not None else 0
        if self.video:
            leg.waiting = True
            self.want_keyframe(newcomer=True)
        else:
            self.join(leg, leg.floor)
        self.rebuild()

    def stop(self, leg: DownTrack) -> None:
        """No packet more to `leg`."""
        if leg.flowing:
            self.leave(leg)
        leg.waiting = leg.ebbing = leg.thinned = False
        self.rebuild()

    def ebb(self, leg: DownTrack) -> None:
        """Nothing more to `leg` once the frame that is being sent is complete: its line cannot take the picture."""
        leg.ebbing = leg.flowing
        self.rebuild()

    def inspect(self, packet: bytes) -> None:
        """Look for the beginning of a keyframe, with which waiting legs begin, and of any frame, where others pause."""
        sign = keyframe_start(packet)
        arrivals = self.arrivals
        if arrivals is None:
            return
        number = arrivals.extended(int.from_bytes(packet[2:4], "big"))
        if number == arrivals.began and any(leg.ebbing for leg in self.legs):
            self._pause()
        if not sign:
            return
        self.seen_sps |= sign == SPS
        if sign == IDR and self.seen_sps:
            return  # its parameter sets went ahead and announced this keyframe
        self.seen_keyframe = True
        self.keyframes.arrived()
        for leg in self.legs:
            leg.wish = False
            if leg.waiting and number >= max(leg.floor, arrivals.floor):
                self.join(leg, number)
        if any(leg.waiting for leg in self.legs):
            self.keyframes.want(newcomer=True)  # this one was older than they may see
        if self.layers is not None and number == arrivals.newest:
            self.layers.keyframe(self, packet, number, self.left)
        self.rebuild()

    def _pause(self) -> None:
        for leg in self.legs:
            if leg.ebbing:
                before = (self.seq_out - 1) & 0xFFFF  # this frame's first packet is counted, and not for this leg
                self.leave(leg, before)
                leg.ebbing, leg.thinned = False, True
        self.rebuild()

    def join(self, leg: DownTrack, first: int) -> None:
        """`leg` gets packets from extended number `first` on; its own numbers go on without a hole."""
        if leg.left_at is not None:
            leg.shift = (leg.shift - (self._out(first) - leg.left_at - 1)) & 0xFFFF
            leg.left_at = None
        leg.waiting = leg.ebbing = leg.thinned = False
        leg.flowing = True
        leg.floor = first
        if self.arrivals is not None:
            self.arrivals.floor = max(self.arrivals.floor, first)
        leg.joined_packets, leg.joined_octets = self.packets, self.octets

    def _out(self, number: int) -> int:
        """The track's own number of the packet with this extended number, or of the next one before any came."""
        return (number + self.seq_shift if self.arrivals is not None else self.seq_out + 1) & 0xFFFF

    def leave(self, leg: DownTrack, last: int | None = None) -> None:
        """`leg` gets packets up to the track's own number `last` (None: all so far)."""
        leg.left_at = self.seq_out if last is None else last
        leg.packets_before, leg.octets_before = self.sent(leg)
        leg.flowing = False

    def rebuild(self) -> None:
        """Make the hot loop's plan anew: one flat tuple a destination, nothing to look up per packet."""
        self.plan = [
            (leg.peer.tx, *leg.head, *(leg.stamp or UNSTAMPED), 1 if self.video else leg.copies, *leg.peer.route)
            for leg in sorted(self.legs, key=lambda leg: leg.stamp is None)
            if leg.flowing and leg.peer.tx is not None and leg.peer.route is not None
        ]
        waited = self.keyframes.wanted or any(leg.waiting or leg.ebbing for leg in self.legs)
        self.attention = self.video and (waited or self.layers is not None)

    def repair(self, leg: DownTrack, seq: int) -> bytes | None:
        """The packet that `leg` knows as `seq`, if it is still kept and `leg` was meant to have it."""
        number = (seq - leg.shift) & 0xFFFF
        kept = self.cache[number % len(self.cache)]
        if self.arrivals is None or kept is None or kept[0] != number:
            return None
        return kept[1] if self.arrivals.extended((number - self.seq_shift) & 0xFFFF) >= leg.floor else None

    def extended(self, leg: DownTrack, seq: int) -> float:
        """The extended number of a packet that `leg` was lately sent as `seq`; the least of all when it was not."""
        number = (seq - leg.shift) & 0xFFFF
        if self.arrivals is None or (self.seq_out - number) & 0xFFFF >= len(self.cache):
            return float("-inf")
        return self.arrivals.extended((number - self.seq_shift) & 0xFFFF)

    def sent(self, leg: DownTrack) -> tuple[int, int]:
        """Packets and octets sent to `leg` so far."""
        if not leg.flowing:
            return leg.packets_before, leg.octets_before
        return (
            leg.packets_before + self.packets - leg.joined_packets,
            leg.octets_before + self.octets - leg.joined_octets,
        )

    @property
    def crossed(self) -> int:
        """Packets sent to the far room so far, on whichever connections it had."""
        return self._crossed_before + sum(self.sent(leg)[0] for leg in self.legs if leg.gated)

    def sender_report_for(self, leg: DownTrack, report: SenderReport) -> SenderReport:
        """The publisher's clock pair in the numbers of `leg`, so that lips stay in sync there (RFC 3550 6.4.1)."""
        packets, octets = self.sent(leg)
        timestamp = (report.timestamp + self.ts_shift + leg.lag) & 0xFFFFFFFF
        return SenderReport(leg.ssrc, report.ntp, timestamp, packets, octets)
