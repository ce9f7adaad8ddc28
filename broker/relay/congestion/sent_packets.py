"""The way to one watcher: what was sent on it, stamped so that its reports can name each packet, and what they say.

Only what a report names as arrived proves that somebody receives; browsers report ten times a second and oftener."""

import random
from collections import deque
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Any, NamedTuple

from broker.kernel.clock import monotonic
from broker.relay.congestion.estimator import QUEUE, Capacity, Delays
from broker.relay.rtp.twcc import TICKS, Feedback

TICK = 1 / TICKS
WINDOW = 1024  # packets remembered at least: four seconds of one watcher
TOP = 4_000_000  # bit/s: nothing here is ever sent faster than half of it

FAR = 0.7  # estimates a little below what comes are the rule: receivers step back to 85 % of it
OVERTAKEN = 0.03  # seconds: a packet is lost when one that left so much later has come
Departure = tuple[float, int, Any, int]
"""When it left (monotonic s), how many bytes, of which stream (its SSRC), its number there. Numbers only: whatever else
were in it the garbage collector would look at, thousands of times a second."""


class Stamp(NamedTuple):
    """How packets are stamped: the extension word is `mark` and 24 bits of `number()`; each is told to `remember`. They
    are apart so that the hot loop, numbering packets, calls nothing written in Python; all others call the whole."""

    mark: int
    number: Callable[[], int]
    remember: Callable[[Departure], object]

    def __call__(self, departure: Departure) -> int:
        """The word of the next packet."""
        self.remember(departure)
        return self.mark | self.number() & 0xFFFFFF


class SentPackets:
    """One watcher's. `first` is its first transport-wide sequence number."""

    def __init__(self, first: int | None = None) -> None:
        self._begin = random.getrandbits(15) if first is None else first
        self._sent: list[Departure] = []
        """What left, from number `_begin` on."""
        self._numbers = count(self._begin << 8, 1 << 8).__next__
        self.capacity = Capacity(TOP)
        self.delays = Delays()
        self.estimated: int | None = None
        """The last estimate of its own that the watcher told (REMB), bit/s."""
        self._acknowledged = self._begin
        self._open: set[int] = set()
        self._expected = self._arrived = self._bits = 0
        self._looked = 0.0

    @property
    def number(self) -> int:
        """The next transport-wide sequence number, not yet reduced to 16 bits."""
        return self._begin + len(self._sent)

    def transport_wide(self, identifier: int) -> Stamp:
        """Numbers each packet, and remembers the packet by that number."""
        return Stamp((identifier << 4 | 1) << 24, self._numbers, self._sent.append)

    def learn(self, feedback: Feedback) -> tuple[set[Any], list[Departure]]:
        """Note a report. Returns the streams of which packets have newly arrived, and what is lost for sure."""
        first = self.number - ((self.number - feedback.base) & 0xFFFF)
        last = first + feedback.span
        if not self._sent or last > self.number or last + WINDOW <= self.number:
            return set(), []  # tells of what was never sent, or of what nobody remembers
        new = range(max(self._acknowledged, first), last)
        self._expected += len(new)
        self._acknowledged = max(self._acknowledged, last)
        arrived = feedback.arrived
        if self._open or not len(new) == feedback.span == len(arrived):
            self._open.update(new)
            arrived = self._fresh(first, arrived)
        seen, latest = self._arrivals(first, arrived)
        return seen, self._overtaken(latest) if self._open else []

    def _fresh(self, first: int, arrived: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """What had not arrived before."""
        fresh = [one for one in arrived if first + one[0] in self._open]
        self._open.difference_update(first + offset for offset, _ in fresh)
        return fresh

    def _arrivals(self, first: int, arrived: list[tuple[int, int]]) -> tuple[set[Any], float]:
        """Note what came: the streams that it is of, and when the last of it left. Runs some ten times a second and
        watcher over every packet sent."""
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
        """What left before `latest`, but long enough before it to have come if it came."""
        lost = []
        for number in sorted(self._open):
            if number + WINDOW <= self.number:
                self._open.discard(number)
            elif (departure := self._sent[number - self._begin])[0] < latest - OVERTAKEN:
                self._open.discard(number)
                lost.append(departure)
        return lost

    def look(self, now: float) -> None:
        """Every STEP: what all that says of the line's capacity."""
        self._forget()
        seconds = now - self._looked
        queue, expected = self.delays.standing(), self._expected
        if self._looked:
            lost = max(0, expected - self._arrived) / expected if expected else 0.0
            self.capacity.learn(now, seconds, self._bits / seconds, lost, queue)
        self._looked = now
        self._expected = self._arrived = self._bits = 0

    def _forget(self) -> None:
        old = len(self._sent) - WINDOW
        if old > WINDOW // 4:
            del self._sent[:old]
            self._begin += old

    def believe(self, now: float, seconds: float, sent: float, loss: float) -> None:
        """The same of a watcher that cannot name packets, by what it reports of its picture: `sent` bit/s went to it
        and it says that a part `loss` did not come. An estimate far below what it gets means a queue."""
        estimate, self.estimated = self.estimated, None
        queue = 2 * QUEUE if estimate is not None and estimate < FAR * sent else 0.0
        self.capacity.learn(now, seconds, min(sent * (1 - loss), estimate or sent), loss, queue)


def send_time(identifier: int) -> Stamp:
    """Tells the time of sending (abs-send-time: seconds as 6.18 bits, modulo 64), and remembers nothing."""
    return Stamp((identifier << 4 | 2) << 24, lambda: int(monotonic() * 262144), deque[Departure](maxlen=0).append)
