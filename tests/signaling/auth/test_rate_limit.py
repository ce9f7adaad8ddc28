"""Rate limits by name: burst, rate, and the bounded number of names."""

import pytest

from broker.kernel.errors import TooMany
from signaling.auth.rate_limit import Limit


class TestLimit:
    def test_a_burst_then_the_rate(self):
        limit = Limit(burst=2, per_minute=60)
        for _ in range(2):
            limit.take("a", 0)
        with pytest.raises(TooMany) as refused:
            limit.take("a", 0)
        assert refused.value.extra["retry_after"] == 1
        limit.take("a", 1)
        limit.take("b", 1)

    def test_a_returned_token_can_be_taken_again_but_never_adds_to_the_burst(self):
        limit = Limit(burst=1, per_minute=1)
        limit.take("a", 0)
        for _ in range(5):
            limit.give_back("a")
        limit.take("a", 0)
        with pytest.raises(TooMany):
            limit.take("a", 0)
        limit.give_back("never seen")

    def test_a_flood_of_names_takes_no_memory(self):
        limit = Limit(burst=1, per_minute=1, names=10)
        for number in range(1000):
            limit.take(str(number), 0)
        assert len(limit._buckets) == 10
