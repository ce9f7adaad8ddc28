"""The token bucket against two references: the limiters of the relay and of the sign-in that it replaced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.token_bucket import TokenBucket

STEPS = st.lists(st.integers(0, 40), max_size=60)  # eighths of a second between takes: exact in binary fractions


class TestBucket:
    def test_is_full_at_the_beginning_whatever_the_time(self):
        bucket = TokenBucket(10, 5)
        assert [bucket.take(1_000_000.0) for _ in range(6)] == [True] * 5 + [False]

    def test_refills_at_its_rate_and_never_above_its_burst(self):
        bucket = TokenBucket(10, 5)
        assert sum(bucket.take(0) for _ in range(100)) == 5
        assert sum(bucket.take(0.25) for _ in range(100)) == 2
        assert sum(bucket.take(100) for _ in range(100)) == 5

    def test_gains_nothing_from_a_moment_that_lies_before_the_last_one(self):
        bucket = TokenBucket(1, 1)
        assert bucket.take(10)
        assert not bucket.take(5)
        assert not bucket.take(5.5)

    def test_knows_how_long_the_next_token_takes(self):
        bucket = TokenBucket(0.5, 1)
        assert bucket.wait() == 0
        assert bucket.take(0)
        assert not bucket.take(0)
        assert bucket.wait() == 2
        assert not bucket.take(1)
        assert bucket.wait() == 1
        assert bucket.take(2)

    def test_takes_back_a_token_and_never_hoards(self):
        bucket = TokenBucket(1, 2)
        assert bucket.take(0)
        for _ in range(5):
            bucket.give_back()
        assert [bucket.take(0) for _ in range(3)] == [True, True, False]

    @pytest.mark.parametrize(("per_second", "at_once"), [(0.5, 5), (2, 1), (0.5, 60)])
    @given(steps=STEPS)
    def test_allows_what_the_former_limiter_of_the_sign_in_allowed(self, per_second, at_once, steps):
        bucket, tokens, at, now = TokenBucket(per_second, at_once), float(at_once), 0.0, 0.0
        for step in steps:
            now += step / 8
            tokens, at = min(at_once, tokens + (now - at) * per_second), now
            allowed = tokens >= 1
            assert bucket.take(now) == allowed
            if allowed:
                tokens -= 1
            else:
                assert bucket.wait() == (1 - tokens) / per_second
