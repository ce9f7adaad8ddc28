"""Token bucket: how often something may be done, as a steady rate and a burst. Pure; the caller passes the time."""


class TokenBucket:
    """A bucket that holds at most `at_once` tokens, gains `per_second` tokens a second, and is full at the beginning.

    Every moment is in monotonic seconds. A moment before the last one adds nothing.
    """

    __slots__ = ("_at", "_at_once", "_left", "_per_second")

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second, self._at_once = per_second, at_once
        self._left, self._at = float(at_once), 0.0

    def take(self, now: float) -> bool:
        """Return whether there was a token at `now`; if so, it is used up."""
        self._left = min(self._at_once, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def wait(self) -> float:
        """Return the seconds from the last `take` until there is a token; 0 where there is one."""
        return max(0.0, 1.0 - self._left) / self._per_second

    def give_back(self) -> None:
        """Return one token, because what it was taken for did not count after all."""
        self._left = min(self._at_once, self._left + 1.0)
