"""Two running programs with one key are found; a terminal that was started again, whose line was cut, or whose server
was started again, never counts as two."""

import hypothesis.strategies as st
from hypothesis import given

from signaling.identity.instances import ANSWER_SECONDS, Meeting, Verdict

SOON = st.floats(0, ANSWER_SECONDS)
LATE = st.floats(ANSWER_SECONDS, 1e6, exclude_min=True)
EVER = st.one_of(SOON, LATE)
SIGNS = st.lists(st.tuples(st.booleans(), EVER), max_size=12)


def held(signs, asked_at=0.0):
    """A meeting after signs of life: of the older program (True) or the newer one, so many seconds after the
    question."""
    meeting = Meeting(asked_at)
    for older, later in sorted(signs, key=lambda sign: sign[1]):
        meeting = meeting.answered(older, asked_at + later)
    return meeting


class TestTwoPrograms:
    @given(SOON, SOON, SIGNS, EVER)
    def test_that_both_answer_in_time_are_two_whatever_else_comes(self, older, newer, more, later):
        meeting = held([(True, older), (False, newer), *more])
        assert meeting.verdict(later) is Verdict.TWO

    @given(SIGNS, EVER)
    def test_are_never_two_unless_each_has_given_a_sign_of_life_in_time(self, signs, later):
        in_time = {older for older, at in signs if at <= ANSWER_SECONDS}
        assert (held(signs).verdict(later) is Verdict.TWO) == (in_time == {True, False})


class TestNoFalseAlarm:
    @given(st.lists(SOON, min_size=1), st.lists(LATE), LATE)
    def test_a_restarted_terminal_takes_the_place_of_the_socket_that_it_has_left(self, newer, older, later):
        signs = [(False, at) for at in newer] + [(True, at) for at in older]
        assert held(signs).verdict(later) is Verdict.NEWER

    @given(st.lists(SOON, min_size=1), LATE)
    def test_the_last_bytes_of_a_program_that_has_ended_take_no_place(self, older, later):
        assert held([(True, at) for at in older]).verdict(later) is Verdict.OLDER

    @given(st.lists(st.tuples(st.booleans(), LATE)), LATE)
    def test_a_line_that_is_cut_for_both_says_nothing(self, signs, later):
        assert held(signs).verdict(later) is Verdict.NONE

    @given(st.lists(st.tuples(st.just(True), EVER)), st.floats(0, ANSWER_SECONDS, exclude_max=True))
    def test_nothing_is_decided_about_the_newer_before_the_time_is_over(self, signs, now):
        assert held(signs).verdict(now) is Verdict.OPEN

    @given(SIGNS, st.floats(-1e6, 1e6))
    def test_the_moment_of_the_question_does_not_matter(self, signs, asked_at):
        rounded = [(older, round(at * 64) / 64) for older, at in signs]
        asked_at = round(asked_at * 64) / 64  # so that sums are exact
        later = ANSWER_SECONDS + 1
        assert held(rounded, asked_at).verdict(asked_at + later) is held(rounded).verdict(later)
