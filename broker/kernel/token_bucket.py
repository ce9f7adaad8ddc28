"""Token bucket: how often something may be done, as a steady rate and a burst. Pure; the caller passes the time."""


class TokenBucket:
    """A bucket that holds at most `at_once` tokens, gains `per_second` tokens a second, and is full at the beginning.

    Every moment is in monotonic seconds. A moment before the last one adds nothing.
    """

    __slots__ = ("_at", "_at_once", "_left", "_per_second")

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second, self._at_once = per_second, at_once
        self._left, self._at = float(at_once), 0.0

    def take(self, now: float, count: float = 1.0, kept: float = 0.0) -> bool:
        """Return whether there were `count` tokens at `now` beside those to be `kept`; if so, they are used up."""
        if now > self._at:
            left = self._left + (now - self._at) * self._per_second
            self._left = left if left < self._at_once else self._at_once
        self._at = now
        if self._left < count + kept:
            return False
        self._left -= count
        return True

    def wait(self, count: float = 1.0) -> float:
        """Return the seconds from the last `take` until there are `count` tokens; 0 where there are."""
        return max(0.0, count - self._left) / self._per_second

    def give_back(self) -> None:
        """Return one token, because what it was taken for did not count after all."""
        self._left = min(self._at_once, self._left + 1.0)
