"""Rate limits by name (an address, an account): one token bucket for each name. The number of buckets is bounded, so
that a flood of new names pushes out the names used longest ago and takes no more memory."""

from collections import OrderedDict
from math import ceil

from broker.kernel.errors import TooMany
from broker.kernel.token_bucket import TokenBucket


class Limit:
    """`burst` at once, then `per_minute`, for each name; at most `names` names are remembered at the same time."""

    def __init__(self, burst: int, per_minute: float, names: int = 10_000) -> None:
        self._burst = burst
        self._rate = per_minute / 60
        self._names = names
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, name: str, now: float) -> None:
        """Use one token of `name`. `now` is monotonic seconds. Raises TooMany with `retry_after` (whole seconds)."""
        bucket = self._bucket(name)
        if not bucket.take(now):
            wait = ceil(bucket.wait())
            raise TooMany(f"Try again in {wait} s.", f"请在 {wait} 秒后再试。", retry_after=wait)

    def give_back(self, name: str) -> None:
        """Return a token that was taken in advance and not needed."""
        bucket = self._buckets.get(name)
        if bucket is not None:
            bucket.give_back()

    def _bucket(self, name: str) -> TokenBucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = TokenBucket(self._rate, self._burst)
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._names:
            self._buckets.popitem(last=False)
        return bucket
