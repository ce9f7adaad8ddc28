"""Decides how much an overloaded worker leaves out, pure. Repairs and feedback of supervisors are rationed first; then
their pictures flow in a part of the time only (`thinning`). Sound, the far rooms' pictures and the recorder's packets
are never left out.

A worker is overloaded when it has no rest and a queue stands before it: when even the packet that waited least has
waited long (RFC 8289 3). Bursts delay single packets, and another process that has the core for a moment leaves rest.

What is left out at once comes back in small steps, and a level that had to be taken again soon is kept longer."""

from enum import IntEnum

LATE, EARLY = 0.02, 0.01  # seconds that every packet waits: too long, and short again; a turn takes 0.004
VERY_LATE = 0.1  # seconds: sockets hold the packets of two seconds
NO_REST, REST = 0.9, 0.85  # parts of the time spent on packets: of an overloaded worker, and of one that has recovered
EFFECT = 0.3  # seconds after which a queue shows what a cut has changed
SOON_GONE = 1.0  # seconds in which a queue that is being worked off will be gone, if it goes on so
CUT, DEEP_CUT = 0.85, 0.5  # factors on the share of pictures, where the queue is LATE, and VERY_LATE
RAISE, RAISE_EVERY = 0.02, 0.5  # share of pictures that comes back at a time; seconds between two such steps
RAISE_RESTED = 0.1  # the same, of a worker that has rest
WHOLE = 0.95  # share from which on nothing but rest is missing to all pictures
PATIENCE, LONGEST_PATIENCE = 3.0, 60.0  # seconds of calm before a level is left; doubled where it is taken again SOON
SOON = 30.0  # seconds


class Level(IntEnum):
    """What a worker leaves out, each level with those before it."""

    NOTHING = 0
    RATIONED = 1
    """Most repairs of supervisors' pictures, and most of supervisors' feedback on single packets."""
    THINNED = 2
    """A part of supervisors' pictures."""


class Overload:
    """The `level` of a worker, and the `share` of supervisors' pictures that flows, 0 to 1."""

    def __init__(self) -> None:
        self.level, self.share = Level.NOTHING, 1.0
        self._patience = PATIENCE
        self._wait = 0.0
        """How long every packet waited when this was last looked at."""
        self._cut_at = self._raised_at = self._left_at = float("-inf")
        self._calm_since: float | None = None

    def update(self, now: float, busy: float, wait: float | None) -> None:
        """Take a measurement: the part of the time that was spent on packets, `busy`, and the seconds that every packet
        waited; None where too few came to tell. To be called every tenth of a second or so."""
        if busy > NO_REST and wait is not None and wait > LATE:
            self._press(now, wait)
        elif busy > REST and wait is not None and wait > EARLY:
            self._calm_since = None
        elif self.level:
            self._relax(now, busy)

    def _press(self, now: float, wait: float) -> None:
        """Leave out more, unless what was left out last has yet to show, or the queue is being worked off."""
        self._calm_since = None
        if now - self._cut_at < EFFECT:
            return
        worked_off = (self._wait - wait) * SOON_GONE >= wait * (now - self._cut_at)
        self._wait, self._cut_at = wait, now
        if worked_off:
            return
        if now - self._left_at < SOON:
            self._patience, self._left_at = min(2 * self._patience, LONGEST_PATIENCE), float("-inf")
        elif self.level is Level.NOTHING:
            self._patience = PATIENCE
        if self.level is Level.NOTHING and wait < VERY_LATE:
            self.level = Level.RATIONED
        else:
            self.level = Level.THINNED
            self.share *= DEEP_CUT if wait > VERY_LATE else CUT

    def _relax(self, now: float, busy: float) -> None:
        """Leave out less: a little more of the pictures, or after a longer calm a level less."""
        self._wait = 0.0
        self._calm_since = now if self._calm_since is None else self._calm_since
        if self.level is Level.THINNED and self.share < WHOLE:
            if now - max(self._calm_since, self._raised_at) >= RAISE_EVERY:
                self._raised_at = now
                self.share = min(WHOLE, self.share + (RAISE if busy > REST else RAISE_RESTED))
        elif busy < REST and now - max(self._calm_since, self._raised_at) >= self._patience:
            self.level, self.share = Level(self.level - 1), 1.0
            self._raised_at = self._left_at = now
