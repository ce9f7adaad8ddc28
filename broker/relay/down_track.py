"""The state of one destination of a track. Its parts are by subject: how packets are renumbered, what was sent, what
the subscriber reports, what may be sent again, and its keyframe request. `track` holds the code that changes it."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from broker.kernel.token_bucket import TokenBucket
from broker.media.rtcp import ReportBlock
from broker.relay.congestion.sent_packets import Departure, SentPackets, Stamp, send_time
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp.later_copies import Kept, LaterCopies
from broker.relay.rtp.pacing import Pacing
from broker.relay.transport.egress import Egress
from broker.relay.transport.route import Route

SENDER_REPORTS = 8  # remembered: the one that a receiver report names is one of the last two or three
REPAIRS, REPAIRS_AT_ONCE = 150, 100  # packets sent again to one down track: a second, and at once
RATIONED, RATIONED_AT_ONCE = 20, 20  # the same where the worker is overloaded, and the picture a supervisor's
ASKED = 1.0  # seconds in which requests for a keyframe have one cause
REMEMBERED = 64  # sequence numbers that were sent again lately
KEYFRAMES, KEYFRAMES_AT_ONCE = 0.5, 2  # keyframes a second that one supervisor can cost all other subscribers
FIRST = (1 << 15) - 512
"""The first sequence number of a stream is below this. A receiver that has lost the first packets cannot know whether
the numbers wrapped meanwhile, and without that can decrypt nothing (RFC 3711 3.3.1). So they must not wrap soon, even
where the publisher's first packets are missing, too."""
NEVER = -inf
UNSTAMPED = (None, None, None)
T = TypeVar("T")
"""The class Track, which is defined above this module."""


class Client(Protocol):
    """What a track needs of its publisher and a down track of its subscriber; `transport.peer` implements it."""

    @property
    def tx(self) -> Any:
        """The SRTP context for packets to the client; None before the handshake and after the end."""
        ...

    @property
    def route(self) -> Route | None:
        """Where packets to the client go; None before a STUN check has proven an address."""
        ...

    @property
    def egress(self) -> Egress | None:
        """Where the hot loop puts packets to the client; None where there is no route."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the handshake is done and SRTP flows."""
        ...

    def send(self, datagram: bytes) -> None:
        """Send a datagram that is encrypted already."""
        ...

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send an RTCP compound."""
        ...


class PlanEntry(NamedTuple):
    """What the hot loop needs of one destination, looked up before so that it looks up nothing per packet.

    `key` is equal where the whole header is; `mark`, `counter` and `remember` are the parts of the Stamp, or None where
    packets are not stamped. `keep` takes each packet of which copies follow; None: none do."""

    tx: Any
    key: int
    payload_type: int
    ssrc: int
    seq_offset: int
    ts_offset: int
    mark: int | None
    counter: Callable[[], int] | None
    remember: Callable[[Departure], object] | None
    keep: Callable[[Kept], None] | None
    egress: Egress


class Flow(Enum):
    """Whether packets go to a down track."""

    STOPPED = "stopped"
    WAITING = "waiting"
    """It may get packets and begins with the next keyframe."""
    FLOWING = "flowing"
    PAUSING = "pausing"
    """It gets packets up to the beginning of the next frame: its line, or the worker, cannot take the picture."""
    PAUSED = "paused"
    """It gets nothing until the picture can be taken again."""
    RESUMING = "resuming"
    """It was paused and begins again with the next keyframe."""


SENDING = (Flow.FLOWING, Flow.PAUSING)
"""The states in which packets go to a down track."""


class Renumbering:
    """Maps a track's sequence numbers and timestamps to those of one destination, whose own go on without a hole.

    `sequence` and `timestamp` are added to the track's own, modulo 2^16 and 2^32."""

    __slots__ = ("_begun", "_left_at", "sequence", "timestamp")

    def __init__(self) -> None:
        self.sequence = self.timestamp = 0
        self._begun = False
        self._left_at: int | None = None

    def join(self, first: int, shared: Iterable[int] = ()) -> None:
        """The track's packet `first` is the first one that is sent, or follows the last one before a pause.

        The first of all is numbered below FIRST: by the first fitting one of the `shared` differences, which other
        destinations have, as one header then serves all of them; else at random."""
        if not self._begun:
            self._begun = True
            fit = (difference for difference in (0, *shared) if (first + difference) & 0xFFFF < FIRST)
            self.sequence = next(fit, (random.randrange(FIRST) - first) & 0xFFFF)
        elif self._left_at is not None:
            self.sequence = (self.sequence - (first - self._left_at - 1)) & 0xFFFF
            self._left_at = None

    def insert(self, count: int) -> None:
        """Leave room for `count` packets before the one that is sent next."""
        self.sequence = (self.sequence + count) & 0xFFFF

    def leave(self, last: int) -> None:
        """The track's packet `last` is the last one before a pause."""
        self._left_at = last

    def to_subscriber(self, number: int) -> int:
        """Return the sequence number by which the subscriber knows the track's packet `number`."""
        return (number + self.sequence) & 0xFFFF

    def to_track(self, number: int) -> int:
        """Return the track's number of the packet that the subscriber knows as `number`."""
        return (number - self.sequence) & 0xFFFF


