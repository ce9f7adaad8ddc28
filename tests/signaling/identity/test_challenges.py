"""Challenges: each is known again by whom it was given to, for a minute, and nothing else is one."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from signaling.identity.challenges import AHEAD, LIFE, Challenges, nonce_hash

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
OURS = Challenges(b"k" * 32)
MOMENTS = st.timedeltas(timedelta(hours=-1), timedelta(hours=1))


class TestNonces:
    @given(MOMENTS)
    def test_are_good_for_their_life_and_not_before_and_after(self, later):
        given_at = OURS.given_at(OURS.new("trm_a", NOW), "trm_a", NOW + later)
        assert given_at == (NOW if -AHEAD <= later <= LIFE else None)

    def test_belong_to_one_terminal_and_one_installation(self):
        nonce = OURS.new("trm_a", NOW)
        assert OURS.given_at(nonce, "trm_b", NOW) is None
        assert Challenges(b"x" * 32).given_at(nonce, "trm_a", NOW) is None

    def test_are_different_each_time_and_hold_no_memory(self):
        assert len({OURS.new("trm_a", NOW) for _ in range(100)}) == 100
        assert vars(OURS) == {"_key": b"k" * 32}

    @given(st.text(max_size=128))
    def test_no_other_text_is_one(self, text):
        assert OURS.given_at(text, "trm_a", NOW) is None

    @given(st.integers(0, 74), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    def test_a_changed_one_is_none_or_has_the_same_hash(self, place, sign):
        nonce = OURS.new("trm_a", NOW)
        changed = nonce[:place] + sign + nonce[place + 1 :]
        if OURS.given_at(changed, "trm_a", NOW) is not None:  # the last character has spare bits
            assert nonce_hash(changed) == nonce_hash(nonce)
        else:
            assert changed != nonce
