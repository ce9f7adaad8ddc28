"""Budgets of films that are being sent: how many at once, and how many bytes a second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import TooMany
from signaling.budgets.plays import AHEAD, ALL, ALL_BYTES, PER_PERSON, PERSON_BYTES, Pace, PlayBudget

CHUNK = 256 * 1024


def sent(budget, people, seconds):
    """Bytes that each of these people gets in so many seconds, all reading as fast as they can."""
    now, free_at, bytes_of = 0.0, dict.fromkeys(people, 0.0), dict.fromkeys(people, 0)
    while now < seconds:
        for person in people:
            if free_at[person] <= now:
                free_at[person] = now + budget.wait(person, CHUNK, now)
                bytes_of[person] += CHUNK
        now = max(now + 0.001, min(free_at.values()))
    return bytes_of


class TestAtOnce:
    def test_one_person_plays_so_many_and_the_next_gets_theirs(self):
        budget = PlayBudget()
        for _ in range(PER_PERSON):
            budget.begin("user:li")
        with pytest.raises(TooMany) as error:
            budget.begin("user:li")
        assert error.value.extra["retry_after"] and str(PER_PERSON) in error.value.detail_zh
        budget.begin("user:he")
        budget.end("user:li")
        budget.begin("user:li")

    def test_in_all_so_many_are_played(self):
        budget = PlayBudget()
        for number in range(ALL):
            budget.begin(f"user:u{number}")
        with pytest.raises(TooMany):
            budget.begin("user:li")

    def test_what_has_ended_leaves_nothing(self):
        budget = PlayBudget()
        budget.begin("user:li")
        budget.end("user:li")
        assert budget.playing == 0 and not budget._paces and not budget._playing


class TestBytes:
    def test_one_person_gets_the_rate_of_a_person_whatever_is_open(self):
        budget = PlayBudget()
        budget.begin("user:li")
        got = sent(budget, ["user:li"], 10)["user:li"]
        assert PERSON_BYTES * 9 < got <= PERSON_BYTES * (10 + AHEAD) + CHUNK

    def test_all_together_get_the_rate_of_all(self):
        budget, people = PlayBudget(), [f"user:u{number}" for number in range(12)]
        for person in people:
            budget.begin(person)
        got = sent(budget, people, 10)
        assert ALL_BYTES * 9 < sum(got.values()) <= ALL_BYTES * (10 + AHEAD) + 12 * CHUNK
        assert min(got.values()) > 0.8 * max(got.values())

    @given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 10_000)), max_size=50))
    def test_a_pace_is_never_exceeded(self, writes):
        pace, now, total = Pace(1000), 0.0, 0
        for pause, count in writes:
            now += pause
            now += pace.wait(count, now)
            total += count
            assert total <= 1000 * (now + AHEAD) + 1e-6