@dataclass(slots=True, eq=False)
class Withheld:
    """What a destination gets later than others: packets from the track's own number `first` on, except those that were
    `sent`, not before `until` (monotonic s). From its own number `since` on it has got the parameter sets for them."""

    first: int
    since: int
    until: float = 0.0
    sent: set[int] = field(default_factory=set)

    def withholds(self, number: int) -> bool:
        """Whether the track's packet `number` is not sent yet."""
        return not (number - self.first) & 0x8000 and number not in self.sent

    @property
    def last(self) -> int:
        """The track's number of the last packet that was sent."""
        behind = (self.first - 1) & 0xFFFF
        return max(self.sent, key=lambda number: (number - behind) & 0xFFFF, default=behind)

    def pass_sets(self, number: int, seq: int) -> None:
        """Note that the track's packet `number`, with parameter sets, is sent at once as `seq`."""
        if (seq - self.since) & 0x8000:
            self.since = seq
        if number == self.first:
            self.first = (number + 1) & 0xFFFF
        elif not (number - self.first) & 0x8000:
            self.sent.add(number)


class SentCounts:
    """Packets and octets sent to one destination, counted by the difference of the track's counts at both ends of each
    stretch, so that the hot loop counts nothing per destination."""

    __slots__ = ("_before", "_since")

    def __init__(self) -> None:
        self._before = (0, 0)
        self._since: tuple[int, int] | None = None

    def join(self, packets: int, octets: int) -> None:
        """Packets flow from these counts of the track on."""
        self._since = packets, octets

    def leave(self, packets: int, octets: int) -> None:
        """Packets stop at these counts of the track."""
        self._before, self._since = self.total(packets, octets), None

    def add(self, packets: int, octets: int) -> None:
        """Packets were sent that the track does not count."""
        self._before = self._before[0] + packets, self._before[1] + octets

    def total(self, packets: int, octets: int) -> tuple[int, int]:
        """Return packets and octets sent so far, the track's counts being these now."""
        if self._since is None:
            return self._before
        return self._before[0] + packets - self._since[0], self._before[1] + octets - self._since[1]


@dataclass(slots=True, eq=False)
class SubscriberReports:
    """What the subscriber reported about one stream in receiver reports, NACKs and transport-wide feedback."""

    progressed_at: float = 0.0
    """When a report last proved that new packets had arrived (monotonic s); 0 before the first."""
    highest: int = -1
    """Extended highest sequence number of the last receiver report."""
    newest_missed: float = NEVER
    """Extended number of the newest packet that a NACK ever named."""
    nacks: bool = False
    """Whether it ever asked for a packet: some clients never do, though they agreed to."""
    keyframes_asked: tuple[float, float] = (NEVER, NEVER)
    """When it asked for a keyframe last, and the time before that, while packets came (monotonic s)."""
    missed_at: float = NEVER
    """When it last reported that a packet was lost, or asked for one (monotonic s)."""
    lost_fraction: int = 0
    """Part of packets lost since the report before, in 1/256."""
    count: int = 0
    """How many receiver reports have come."""
    jitter: int = 0
    round_trip: float | None = None
    """Seconds to the subscriber and back; None before the first report that allows to compute it."""
    sender_reports: dict[int, float] = field(default_factory=dict)
    """When the last sender reports were sent, by the middle 32 bits of their NTP time (RFC 3550 6.4.1)."""

    def keyframe_asked(self, now: float) -> None:
        """Note a request for a keyframe; what follows within ASKED is the same request."""
        if now - self.keyframes_asked[0] >= ASKED:
            self.keyframes_asked = now, self.keyframes_asked[0]

    def sender_report_sent(self, ntp: int, now: float) -> None:
        """Remember a sender report by the middle 32 bits of its NTP time, which the receiver report will name."""
        self.sender_reports[ntp] = now
        while len(self.sender_reports) > SENDER_REPORTS:
            del self.sender_reports[next(iter(self.sender_reports))]

    def received(self, block: ReportBlock, now: float, flowing: bool, excused: bool = False) -> None:
        """Note a report block of the subscriber. Only progress proves that packets arrive, unless the track is not
        `flowing`. Losses are `excused` where the publisher's own line was cut just before: they say nothing about this
        subscriber's."""
        if block.highest != self.highest or not flowing:
            self.progressed_at = now
        lost = 0 if excused else block.fraction
        self.highest, self.lost_fraction, self.jitter = block.highest, lost, block.jitter
        self.count += 1
        if lost:
            self.missed_at = now
        sent = self.sender_reports.get(block.last_sr)
        if sent is not None:
            self.round_trip = max(0.0, now - sent - block.delay / 65536)


