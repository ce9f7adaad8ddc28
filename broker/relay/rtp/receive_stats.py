"""What came in on one SSRC (RFC 3550 A.3): counts for receiver reports, gaps to ask for, and how far back a packet may
still be sent on. Pure. Numbers here are extended: the sender's sequence number and 2^16 for each of its wraps."""

from heapq import heappop, heappush

from broker.media.rtcp import ReportBlock
from broker.relay.congestion.estimator import Delays

MAX_GAP = 256  # a jump over more packets is a new beginning, not a loss worth asking for
DISORDER = 0.02  # seconds in which a packet that was overtaken comes by itself
REPAIR_TRIES, REPAIR_EVERY = 6, 0.03  # NACKs for one packet; seconds between them at least, growing with each
ROUND_TRIP = 0.05  # seconds, until the first repair has shown it
MAX_STEP = 5.0  # seconds: a sender that jumps further in time has begun anew


class ReceiveStats:
    """The packets of one SSRC, beginning with sequence number `first`; `clock` is its ticks a second."""

    __slots__ = (
        "_clock",
        "_delay",
        "_due",
        "_expected_before",
        "_raw_before",
        "began",
        "brought",
        "cycles",
        "delays",
        "first",
        "floor",
        "frame_at",
        "highest",
        "jitter",
        "last_sr",
        "last_sr_at",
        "missing",
        "received",
        "repaired",
        "round_trip",
        "ssrc",
        "ts",
    )

    def __init__(self, ssrc: int, first: int, clock: int = 90000) -> None:
        self.ssrc, self.first, self._clock = ssrc, first, clock
        self.highest = (first - 1) & 0xFFFF
        self.cycles = 0 if first else -0x10000
        self.floor = first
        """Nothing older is sent on: its number has been used for something else, or somebody may not have it."""
        self.received = self.repaired = self._expected_before = self._raw_before = 0
        self.last_sr, self.last_sr_at = 0, 0.0
        self.missing: dict[int, tuple[int, float]] = {}
        """By sequence number: how often it was asked for, and when last."""
        self._due: list[tuple[float, int]] = []
        """A heap of when to ask for which number, if it is still missing then: what a loss costs must not grow with how
        much else is lost, or a worker with too much to do gets the more to do."""
        self.brought: set[int] | None = None
        """Which of the packets that come now are there because others were lost; None where repairs look like any other
        packet, so that all that comes late and was asked for must count as one."""
        self.round_trip = ROUND_TRIP
        self.ts, self.began = -1, first
        """Timestamp and extended number of the packet that began the newest frame."""
        self.delays, self.jitter = Delays(), 0.0
        self._delay = self.frame_at = 0.0

    @property
    def newest(self) -> int:
        """The extended number of the newest packet."""
        return self.cycles + self.highest

    @property
    def expected(self) -> int:
        """Packets the sender has sent, as far as sequence numbers tell."""
        return self.newest - self.first + 1

    def extended(self, seq: int) -> int:
        """The extended number of a sequence number at or before the newest one."""
        return self.newest - ((self.highest - seq) & 0xFFFF)

    def frame(self, ts: int, now: float) -> None:
        """The newest packet begins a frame. Only such packets tell of jitter and delay: those of one frame leave one
        after the other under the same timestamp (RFC 3550 6.4.1)."""
        if self.ts >= 0:
            passed = ((ts - self.ts + 0x80000000 & 0xFFFFFFFF) - 0x80000000) / self._clock
            later = now - self.frame_at - passed
            if abs(later) < MAX_STEP:
                self._delay += later
                self.jitter += (abs(later) * self._clock - self.jitter) / 16
                self.delays.add(self._delay)
        self.ts, self.began, self.frame_at = ts, self.newest, now

    def late(self, seq: int, now: float) -> bool | None:
        """A packet behind the newest came. Whether it may still be sent on; None when it had come before."""
        known = self.missing.pop(seq, None)
        if known is None:
            return None
        tries, asked_at = known
        if seq in self.brought if self.brought is not None else tries > 0:
            self.repaired += 1
            if tries == 1:  # of several requests nobody knows which one was answered
                self.round_trip += 0.2 * (now - asked_at - self.round_trip)
        return self.extended(seq) >= self.floor

    def gap(self, seq: int, ahead: int, now: float, before: float) -> bool:
        """`ahead - 1` packets between the one that came at `before` and `seq`, now, are missing. False when that is too
        much to ask for."""
        if ahead > MAX_GAP or len(self.missing) + ahead > MAX_GAP:
            self.forget()
            return False
        due = max(now, before + DISORDER)
        for back in range(ahead - 1, 0, -1):
            number = (seq - back) & 0xFFFF
            self.missing[number] = (0, 0.0)
            heappush(self._due, (due, number))
        return True

    def forget(self) -> None:
        """Ask for nothing any more."""
        self.missing.clear()
        self._due.clear()

    def repairs_due(self, now: float) -> tuple[list[int], bool]:
        """Sequence numbers to ask for again at `now`, and whether some packet was given up."""
        due: list[int] = []
        given_up = False
        while self._due and self._due[0][0] <= now:
            seq = heappop(self._due)[1]
            tries, _ = self.missing.get(seq, (-1, 0.0))
            if tries >= REPAIR_TRIES:
                del self.missing[seq]
                given_up = True
            elif tries >= 0:
                self.missing[seq] = (tries + 1, now)
                heappush(self._due, (now + self._patience(tries), seq))
                due.append(seq)
        return due, given_up

    def _patience(self, tries: int) -> float:
        """Seconds until a request that brought nothing is worth repeating: more than the answer takes, and growing."""
        return max(REPAIR_EVERY, 1.25 * self.round_trip) * (1 + tries / 4)

    def report(self, now: float) -> ReportBlock:
        """The report block about this stream since the last one. What came only after it was asked for counts as lost:
        the sender chooses its redundancy and its rate by that."""
        expected, raw = self.expected, self.received - self.repaired
        interval = expected - self._expected_before
        lost = interval - (raw - self._raw_before)
        self._expected_before, self._raw_before = expected, raw
        fraction = 0 if interval <= 0 or lost <= 0 else min(255, (lost << 8) // interval)
        delay = int((now - self.last_sr_at) * 65536) if self.last_sr else 0
        return ReportBlock(self.ssrc, fraction, expected - raw, self.newest, int(self.jitter), self.last_sr, delay)
