"""How often something may be done: so many times a second, and so many at once (a token bucket). Pure."""


class TokenBucket:
    """`per_second` and `at_once`; full at the beginning."""

    __slots__ = ("_at", "_at_once", "_left", "_per_second")

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second, self._at_once = per_second, at_once
        self._left, self._at = float(at_once), 0.0

    def take(self, now: float) -> bool:
        """Whether it may be done once more at `now` (monotonic seconds); counts as done when True."""
        self._left = min(self._at_once, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