class Retransmissions:
    """What was sent again to one destination lately, the sequence number of its RTX stream, and the limit on both."""

    __slots__ = ("_at", "_bucket", "_ration", "number", "rationed")

    def __init__(self) -> None:
        self.number = random.randrange(FIRST)
        """The next sequence number of the RTX stream (RFC 4588)."""
        self.rationed = False
        """Whether few packets may be sent again, as the worker is overloaded."""
        self._bucket = TokenBucket(REPAIRS, REPAIRS_AT_ONCE)
        self._ration = TokenBucket(RATIONED, RATIONED_AT_ONCE)
        self._at: dict[int, float] = {}

    def due(self, seq: int, now: float, interval: float) -> bool:
        """Whether packet `seq` was not sent again within `interval` seconds; counts as sent when True."""
        if now - self._at.get(seq, 0.0) < interval:
            return False
        self._at[seq] = now
        while len(self._at) > REMEMBERED:
            del self._at[next(iter(self._at))]
        return True

    def take(self, now: float, kept: float = 0.0) -> bool:
        """Whether one packet more may be sent again now, and so many others after it; counts as sent when True."""
        return (self._ration if self.rationed else self._bucket).take(now, kept=kept)


class PendingKeyframe:
    """A subscriber's keyframe request until it is passed on to the publisher or a keyframe comes."""

    __slots__ = ("_bucket", "pending")

    def __init__(self) -> None:
        self._bucket = TokenBucket(KEYFRAMES, KEYFRAMES_AT_ONCE)
        self.pending = False

    def take(self, now: float, unlimited: bool) -> bool:
        """Whether a request is pending that may be passed on now; it is no longer pending when True."""
        if not self.pending or not (unlimited or self._bucket.take(now)):
            return False
        self.pending = False
        return True


@dataclass(slots=True, eq=False)
class DownTrack(Generic[T]):
    """One destination of `track`: the stream that `client` gets of it, as agreed in `params`.

    While it flows it is in the track's plan; otherwise it waits for the gate, a keyframe or a better line. A gated one
    leads to the far room. `stamp` is what the hot loop writes into a header extension of each packet."""

    track: T
    client: Client
    params: CodecParams
    ssrc: int
    rtx_ssrc: int
    gated: bool
    stamp: Stamp | None = None
    flow: Flow = Flow.STOPPED
    first_allowed: int = 0
    """Extended number of the first packet that it may get, also as a retransmission."""
    lossy: bool = False
    """Whether its line loses much: then a copy follows of each retransmission."""
    copied: bool = False
    """Whether copies follow of each packet: on a lossy line of sound, and of a picture that is not repaired."""
    later: LaterCopies = field(default_factory=LaterCopies)
    thinned: bool = False
    """Whether it gets the picture in a part of the time only, as the worker is overloaded (`congestion.thinning`)."""
    silenced_at: float = float("-inf")
    """When it was last left out as the sound that gives way to the picture (monotonic s)."""
    lesser: T | None = None
    """The smaller encoding that it is meant to get, as its line cannot take the best; None: the best."""
    renumbering: Renumbering = field(default_factory=Renumbering)
    counts: SentCounts = field(default_factory=SentCounts)
    reports: SubscriberReports = field(default_factory=SubscriberReports)
    ahead: dict[int, bytes] = field(default_factory=dict)
    """Packets with parameter sets that it got before its first keyframe, by its own numbers, in the publisher's
    time."""
    sets: tuple[bytes, ...] = ()
    """The parameter sets that it was given last."""
    withheld: Withheld | None = None
    """What it gets later, as it needs other parameter sets first."""
    pacing: Pacing | None = None
    """How its picture is sent where its line is weak."""
    retransmissions: Retransmissions = field(default_factory=Retransmissions)
    keyframe: PendingKeyframe = field(default_factory=PendingKeyframe)

    @property
    def named(self) -> bool:
        """Whether the subscriber's feedback names single packets (transport-wide congestion control)."""
        return self.params.transport_wide is not None

    @property
    def flowing(self) -> bool:
        """Whether it gets packets now."""
        return self.flow in SENDING

    @property
    def waiting(self) -> bool:
        """Whether it begins with the next keyframe."""
        return self.flow is Flow.WAITING or self.flow is Flow.RESUMING

    @property
    def resting(self) -> bool:
        """Whether it gets nothing now because its line, or the worker, cannot take the picture."""
        return self.flow is Flow.PAUSED or self.flow is Flow.RESUMING

    def plan_entry(self) -> PlanEntry:
        """Return what the hot loop needs to send to it."""
        sequence, timestamp = self.renumbering.sequence, self.renumbering.timestamp
        key = timestamp << 24 | sequence << 8 | (self.stamp is None) << 7 | self.params.payload_type
        mark, counter, remember = self.stamp or UNSTAMPED
        egress = self.client.egress
        assert egress is not None
        return PlanEntry(
            self.client.tx,
            key,
            self.params.payload_type,
            self.ssrc,
            sequence,
            timestamp,
            mark,
            counter,
            remember,
            self.later.keep if self.copied else None,
            egress,
        )


def stamp_for(params: CodecParams, sent: SentPackets) -> Stamp | None:
    """Return the stamp of a down track's packets: their number among all in `sent`, the time, or None."""
    if params.transport_wide is not None:
        return sent.transport_wide(params.transport_wide)
    return send_time(params.send_time) if params.send_time is not None else None
