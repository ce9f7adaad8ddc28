"""When a worker looks through all its objects for those that only refer to each other (`gc`), pure. That takes a
millisecond for every two thousand objects, in which no packet moves, and Python does it on its own when many objects
were made, which is when visits begin. So a worker does it itself: while no gate is open.

What ended sessions leave behind is a few megabytes each. A worker without a pause collects it all the same, once it is
MOST of them."""

MOST = 100  # ended sessions: some three hundred megabytes
NEVER = 1 << 30  # collections of younger objects before Python collects all by itself: more than a process lives for


class FullCollections:
    """Remembers how many sessions had ended by the last one."""

    def __init__(self) -> None:
        self._before = 0

    def due(self, ended: int, open_gates: int) -> bool:
        """Whether all objects are to be looked through now, where so many sessions have `ended` since the worker began,
        and so many others have open gates. They count as looked through when True."""
        left = ended - self._before
        if not left or (open_gates and left < MOST):
            return False
        self._before = ended
        return True
