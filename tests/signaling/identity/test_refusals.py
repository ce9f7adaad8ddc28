"""What is refused is written down at once, and no stranger fills the journal with it."""

import hypothesis.strategies as st
from hypothesis import given

from signaling.identity.refusals import MINUTE, PAIRS, Reason, Refusals

STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Reason), st.floats(0, 40)), max_size=200)


class TestEntries:
    def test_the_first_is_due_at_once_and_the_rest_once_a_minute_with_their_number(self):
        refusals = Refusals()
        assert refusals.count("a", Reason.FORGED, 0.0) == 1
        assert [refusals.count("a", Reason.FORGED, 1.0) for _ in range(9)] == [0] * 9
        assert refusals.count("a", Reason.FORGED, MINUTE) == 10
        assert refusals.total[Reason.FORGED] == 11

    def test_of_a_terminal_that_is_none_are_never_due_but_counted(self):
        refusals = Refusals()
        assert [refusals.count("", Reason.FORGED, at) for at in (0.0, 100.0)] == [0, 0]
        assert refusals.total[Reason.FORGED] == 2

    @given(STEPS)
    def test_are_at_most_one_a_minute_terminal_and_reason_and_lose_no_refusal(self, steps):
        refusals, now, written, written_of, seen = Refusals(), 0.0, {}, {}, {}
        for terminal, reason, wait in steps:
            now += wait
            pair = (terminal, reason)
            seen[pair] = seen.get(pair, 0) + 1
            number = refusals.count(terminal, reason, now)
            if number:
                assert now - written.get(pair, now - MINUTE) >= MINUTE
                written[pair], written_of[pair] = now, written_of.get(pair, 0) + number
                assert written_of[pair] == seen[pair]
        assert sum(seen.values()) == sum(refusals.total.values())

    def test_memory_is_bounded(self):
        refusals = Refusals()
        for number in range(PAIRS * 2):
            refusals.count(str(number), Reason.FORGED, 0.0)
        assert len(refusals._written) == PAIRS and len(refusals._waiting) <= PAIRS
