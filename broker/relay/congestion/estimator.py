"""How much a way through the network carries, seen from one of its ends: it is too full when a queue stands in it, or
when much is lost. Pure; used for what publishers send us and for what we send to watchers.

A standing queue, as CoDel (RFC 8289 3) means it, is the least delay of the last half second: jitter moves single
packets, only a queue keeps all of them waiting. What it is compared with is the least delay of the last half minute."""

from collections import deque
from math import inf

STEP = 0.5  # seconds between two looks
MEMORY = 60  # looks: two clocks 200 ppm apart drift by 6 ms in that time
QUEUE = 0.1  # seconds that all packets wait: more than jitter of 30 ms or a busy encoder, less than talk suffers from
LOSS = 0.12  # smoothed part of packets lost: a line can be bad at half of that without being full
BACK, GROW = 0.85, 0.12  # of what arrived when it is too full; growth a second when it is not
LATELY = 10.0  # seconds for which a full line is remembered as one
FLOOR = 50_000.0  # bit/s: a line on which sound gets through
HOLD = 1.0  # seconds after a step back in which the line may get better


class Delays:
    """The delays of one stream of packets, up to an unknown constant (two clocks that know nothing of each other)."""

    __slots__ = ("_least", "_recent")

    def __init__(self) -> None:
        self._recent = inf
        self._least: deque[float] = deque(maxlen=MEMORY)

    def add(self, delay: float) -> None:
        """One packet took `delay` seconds."""
        if delay < self._recent:
            self._recent = delay

    def standing(self) -> float:
        """Seconds that every packet since the last look had to wait; 0 when none came."""
        recent, self._recent = self._recent, inf
        if recent == inf:
            return 0.0
        self._least.append(recent)
        return recent - min(self._least)


class Capacity:
    """The rate (bit/s) that a way carries, as far as it has shown: at most `top`, which nobody needs to exceed."""

    __slots__ = ("_hold", "_queue", "_queued_at", "_top", "loss", "rate")

    def __init__(self, top: float) -> None:
        self._top = top
        self.rate = float(top)
        self.loss = self._queue = 0.0
        self._hold = self._queued_at = -inf

    @property
    def limited(self) -> bool:
        """Whether it carries less than could be sent."""
        return self.rate < self._top

    def full(self, now: float) -> bool:
        """Whether a queue stood in it lately: what it loses it loses because it is full."""
        return now - self._queued_at < LATELY

    def learn(self, now: float, seconds: float, delivered: float, loss: float, queue: float) -> None:
        """`delivered` bit/s arrived in the last `seconds`, a part `loss` did not, and a queue of `queue` s stands."""
        self.loss += 0.3 * (loss - self.loss)
        queue, self._queue = min(queue, self._queue), queue  # once may be a busy machine at either end
        if queue > QUEUE:
            self._queued_at = now
        if queue > QUEUE or self.loss > LOSS:
            if now >= self._hold:
                self.rate = min(self.rate, max(BACK * delivered, FLOOR))
                self._hold = now + HOLD
        elif now >= self._hold:
            self.rate = min(self._top, self.rate * (1 + GROW * seconds))
