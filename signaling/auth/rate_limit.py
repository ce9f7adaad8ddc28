"""Rate limits by name (an address, an account): one token bucket for each name. The number of buckets is bounded, so
that a flood of new names pushes out the names used longest ago and takes no more memory."""

import secrets
from collections import OrderedDict
from hashlib import blake2b
from math import ceil

from broker.kernel.errors import TooMany
from broker.kernel.token_bucket import TokenBucket

SHARES = 65_536


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
            raise too_many(bucket.wait())

    def may(self, name: str, now: float) -> bool:
        """Use one token of `name` where there is one; return whether there was."""
        return self._bucket(name).take(now)

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


class SharedLimit(Limit):
    """A limit that no flood of names makes forget one of them: names share SHARES buckets, which names share one being
    the process's secret."""

    def __init__(self, burst: int, per_minute: float) -> None:
        super().__init__(burst, per_minute, SHARES)
        self._secret = secrets.token_bytes(16)

    def _bucket(self, name: str) -> TokenBucket:
        return super()._bucket(self._share(name))

    def give_back(self, name: str) -> None:
        """Return a token that was taken in advance and not needed."""
        super().give_back(self._share(name))

    def _share(self, name: str) -> str:
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4, key=self._secret).digest()
        return str(int.from_bytes(digest) % SHARES)


def too_many(wait: float) -> TooMany:
    """Return the refusal of who has to wait for so many seconds."""
    seconds = max(1, ceil(wait))
    return TooMany(f"Try again in {seconds} s.", f"请在 {seconds} 秒后再试。", retry_after=seconds)
