"""The packets sent to one subscriber, stamped so that its feedback can name each of them, and what the feedback says.

Only packets that feedback names as arrived prove that the subscriber receives; browsers send it ten times a second."""

import random
from collections import deque
from collections.abc import Callable
from itertools import count, islice
from math import inf
from typing import Any, NamedTuple

from broker.kernel.clock import monotonic
from broker.relay.congestion.estimator import QUEUE, Capacity, Delays
from broker.relay.rtp.twcc import TICKS, Feedback

TICK = 1 / TICKS
WINDOW = 1024  # packets remembered at least: four seconds of one subscriber
TOP = 4_000_000  # bit/s: twice what is ever sent to a subscriber

FAR = 0.7  # an estimate below this part of the rate means a queue; 85 % is usual without one
OVERTAKEN = 0.03  # seconds: a packet is lost when one that was sent so much later has arrived
Departure = tuple[float, int, Any, int]
"""One packet sent: when (monotonic s), bytes, SSRC of its stream, sequence number there. Only numbers: the garbage
collector would visit any other object in it, thousands of times a second."""


class Stamp(NamedTuple):
    """How packets are stamped: the extension word is `mark` and 24 bits of `number()`; `remember` gets each Departure.

    The parts are separate so that the hot loop calls no Python function; all other code calls the Stamp itself."""

    mark: int
    number: Callable[[], int]
    remember: Callable[[Departure], object]

    def __call__(self, departure: Departure) -> int:
        """Remember the next packet and return its extension word."""
        self.remember(departure)
        return self.mark | self.number() & 0xFFFFFF


class SentPackets:
    """The packets sent to one subscriber. `first` is its first transport-wide sequence number; None: a random one."""

    def __init__(self, first: int | None = None) -> None:
        self._begin = random.getrandbits(15) if first is None else first
        self._sent: list[Departure] = []
        """The packets from number `_begin` on."""
        self._numbers = count(self._begin << 8, 1 << 8).__next__
        self.capacity = Capacity(TOP)
        self.delays = Delays()
        self.estimated: int | None = None
        """The last estimate that the subscriber itself sent (REMB), bit/s."""
        self._acknowledged = self._begin
        self._open: dict[int, None] = {}
        """The numbers that feedback has passed over, in ascending order."""
        self._expected = self._arrived = self._bits = self._unnamed = 0
        """Since the last tick; `_unnamed` packets were passed over by the feedback that was read."""
        self._ticked_at = 0.0

    @property
    def number(self) -> int:
        """The next transport-wide sequence number, before reduction to 16 bits."""
        return self._begin + len(self._sent)

    def transport_wide(self, identifier: int) -> Stamp:
        """Return the stamp that numbers each packet and remembers it by that number."""
        return Stamp((identifier << 4 | 1) << 24, self._numbers, self._sent.append)

    def expects(self, base: int, span: int) -> bool:
        """Whether packets `base` to `base + span - 1` (modulo 2^16) were all sent, and some are still remembered."""
        last = self.number - ((self.number - base) & 0xFFFF) + span
        return bool(self._sent) and last <= self.number < last + WINDOW

    def received(self, feedback: Feedback) -> tuple[set[Any], list[Departure]]:
        """Note what the subscriber's feedback says. Return the SSRCs of which packets have newly arrived, and the
        packets that are surely lost."""
        if not self.expects(feedback.base, feedback.span):
            return set(), []
        first = self.number - ((self.number - feedback.base) & 0xFFFF)
        last = first + feedback.span
        new = range(max(self._acknowledged, first), last)
        self._expected += len(new)
        self._unnamed += max(0, first - self._acknowledged)
        self._acknowledged = max(self._acknowledged, last)
        arrived = feedback.arrived
        if self._open or not len(new) == feedback.span == len(arrived):
            self._open.update(dict.fromkeys(new))
            arrived = self._fresh(first, arrived)
        seen, latest = self._arrivals(first, arrived)
        return seen, self._overtaken(latest) if self._open else []

    def _fresh(self, first: int, arrived: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return those that had not arrived before."""
        fresh = [(offset, ticks) for offset, ticks in arrived if first + offset in self._open]
        for offset, _ in fresh:
            self._open.pop(first + offset, None)
        return fresh

    def _arrivals(self, first: int, arrived: list[tuple[int, int]]) -> tuple[set[Any], float]:
        """Count the packets that arrived. Return the SSRCs, and when the last of it was sent. Visits every packet sent,
        some ten times a second and subscriber."""
        sent, begin, seen = self._sent, first - self._begin, set()
        bytes_, latest, least = 0, 0.0, inf
        for offset, ticks in arrived:
            if begin + offset < 0:
                continue  # too long ago
            at, size, stream, _ = sent[begin + offset]
            bytes_ += size
            seen.add(stream)
            if at > latest:
                latest = at
            if (delay := ticks * TICK - at) < least:
                least = delay
        self._arrived += len(arrived)
        self._bits += 8 * bytes_
        self.delays.add(least)
        return seen, latest

    def _overtaken(self, latest: float) -> list[Departure]:
        """Return the packets that were sent so long before `latest` that they would have arrived. None is visited twice
        but the first that may still come: how often feedback comes is for the subscriber to say."""
        lost: list[Departure] = []
        passed = 0
        for number in self._open:
            if number + WINDOW > self.number:
                departure = self._sent[number - self._begin]
                if departure[0] >= latest - OVERTAKEN:
                    break
                lost.append(departure)
            passed += 1
        for number in list(islice(self._open, passed)):
            del self._open[number]
        return lost

    def tick(self, now: float, beside: int = 0) -> None:
        """Update the estimate of the line's capacity; called every STEP. `beside` bits were sent on it that are not
        named: of a picture that is sent again without RTX only the sound is, and what delays one delays the other."""
        self._forget()
        seconds = now - self._ticked_at
        queue, expected = self.delays.standing(), self._expected
        if self._ticked_at:
            lost = max(0, expected - self._arrived) / expected if expected else 0.0
            unnamed = self._unnamed / expected if expected else 0.0  # they are taken to have fared like the others
            bits = self._bits * (1 + unnamed) + beside * (1 - lost)
            self.capacity.update(now, seconds, bits / seconds, lost, queue)
        self._ticked_at = now
        self._expected = self._arrived = self._bits = self._unnamed = 0

    def _forget(self) -> None:
        old = len(self._sent) - WINDOW
        if old > WINDOW // 4:
            del self._sent[:old]
            self._begin += old

    def tick_by_reports(self, now: float, seconds: float, sent: float, loss: float | None) -> None:
        """Update the estimate for a subscriber whose feedback names no packets, by its reports on the picture: `sent`
        bit/s were sent and a part `loss` did not arrive; None where no report has come since: one counts only once. An
        estimate of its own far below what was sent means a queue."""
        estimate, self.estimated = self.estimated, None
        queue = 2 * QUEUE if estimate is not None and estimate < FAR * sent else 0.0
        loss = self.capacity.loss if loss is None else loss
        self.capacity.update(now, seconds, min(sent * (1 - loss), estimate or sent), loss, queue)


def send_time(identifier: int) -> Stamp:
    """Return the stamp with the time of sending (abs-send-time: seconds as 6.18 bits, modulo 64); remembers nothing."""
    return Stamp((identifier << 4 | 2) << 24, lambda: int(monotonic() * 262144), deque[Departure](maxlen=0).append)
