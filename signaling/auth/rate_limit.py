"""How often somebody may do something. Buckets live in memory and their number is bounded: a flood of new names
pushes out the oldest full buckets, never memory."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from broker.kernel.errors import TooMany


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limit:
    """`burst` at once, then `per_minute`; for at most `names` names at the same time."""

    def __init__(self, burst: int, per_minute: float, names: int = 10_000) -> None:
        self._burst = burst
        self._rate = per_minute / 60
        self._names = names
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, now: float) -> None:
        """Use one. `now` is monotonic seconds. Raises TooMany with `retry_after` (whole seconds)."""
        bucket = self._refilled(name, now)
        if bucket.tokens < 1:
            wait = ceil((1 - bucket.tokens) / self._rate)
            raise TooMany(f"Try again in {wait} s.", f"请在 {wait} 秒后再试。", retry_after=wait)
        bucket.tokens -= 1

    def give_back(self, name: str) -> None:
        """Return one: what was paid in advance turned out to be in order."""
        bucket = self._buckets.get(name)
        if bucket is not None:
            bucket.tokens = min(self._burst, bucket.tokens + 1)

    def _refilled(self, name: str, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        self._buckets.move_to_end(name)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if len(self._buckets) > self._names:
            self._buckets.popitem(last=False)
        return bucket
