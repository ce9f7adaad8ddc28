"""One stream of one side (picture, sound or talkback) as the relay keeps it: how it is renumbered, and where it goes. A
track outlives its publishers: when one is replaced, sequence numbers and timestamps simply go on.

Two rules hold whatever happens. The sequence numbers of a down track never repeat with other content, as SRTP would
then use one key stream twice (RFC 3711 9.1). And a down track gets nothing from before it was started, not even as a
retransmission."""

import random
from collections.abc import Callable, Iterator
from math import inf
from typing import Any, Protocol

from broker.media.h264 import IDR, PPS, has_keyframe, parameter_sets
from broker.media.parameter_sets import payloads_of
from broker.media.rtcp import SenderReport
from broker.relay.down_track import FIRST, NEVER, Client, DownTrack, Flow, Withheld
from broker.relay.negotiation.codec_params import NO_PUBLISHER, CodecParams
from broker.relay.rtp.keyframe_requests import KeyframeRequests
from broker.relay.rtp.later_copies import PICTURE, LaterCopies
from broker.relay.rtp.parameter_sets import Ahead, SetsOfTrack
from broker.relay.rtp.receive_stats import ReceiveStats
from broker.relay.rtp.withheld_keyframes import WithheldKeyframes, kept_since

CLOCK = {"video": 90000, "audio": 48000}
CACHE = {"video": 512, "audio": 64}  # packets kept to answer NACKs: about two seconds of 1.5 Mbit/s, one of sound
FRESH = 1.5  # seconds without a packet after which a stream no longer counts as flowing
Destination = DownTrack["Track"]
"""One destination of a track, with the track that it belongs to now."""


class Layers(Protocol):
    """The encodings of one picture, as a track of one of them needs them; `rtp.simulcast_layers` implements it."""

    @property
    def best(self) -> "Track":
        """The largest encoding that comes."""
        ...

    def handle_keyframe(self, track: "Track", packet: bytes, number: int, now: float) -> None:
        """A keyframe begins on `track` with `packet`, extended number `number`, which came in its turn."""
        ...

    def lower(self, down_track: Destination, need: float) -> bool:
        """Give `down_track` a smaller encoding that a line of `need` bit/s carries. False where there is none."""
        ...


class Encoding:
    """Size (pixels) and rate (bit/s) of one of several encodings of a picture, as measured here."""

    __slots__ = ("octets", "rate", "size")

    def __init__(self) -> None:
        self.size, self.rate = 0, 0.0
        self.octets: int | None = None
        """The track's count when `rate` was last measured."""


