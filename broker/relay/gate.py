"""The gate of one session as the relay holds it: a lease that runs out by itself and a moment that never moves later.
Pure; all times are monotonic seconds, so a stepped wall clock cannot move them."""

from dataclasses import dataclass
from math import inf

MAX_LEASE = 3.0
"""The longest the gate stays open unasked, whatever a lease says (fail closed)."""


@dataclass(slots=True)
class Gate:
    """Open while `now < shuts_at`. `stop` is the hard end: it only ever moves earlier."""

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

    def lease(self, now: float, until: float, deadline: float, limit: float) -> None:
        """Open, or keep open. `limit` (seconds) runs from the first crossing and is fixed by the first lease."""
        self.until = min(until, now + MAX_LEASE)
        self.stop = min(self.stop, deadline)
        self.limit = self.limit or limit

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
