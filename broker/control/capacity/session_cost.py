"""The cost of a session on this machine, in cores of a relay worker: measured at the start, and learned from workers as
sessions flow. Pure.

A session is two rooms that send 720p and sound, each to the far room, four supervisors and the recorder. What is
measured at the start is forwarding alone, with a factor for everything else; what workers really use, with the lines
and the browsers of this installation, replaces it within minutes. A flood of strangers' packets costs a worker CPU that
is no session's, and quiet sessions cost less than the next one may: so what is learned stays near what was measured."""

from broker.control.load_balancing import FULL, MOST, Interval

UNMEASURED = FULL / 40  # cores, where nothing could be measured: what two machines took, rounded up
LOWEST, HIGHEST = FULL / MOST, FULL  # cores: a worker admits MOST sessions at most, and one on the slowest machine
CHEAPER, DEARER = 1 / 3, 3.0  # times what was measured: the bounds of what is learned
MEMORY = 60.0  # seconds after which what was believed before counts for a third, where ENOUGH sessions flow
ENOUGH = 8.0  # sessions: what fewer use is for a good part the idle worker's own, and counts less
FEWEST = 1.0  # sessions: nothing is learned from a worker with fewer


class SessionCost:
    """The cores that one session takes, at present."""

    __slots__ = ("cores", "measured")

    def __init__(self, measured: float = UNMEASURED) -> None:
        """Begin with what was measured on this machine, in cores."""
        self.measured = self.cores = min(max(measured, LOWEST), HIGHEST)

    def learn(self, used: Interval) -> None:
        """Move towards what one session has cost in this interval, the more the longer it was and the more flowed."""
        if used.flowing < FEWEST:
            return
        low, high = max(LOWEST, CHEAPER * self.measured), min(HIGHEST, DEARER * self.measured)
        found = min(max(used.cpu / used.flowing, low), high)
        if found < self.cores and used.cpu > FULL:
            return  # an overloaded worker leaves out frames: sessions do not cost less because of that
        weight = min(1.0, used.seconds / MEMORY) * min(1.0, used.flowing / ENOUGH)
        self.cores += (found - self.cores) * weight