class Track:
    """The picture (`video`) or the sound (`audio`) of one side. `number` is its number on the tap; `cname` says which
    streams belong together, the two of a side; `on_gap` is called when a packet is missing.

    Parts by subject: `publisher` and `params`, `receive_stats`, `keyframes` and `sets`, `encoding` and `layers`,
    `down_tracks`.
    What the hot loop reads for each packet (see `fanout`) stays a direct attribute, as another look-up would cost."""

    __slots__ = (
        "_crossed_before",
        "cache",
        "cname",
        "crossing",
        "down_tracks",
        "encoding",
        "flowing_since",
        "frames",
        "gapped",
        "inspecting",
        "keyframe_at",
        "keyframes",
        "kind",
        "layers",
        "number",
        "octets",
        "on_gap",
        "packets",
        "params",
        "payload_type",
        "plan",
        "publisher",
        "receive_stats",
        "received_at",
        "repaired",
        "rtx_out",
        "searching",
        "sent_at",
        "seq_offset",
        "seq_out",
        "sets",
        "ssrc_out",
        "tap",
        "ts_offset",
        "ts_out",
        "video",
        "withheld",
    )

    def __init__(self, kind: str, number: int, cname: str, on_gap: Callable[[], None]) -> None:
        self.kind, self.number, self.cname, self.on_gap = kind, number, cname, on_gap
        self.video = kind == "video"
        self.publisher: Client | None = None
        self.params, self.payload_type = NO_PUBLISHER, NO_PUBLISHER.payload_type
        self.ssrc_out, self.rtx_out = random.sample(range(1, 1 << 31), 2)
        self.receive_stats: ReceiveStats | None = None
        self.seq_out = random.randrange(FIRST)
        self.seq_offset = 0
        self.ts_offset = self.ts_out = random.getrandbits(31)
        self.packets = self.octets = self.frames = self._crossed_before = 0
        self.received_at = -inf
        """When the last packet came, also a late one (monotonic s)."""
        self.sent_at = 0.0
        """When the packet with `seq_out` and `ts_out` came, which is the newest (monotonic s)."""
        self.flowing_since = inf
        self.keyframe_at = -inf
        """When the last keyframe began that was noticed: while one is searched for, or by its parameter sets."""
        self.keyframes = KeyframeRequests()
        self.sets, self.withheld = SetsOfTrack(), WithheldKeyframes()
        self.encoding = Encoding()
        self.layers: Layers | None = None
        """Where the publisher sends its picture in several encodings, of which this is one."""
        self.down_tracks: list[Destination] = []
        self.plan: list[tuple[Any, ...]] = []
        """A PlanEntry for each destination that flows, as an exact tuple, which CPython unpacks fastest."""
        self.gapped = False
        """Whether packets are missing since it was last looked at."""
        self.inspecting = False
        """Whether packets are looked at: because somebody waits for one, or after a gap."""
        self.searching = False
        """Whether packets are searched for the beginning of a keyframe or a frame, with which somebody begins."""
        self.crossing: Callable[[Track, float], None] | None = None
        """Called with each packet that is sent on until the first crossing is known."""
        self.repaired: list[int] = []
        """The track's own numbers of packets that came only on request, since retransmissions last took them."""
        self.tap: int | None = None
        self.cache: list[tuple[int, bytes] | None] = [None] * CACHE[kind]

    def flowing(self, now: float) -> bool:
        """Whether packets come, and for a picture whether it can be decoded."""
        return now - self.received_at < FRESH and (self.keyframes.seen or not self.video)

    def update_flow(self, now: float) -> bool:
        """`flowing`, and note in `flowing_since` when it began."""
        flowing = self.flowing(now)
        self.flowing_since = min(self.flowing_since, now) if flowing else inf
        return flowing

    @property
    def best(self) -> "Track":
        """The largest encoding that comes: this one, where there are no others."""
        return self if self.layers is None else self.layers.best

    @property
    def unused(self) -> bool:
        """Whether this encoding goes nowhere now."""
        if self.layers is None or self.tap is not None:
            return False
        return not any(down_track.flowing or down_track.waiting for down_track in self.down_tracks)

    def timestamp_at(self, now: float) -> int:
        """Return its own RTP timestamp of what is captured now, as far as arrivals show."""
        began = self.sent_at if self.receive_stats is None else self.receive_stats.frame_at
        return self.ts_out + int((now - began) * CLOCK[self.kind])

    def request_keyframe(self, newcomer: bool = False) -> None:
        """Ask the publisher for a keyframe until one comes; does nothing for sound."""
        if self.video:
            self.keyframes.request(newcomer)
            self.inspecting = self.searching = True

    def record(self, tap: int | None) -> None:
        """Put every packet on this tap, too, from a fresh keyframe on; None: on none."""
        self.tap, self.sets.recorder_lacks = tap, True
        if tap is not None:
            self.request_keyframe(newcomer=True)

    # --- publishers --------------------------------------------------------------------------------------------

    def replace_publisher(self, publisher: Client | None, params: CodecParams) -> None:
        """Take this stream from `publisher`, as agreed in `params`, from now on; None and NO_PUBLISHER end it."""
        self.publisher, self.params, self.payload_type = publisher, params, params.payload_type
        self.receive_stats = None
        self.received_at = -inf
        self.keyframes = KeyframeRequests()  # a request to the publisher before does not count for this one
        self.sets.restart(params.parameter_sets)
        self.withheld.awaited = None
        self.request_keyframe()

    def begin(self, ssrc: int, seq: int, ts: int, now: float) -> None:
        """Take the first packet of a new SSRC: sequence numbers and timestamps go on from the last ones (RFC 3550 5.1).

        Subscribers of a picture wait for its first keyframe: packets before it refer to frames that none of them has.
        """
        self.seq_offset = (self.seq_out + 1 - seq) & 0xFFFF
        if self.packets:
            elapsed = int((now - self.sent_at) * CLOCK[self.kind])
            self.ts_offset = (self.ts_out + max(elapsed, 1) - ts) & 0xFFFFFFFF
        self.receive_stats = ReceiveStats(ssrc, seq, CLOCK[self.kind])
        self.receive_stats.brought = set() if self.params.repairs_marked else None
        self.cache = [None] * len(self.cache)
        self.keyframes.restart()
        self.sets.restart(self.params.parameter_sets)
        self.withheld.awaited = None
        for down_track in self.down_tracks:
            down_track.first_allowed, down_track.reports.newest_missed = seq, NEVER
            if down_track.flowing and self.video:
                paused = down_track.flow is Flow.PAUSING
                self.leave(down_track, Flow.RESUMING if paused else Flow.WAITING)
        self.request_keyframe()
        self.rebuild()

    def advance(self, seq: int, ts: int, now: float) -> bool | None:
        """Count a packet and note gaps, so that missing packets can be requested. Return False when it may not be sent
        on, None when it was here before."""
        stats = self.receive_stats
        assert stats is not None
        ahead = (seq - stats.highest) & 0xFFFF
        if ahead == 0 or ahead & 0x8000:
            repaired, late = stats.repaired, stats.late(seq, now) if ahead else None
            stats.received += late is not None
            if late and stats.repaired > repaired and self.video:
                self.repaired.append((seq + self.seq_offset) & 0xFFFF)
            return late
        stats.received += 1
        if ahead > 1:
            self.gapped = self.inspecting = self.video
            if stats.gap(seq, ahead, now, self.sent_at):
                self.on_gap()
            else:
                self.request_keyframe()
        if seq < stats.highest:
            stats.cycles += 0x10000
        stats.highest = seq
        if ts != stats.ts:
            stats.frame(ts, now)
            self.frames += 1
        self.seq_out = (seq + self.seq_offset) & 0xFFFF
        self.ts_out = (ts + self.ts_offset) & 0xFFFFFFFF
        self.sent_at = now
        return True

    def repairs_due(self, now: float) -> list[int]:
        """Return sequence numbers to request from the publisher now. A packet that stays lost costs a keyframe."""
        if self.receive_stats is None or not self.receive_stats.missing:
            return []
        if self.unused:
            self.receive_stats.forget()
            return []
        due, given_up = self.receive_stats.repairs_due(now)
        if given_up:
            self.request_keyframe()
        return due

    # --- destinations ------------------------------------------------------------------------------------------

    def add(self, down_track: Destination) -> None:
        """Add a destination; it gets nothing until `start`."""
        self.down_tracks.append(down_track)
        if self.video and not down_track.flowing:
            down_track.later = LaterCopies(PICTURE)

    def remove(self, down_track: Destination) -> None:
        """Remove a destination; removing it again does nothing."""
        self.stop(down_track)
        if down_track in self.down_tracks:
            self.down_tracks.remove(down_track)
            self._crossed_before += self.sent(down_track)[0] if down_track.gated else 0

    def start(self, down_track: Destination) -> None:
        """Let packets flow to `down_track`: sound at once, a picture from its next keyframe."""
        if down_track.flowing or down_track.waiting:
            return
        down_track.first_allowed = self.receive_stats.newest + 1 if self.receive_stats is not None else 0
        if self.video:
            down_track.flow = Flow.RESUMING if down_track.resting else Flow.WAITING
            self.request_keyframe(newcomer=True)
        else:
            self.join(down_track, down_track.first_allowed)
        self.rebuild()

    def stop(self, down_track: Destination) -> None:
        """Send no further packet to `down_track`."""
        if down_track.flowing:
            self.leave(down_track, Flow.STOPPED)
        down_track.flow = Flow.STOPPED
        self.rebuild()

    def pause(self, *down_tracks: Destination) -> None:
        """Send nothing to these `down_tracks` once the present frame is complete: their lines, or this worker, cannot
        take the picture."""
        for down_track in down_tracks:
            if down_track.flowing:
                down_track.flow = Flow.PAUSING
        self.rebuild()

    def inspect(self, packet: bytes) -> None:
        """Keep the parameter sets of a packet, and look for the beginning of a keyframe, with which waiting down tracks
        begin, and of a frame, where others pause. Whatever must be sent before the packet is in `sets.ahead` then."""
        stats = self.receive_stats
        if stats is None or not self.video:
            return
        number = stats.extended(int.from_bytes(packet[2:4], "big"))
        sign = self.sets.look(packet, number)
        if sign and number == stats.newest:
            self.keyframe_at = self.received_at
        if self.searching:
            self._begin_with(packet, number, sign)
        if sign == IDR and self.gapped and self._lacks_sets(number):
            self._await_sets(number)
        if number >= stats.first_allowed and (self.sets.here or number != stats.newest):
            self._let_pass(packet, number)
        if self.gapped and not stats.missing:
            self.gapped = False
            self.rebuild()

    def _await_sets(self, number: int) -> None:
        """Withhold a keyframe from its first slice on, extended number `number`, as its sets may be missing."""
        own = (number + self.seq_offset) & 0xFFFF
        sent = {after for after, _ in kept_since((own + 1) & 0xFFFF, self.cache, self.seq_out)}
        self.withheld.await_sets(self.down_tracks, own, sent, self.received_at)
        self.rebuild()

    def _let_pass(self, packet: bytes, number: int) -> None:
        """Withhold what follows parameter sets, from those to whom these are new, and let the sets themselves and what
        comes late pass by (`rtp.withheld_keyframes`)."""
        own, now = (number + self.seq_offset) & 0xFFFF, self.received_at
        if self.sets.here:
            whole = packet[1] & 0x80 != 0 and has_keyframe(packet)
            for down_track in self.down_tracks:
                if down_track.flowing:
                    after, seq = (own + 1) & 0xFFFF, down_track.renumbering.to_subscriber(own)
                    sent = {later for later, _ in kept_since(after, self.cache, self.seq_out)}
                    following = Withheld(after, seq, sent=sent)
                    self.withheld.give(down_track, self.sets.store.content, following, now, whole)
        self.sets.ahead += self.withheld.let_pass(self.down_tracks, packet, own, bool(self.sets.here))
        awaited = self.withheld.awaited
        if awaited is not None and not self._lacks_sets(number + ((awaited - own) & 0xFFFF), packet):
            self.withheld.sets_came(self.down_tracks, now)
        if self.sets.ahead:
            self.rebuild()

    def _lacks_sets(self, number: int, late: bytes = b"") -> bool:
        """Whether parameter sets may be missing before a keyframe's first slice, extended number `number`, that would
        still be sent on. `late` is a packet that came only now."""
        stats, at = self.receive_stats, (number - 1 + self.seq_offset) & 0xFFFF
        assert stats is not None
        kept = self.cache[at % len(self.cache)]
        before = kept[1] if kept is not None and kept[0] == at else b""
        if late and int.from_bytes(late[2:4], "big") == (number - 1) & 0xFFFF:
            before = late
        kinds = {nal[0] & 31 for nal in parameter_sets(before)} if before else set()
        missing = number - (2 if kinds == {PPS} else 1)
        return missing >= stats.first_allowed and missing & 0xFFFF in stats.missing

    def _begin_with(self, packet: bytes, number: int, sign: int) -> None:
        """Begin with this packet, extended number `number`, what waits for it, and pause what waits for that."""
        stats = self.receive_stats
        assert stats is not None
        if number == stats.began and any(down_track.flow is Flow.PAUSING for down_track in self.down_tracks):
            self._pause_now()
        begun, sets = self.sets.complete(packet)
        if sets and number == stats.newest:
            self._complete(begun, number, sets, packet)
        if sign and self.keyframes.found(sign, self.sets.store.decodable):
            self._handle_keyframe(packet, number)
        elif begun:
            self.rebuild()

    def _handle_keyframe(self, packet: bytes, number: int) -> None:
        """Begin with this packet what waits for a keyframe."""
        stats = self.receive_stats
        assert stats is not None
        for down_track in self.down_tracks:
            down_track.keyframe.pending = False
            if down_track.waiting and number >= max(down_track.first_allowed, stats.first_allowed):
                self.join(down_track, number, packet)
        if any(down_track.waiting for down_track in self.down_tracks):
            self.keyframes.request(newcomer=True)  # this one was older than they may see
        if self.layers is not None and number == stats.newest:
            self.layers.handle_keyframe(self, packet, number, self.sent_at)
        if self.tap is not None:
            self.sets.record()
        self.rebuild()

    def _complete(self, begun: list[Destination], number: int, sets: list[bytes], packet: bytes) -> None:
        """Insert parameter sets before a keyframe's first slice, number `number`, for those that have got only others
        with it. Nothing older is sent on after that: its numbers are taken."""
        stats = self.receive_stats
        assert stats is not None
        for down_track in begun:
            if down_track.flowing and down_track.track is self:
                down_track.first_allowed = stats.first_allowed = number
                own = (number + self.seq_offset) & 0xFFFF
                if down_track.pacing is not None:  # what comes before keeps the numbers before
                    for before, kept in down_track.pacing.take_before(own, self.cache):
                        self.sets.ahead.append(Ahead(down_track, down_track.renumbering.to_subscriber(before), kept))
                self.sets.insert(down_track, own, payloads_of(sets), packet)
        self.rebuild()

    def _pause_now(self) -> None:
        before = (self.seq_out - 1) & 0xFFFF  # this frame's first packet is counted already, and not sent to them
        for down_track in self.down_tracks:
            pacing = down_track.pacing
            if down_track.flow is Flow.PAUSING and pacing is None:
                self.leave(down_track, Flow.PAUSED, before)
            elif down_track.flow is Flow.PAUSING and pacing is not None and pacing.last is None:
                pacing.last = before
                down_track.counts.leave(self.packets, self.octets)
        self.rebuild()

    def join(self, down_track: Destination, first: int, packet: bytes | None = None) -> None:
        """`down_track` gets packets from extended number `first` on; its own numbers go on without a hole. `packet` is
        that one where it begins a keyframe: what is missing of its parameter sets is sent before it."""
        stats = self.receive_stats
        payloads = payloads_of(self.sets.begin(down_track, packet)) if packet is not None else []
        number = (first + self.seq_offset if stats is not None else self.seq_out + 1) & 0xFFFF
        down_track.renumbering.join(number, self._differences(len(payloads)))
        down_track.flow = Flow.FLOWING
        down_track.first_allowed = first
        if stats is not None:
            stats.first_allowed = max(stats.first_allowed, first)
        down_track.counts.join(self.packets, self.octets)
        down_track.ahead = {}
        if down_track.pacing is not None:
            down_track.pacing.restart(number)
        if packet is not None and payloads:
            following = Withheld(number, down_track.renumbering.to_subscriber(number))
            self.sets.insert(down_track, number, payloads, packet)
            self.withheld.give(down_track, self.sets.store.content, following, self.received_at, whole=False)

    def _differences(self, count: int) -> Iterator[int]:
        """Iterate over the differences with which a down track has, after `count` inserted packets, the same numbers as
        another one."""
        for other in self.down_tracks:
            if other.flowing:
                yield (other.renumbering.sequence - count) & 0xFFFF

    def leave(self, down_track: Destination, flow: Flow, last: int | None = None) -> None:
        """`down_track` gets packets up to the track's own number `last` (None: all so far), and is in `flow` then."""
        if down_track.withheld is not None:
            last, down_track.withheld = down_track.withheld.last, None
        if down_track.pacing is not None:
            last = (down_track.pacing.next - 1) & 0xFFFF
        down_track.later.clear()
        down_track.renumbering.leave(self.seq_out if last is None else last)
        down_track.counts.leave(self.packets, self.octets)
        down_track.flow = flow

    def rebuild(self) -> None:
        """Build the hot loop's plan again from the down tracks that flow."""
        self.plan = [
            tuple(down_track.plan_entry())
            for down_track in sorted(self.down_tracks, key=lambda down_track: down_track.stamp is None)
            if down_track.flowing
            and down_track.withheld is None
            and down_track.pacing is None
            and down_track.client.tx is not None
            and down_track.client.route is not None
        ]
        if self.video:
            self.searching = (
                self.keyframes.wanted
                or self.layers is not None
                or bool(self.sets.begun)
                or any(
                    down_track.waiting or down_track.flow is Flow.PAUSING or down_track.withheld is not None
                    for down_track in self.down_tracks
                )
            )
            self.inspecting = self.searching or self.gapped

    def take_withheld(self, now: float) -> list[Ahead]:
        """Return what was withheld and is due at `now`; from then on packets flow as before."""
        found = self.withheld.take(self.down_tracks, self.cache, self.seq_out, now)
        if found is not None:
            self.rebuild()
        return found or []

    # --- what one destination was sent ---------------------------------------------------------------------------

    def cached(self, down_track: Destination, seq: int) -> bytes | None:
        """Return the packet that `down_track` knows as `seq`, if it is still kept and `down_track` may have it."""
        ahead = down_track.ahead.get(seq)
        if ahead is not None and self._lately(down_track, seq):
            return ahead
        number = down_track.renumbering.to_track(seq)
        kept = self.cache[number % len(self.cache)]
        if self.receive_stats is None or kept is None or kept[0] != number:
            return None
        if down_track.withheld is not None and down_track.withheld.withholds(number):
            return None
        if down_track.pacing is not None and down_track.pacing.withholds(number):
            return None
        extended = self.receive_stats.extended((number - self.seq_offset) & 0xFFFF)
        return kept[1] if extended >= down_track.first_allowed else None

    def extended(self, down_track: Destination, seq: int) -> float:
        """Return the extended number of a packet that was lately sent to `down_track` as `seq`, or NEVER."""
        number = down_track.renumbering.to_track(seq)
        if self.receive_stats is None or not self._lately(down_track, seq):
            return NEVER
        return self.receive_stats.extended((number - self.seq_offset) & 0xFFFF)

    def _lately(self, down_track: Destination, seq: int) -> bool:
        """Whether what `down_track` knows as `seq` is among the last packets, as many as are kept."""
        return (self.seq_out - down_track.renumbering.to_track(seq)) & 0xFFFF < len(self.cache)

    def sent(self, down_track: Destination) -> tuple[int, int]:
        """Return packets and octets sent to `down_track` so far."""
        return down_track.counts.total(self.packets, self.octets)

    @property
    def crossed(self) -> int:
        """Packets sent to the far room so far, on all connections that it had."""
        return self._crossed_before + sum(
            self.sent(down_track)[0] for down_track in self.down_tracks if down_track.gated
        )

    def sender_report_for(self, down_track: Destination, report: SenderReport) -> SenderReport:
        """Return the publisher's pair of clocks in the numbers of `down_track`, so that picture and sound stay in sync
        at the subscriber (RFC 3550 6.4.1)."""
        packets, octets = self.sent(down_track)
        timestamp = (report.timestamp + self.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF
        return SenderReport(down_track.ssrc, report.ntp, timestamp, packets, octets)
