"""The gate of one session as the relay holds it: a lease that runs out by itself, and a hard end that moves later only
by an approval that was made before it. Pure; all times are monotonic seconds, which a step of the wall clock cannot
move.
"""

from dataclasses import dataclass
from math import inf

MAX_LEASE = 3.0
"""Seconds that the gate stays open without another lease, at most, whatever a lease says (fail closed)."""
MOST = 3600.0
"""Seconds beyond which no approval raises the limit: the law's thirty minutes and as much again (config/law.py)."""


@dataclass(slots=True)
class Gate:
    """A gate that is open while `now < shuts_at`. `stop` is the hard end: only `extend` moves it later."""

    until: float = -inf
    stop: float = inf
    limit: float = 0.0
    crossed: float | None = None

    @property
    def shuts_at(self) -> float:
        """When the gate shuts unless another lease comes."""
        return min(self.until, self.stop)

    def is_open(self, now: float) -> bool:
        """Whether media may cross at `now`."""
        return now < self.shuts_at

    def lease(self, now: float, until: float, deadline: float, limit: float, crossed: float | None = None) -> None:
        """Open the gate, or keep it open. `limit` (seconds) runs from the first crossing; the first lease fixes it.

        `crossed` is the first crossing, if it was before this gate: when a worker takes over a session, the limit still
        runs from there.
        """
        self.until = min(until, now + MAX_LEASE)
        self.stop = min(self.stop, deadline)
        self.limit = self.limit or limit
        if crossed is not None and (self.crossed is None or crossed < self.crossed):
            self.crossed = crossed
            self.stop = min(self.stop, crossed + self.limit)

    def extend(self, now: float, made: float, limit: float, deadline: float) -> bool:
        """Raise the limit to `limit` seconds, as an approval says, and put the end off, to `deadline` at the latest.

        Return whether this was done: not when it was `made` after the end or later than now, nor a second time.
        """
        if not (made <= now and made < self.stop and self.limit < limit <= MOST):
            return False
        self.limit = limit
        self.stop = deadline if self.crossed is None else min(deadline, self.crossed + limit)
        return True

    def shut(self) -> None:
        """Let nothing cross until the next lease."""
        self.until = -inf

    def forwarded(self, now: float) -> bool:
        """Note that a packet crosses, in whichever direction. Return True when it is the first: the minutes begin."""
        if self.crossed is not None:
            return False
        self.crossed = now
        self.stop = min(self.stop, now + self.limit)
        return True
