"""Statistics of one SSRC that is received (RFC 3550 A.3): counts for receiver reports, missing packets to request, and
how far back a packet may still be sent on. Pure. Extended numbers are sequence numbers plus 2^16 for each wrap."""

from collections import deque
from heapq import heappop, heappush

from broker.media.rtcp import ReportBlock
from broker.relay.congestion.estimator import Delays

MAX_GAP = 256  # a jump over more packets is a restart of the sender, not a loss worth requesting
DISORDER = 0.02  # seconds in which a packet that was overtaken comes without a request
REPAIR_TRIES, REPAIR_EVERY = 6, 0.03  # NACKs for one packet; seconds between them at least, growing from the fourth on
LOSSY = 0.01  # smoothed part of packets lost from which on each request is sent twice
UNHEEDED = 12  # packets given up, and none that came on request: the sender answers no requests
TWICE_AFTER = 0.015  # seconds from a request to its copy: publishers that know RFC 4585 answer only one of them
ROUND_TRIP = 0.05  # seconds, until the first repair has shown it
CUT = 1.0  # seconds without a packet, with packets missing afterwards, that are a cut of the publisher's line
TOLD = 2.5  # seconds after a cut within which a subscriber's next receiver report tells of the gap
MAX_STEP = 5.0  # seconds: a sender whose timestamps jump further has restarted


