"""The gate of one session as the relay holds it: a lease that runs out by itself, and a moment that moves later only by
an explicit order that was made before it. Pure; all times are monotonic seconds, so a stepped wall clock moves none."""

from dataclasses import dataclass
from math import inf

MAX_LEASE = 3.0
"""The longest the gate stays open unasked, whatever a lease says (fail closed)."""
MOST = 3600.0
"""Seconds that no order takes the limit beyond: the law's thirty minutes and as much again (config/law.py)."""


@dataclass(slots=True)
class Gate:
    """Open while `now < shuts_at`. `stop` is the hard end: no lease moves it later, only `extend` does."""

    until: float = -inf
    stop: float = inf
    limit: float = 0.0
    crossed: float | None = None
    passed_prison: bool = False
    passed_visitor: bool = False

    @property
    def shuts_at(self) -> float:
        """When the gate shuts if nothing more is heard."""
        return min(self.until, self.stop)

    def is_open(self, now: float) -> bool:
        """Whether media may cross at `now`."""
        return now < self.shuts_at

    def lease(self, now: float, until: float, deadline: float, limit: float, crossed: float | None = None) -> None:
        """Open, or keep open. `limit` (seconds) runs from the first crossing and is fixed by the first lease.

        `crossed`: the first crossing, if there was one before this gate; the limit of a gate that takes over from
        another worker's runs on from there.
        """
        self.until = min(until, now + MAX_LEASE)
        self.stop = min(self.stop, deadline)
        self.limit = self.limit or limit
        if crossed is not None and (self.crossed is None or crossed < self.crossed):
            self.crossed = crossed
            self.stop = min(self.stop, crossed + self.limit)

    def extend(self, now: float, made: float, limit: float, deadline: float) -> bool:
        """An approval raises the limit to `limit` seconds and puts the end off, to `deadline` at the latest.

        Whether it did: not one that was `made` after the end, or later than now, nor one that is known already.
        """
        if not (made <= now and made < self.stop and self.limit < limit <= MOST):
            return False
        self.limit = limit
        self.stop = deadline if self.crossed is None else min(deadline, self.crossed + limit)
        return True

    def shut(self) -> None:
        """Nothing crosses until the next lease."""
        self.until = -inf

    def forwarded(self, from_prison: bool, now: float) -> bool:
        """Media of one side went over to the other. True when with it both directions have: the minutes begin."""
        self.passed_prison |= from_prison
        self.passed_visitor |= not from_prison
        if self.crossed is not None or not (self.passed_prison and self.passed_visitor):
            return False
        self.crossed = now
        self.stop = min(self.stop, now + self.limit)
        return True
