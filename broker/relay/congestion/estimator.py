"""Estimates how much a network path carries, from one of its ends: it is full when a queue stands in it, or when much
is lost. Pure; used for what publishers send to the relay and for what the relay sends to subscribers.

A standing queue, as CoDel (RFC 8289 3) means it, is the least delay of the last half second: jitter delays single
packets, only a queue delays all of them. It is compared with the least delay of the last half minute."""

from collections import deque
from math import inf

STEP = 0.5  # seconds between two estimates
MEMORY = 60  # steps: two clocks 200 ppm apart drift by 6 ms in that time
QUEUE = 0.1  # seconds that all packets wait: more than jitter of 30 ms or a busy encoder, less than disturbs speech
LOSS = 0.12  # smoothed part of packets lost: a line can lose half of that without being full
BACK, GROW = 0.85, 0.12  # factor on the rate that arrived when it is full; growth a second when it is not
MOST_BACK = 0.6  # of a limited rate, of which little may have been used: what arrived proves little then
USED, SLOWLY = 0.5, 0.04  # part of the rate below which what arrives proves little; growth a second after a queue
NEAR = (0.95, 1.15)  # times what arrived when it was full last, between which the rate grows SLOWLY lest it be again
SOON = 0.3  # growth a second below UNPROVEN: a pause of either machine, too, leaves a rate too low for any picture
PROVEN, UNPROVEN = 1.2, 200_000.0  # times what has arrived lately, and bit/s, up to which it grows while hardly used
FADES = 0.01  # part by which what has arrived lately counts less with each step
LATELY = 10.0  # seconds for which a line counts as full after a queue
LOWEST = 50_000.0  # bit/s: enough for sound
HOLD = 1.0  # seconds after a reduction before the next change


class Delays:
    """Delays of one stream of packets, up to an unknown constant, as the clocks of both ends are independent."""

    __slots__ = ("_least", "_recent")

    def __init__(self) -> None:
        self._recent = inf
        self._least: deque[float] = deque(maxlen=MEMORY)

    def add(self, delay: float) -> None:
        """Note that one packet took `delay` seconds."""
        if delay < self._recent:
            self._recent = delay

    def standing(self) -> float:
        """Return the seconds that every packet since the last call had to wait; 0 when none came."""
        recent, self._recent = self._recent, inf
        if recent == inf:
            return 0.0
        self._least.append(recent)
        return recent - min(self._least)


class Capacity:
    """Rate (bit/s) that a path carries, as far as it has shown; at most `top`, as more is never sent."""

    __slots__ = ("_before", "_full_at", "_hold", "_most", "_queue", "_queued_at", "_top", "loss", "rate")

    def __init__(self, top: float) -> None:
        self._top = top
        self.rate = float(top)
        self.loss = self._queue = self._most = self._full_at = self._before = 0.0
        self._hold = self._queued_at = -inf

    @property
    def limited(self) -> bool:
        """Whether the path carries less than `top`."""
        return self.rate < self._top

    def full(self, now: float) -> bool:
        """Whether a queue stood in it lately: then it loses packets because it is full."""
        return now - self._queued_at < LATELY

    def update(self, now: float, seconds: float, delivered: float, loss: float, queue: float) -> None:
        """Update the estimate: `delivered` bit/s arrived in the last `seconds`, a part `loss` did not, and a queue of
        `queue` s stands."""
        self.loss += 0.3 * (loss - self.loss)
        carried, self._before = max(delivered, self._before), delivered  # feedback comes by fits and starts
        self._most = max(delivered, (1 - FADES) * self._most)
        queue, self._queue = min(queue, self._queue), queue  # a single one may be a busy machine at either end
        if queue > QUEUE:
            self._queued_at = now
        if queue > QUEUE or min(loss, self.loss) > LOSS:
            if now >= self._hold:
                least = MOST_BACK * self.rate if self.limited else 0.0
                self.rate = min(self.rate, max(BACK * carried, least, LOWEST))
                self._hold, self._full_at = now + HOLD, max(carried, self.rate)
        elif now >= self._hold:
            self._grow(seconds, delivered >= USED * self.rate, SLOWLY if self.full(now) else GROW)

    def _grow(self, seconds: float, used: bool, unused: float) -> None:
        """Raise the rate, which was `used` or not: then by `unused` a second, and only near what has arrived before."""
        if self.rate < UNPROVEN:
            self.rate = min(self._top, UNPROVEN, self.rate * (1 + SOON * seconds))
        elif used:
            near = NEAR[0] * self._full_at <= self.rate <= NEAR[1] * self._full_at
            self.rate = min(self._top, self.rate * (1 + (SLOWLY if near else GROW) * seconds))
        else:
            most = min(self._top, max(PROVEN * self._most, UNPROVEN))
            self.rate = max(self.rate, min(most, self.rate * (1 + unused * seconds)))