class ReceiveStats:
    """Statistics of the packets of one SSRC from sequence number `first` on; `clock` is its ticks a second."""

    __slots__ = (
        "_clock",
        "_delay",
        "_due",
        "_expected_before",
        "_raw_before",
        "_twice",
        "began",
        "brought",
        "cut_until",
        "cycles",
        "delays",
        "first",
        "first_allowed",
        "frame_at",
        "given_up",
        "highest",
        "jitter",
        "last_sr",
        "last_sr_at",
        "loss",
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
        self.first_allowed = first
        """Nothing older is sent on: its number has been used for other content, or a destination may not have it."""
        self.received = self.repaired = self._expected_before = self._raw_before = 0
        self.last_sr, self.last_sr_at = 0, 0.0
        self.missing: dict[int, tuple[int, float]] = {}
        """By sequence number: how often it was requested, and when last."""
        self._due: list[tuple[float, int]] = []
        """A heap of (when to request, sequence number), if it is still missing then. The cost of a loss must not grow
        with how much else is lost, or an overloaded worker gets even more to do."""
        self._twice: deque[tuple[float, int]] = deque()
        """When to send a request once more, as requests get lost, too, and its sequence number."""
        self.cut_until = float("-inf")
        """Until when subscribers may report the gap of a cut as losses of their own (monotonic s)."""
        self.loss = 0.0
        """Smoothed part of packets that did not come by themselves, as of the last report."""
        self.brought: set[int] | None = None
        """Which of the packets that come now are retransmissions; None where these look like any other packet, so that
        each packet that comes late after a request must count as one."""
        self.round_trip = ROUND_TRIP
        self.given_up = 0
        """How many packets were requested as often as it makes sense, and never came."""
        self.ts, self.began = -1, first
        """Timestamp, and extended number, of the packet that began the newest frame."""
        self.delays, self.jitter = Delays(), 0.0
        self._delay = self.frame_at = 0.0

    @property
    def newest(self) -> int:
        """The extended number of the newest packet."""
        return self.cycles + self.highest

    @property
    def heeded(self) -> bool:
        """Whether the sender may be one that answers requests: false once many were in vain and none was answered."""
        return self.repaired > 0 or self.given_up < UNHEEDED

    @property
    def expected(self) -> int:
        """How many packets the sender has sent, as its sequence numbers show."""
        return self.newest - self.first + 1

    def extended(self, seq: int) -> int:
        """Return the extended number of a sequence number at or before the newest one."""
        return self.newest - ((self.highest - seq) & 0xFFFF)

    def frame(self, ts: int, now: float) -> None:
        """Note that the newest packet begins a frame. Only such packets measure jitter and delay: those of one frame
        leave one after the other under the same timestamp (RFC 3550 6.4.1)."""
        if self.ts >= 0:
            passed = ((ts - self.ts + 0x80000000 & 0xFFFFFFFF) - 0x80000000) / self._clock
            later = now - self.frame_at - passed
            if abs(later) < MAX_STEP:
                self._delay += later
                self.jitter += (abs(later) * self._clock - self.jitter) / 16
                self.delays.add(self._delay)
        self.ts, self.began, self.frame_at = ts, self.newest, now

    def late(self, seq: int, now: float) -> bool | None:
        """Count a packet behind the newest. Return whether it may still be sent on; None when it had come before."""
        request = self.missing.pop(seq, None)
        if request is None:
            return None
        tries, requested_at = request
        if seq in self.brought if self.brought is not None else tries > 0:
            self.repaired += 1
            if tries == 1:  # after several requests it is unknown which one was answered
                self.round_trip += 0.2 * (now - requested_at - self.round_trip)
        return self.extended(seq) >= self.first_allowed

    def gap(self, seq: int, ahead: int, now: float, before: float) -> bool:
        """Note that `ahead - 1` packets are missing between the one that came at `before` and `seq`, which comes now.
        Return False when these are too many, or too old, to request."""
        if now - before >= CUT:  # what was sent meanwhile is of no use any more
            self.cut_until = now + TOLD
            self.forget()
            return False
        if ahead > MAX_GAP or len(self.missing) + ahead > MAX_GAP:
            self.forget()
            return False
        due = max(now, before + DISORDER)
        for back in range(ahead - 1, 0, -1):
            number = (seq - back) & 0xFFFF
            self.missing[number] = (0, 0.0)
            heappush(self._due, (due, number))
        return True

    def was_cut(self, now: float) -> bool:
        """Whether the publisher's line was cut so lately that subscribers may report the gap as losses of their own."""
        return now < self.cut_until

    def forget(self) -> None:
        """Request none of the missing packets any more."""
        self.missing.clear()
        self._due.clear()
        self._twice.clear()

    def repairs_due(self, now: float) -> tuple[list[int], bool]:
        """Return the sequence numbers to request at `now`, and whether a packet was given up."""
        due: list[int] = []
        given_up = False
        while self._twice and self._twice[0][0] <= now:
            seq = self._twice.popleft()[1]
            if seq in self.missing:
                due.append(seq)
        while self._due and self._due[0][0] <= now:
            seq = heappop(self._due)[1]
            tries, _ = self.missing.get(seq, (-1, 0.0))
            if tries >= REPAIR_TRIES:
                del self.missing[seq]
                self.given_up += 1
                given_up = True
            elif tries >= 0:
                self.missing[seq] = (tries + 1, now)
                heappush(self._due, (now + self._patience(tries), seq))
                due.append(seq)
                if self.loss > LOSSY:
                    self._twice.append((now + TWICE_AFTER, seq))
        return due, given_up

    def _patience(self, tries: int) -> float:
        """Return the seconds after which a request is repeated: more than the answer takes, and at last growing."""
        return max(REPAIR_EVERY, 1.25 * self.round_trip) * max(1.0, tries / 2)

    def report(self, now: float) -> ReportBlock:
        """Return the report block about the time since the last one. A packet that came only on request counts as lost:
        the sender chooses its redundancy and its rate by that."""
        expected, raw = self.expected, self.received - self.repaired
        interval = expected - self._expected_before
        lost = interval - (raw - self._raw_before)
        self._expected_before, self._raw_before = expected, raw
        fraction = 0 if interval <= 0 or lost <= 0 else min(255, (lost << 8) // interval)
        self.loss += 0.3 * (fraction / 256 - self.loss)
        delay = int((now - self.last_sr_at) * 65536) if self.last_sr else 0
        return ReportBlock(self.ssrc, fraction, expected - raw, self.newest, int(self.jitter), self.last_sr, delay)
