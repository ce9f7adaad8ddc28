"""Orders that say nothing new: what they repeat, for how long, and that no order that changes anything is one."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.errors import VisitError
from broker.session import events as ev
from broker.session.parts.talkback import Talkback
from broker.session.repeats import AGAIN, says_nothing_new
from broker.session.state import Session, State
from broker.session.transitions import step
from config.check_in import Manner, Tick
from tests.support.session_story import (
    CHILD,
    INMATE,
    KIN,
    OFFICER,
    PREPARED,
    PRISON,
    SITES,
    SLOT,
    VISITOR,
    YUNNAN,
    acknowledging,
    at,
)

SECOND_OFFICER = "p-2"


def after(session, *facts, now=None):
    for fact in facts:
        session, _ = step(session, fact, now or at(-10), YUNNAN)
    return session


def repeats(session, fact, now):
    return says_nothing_new(session, fact, now, YUNNAN)


@pytest.fixture
def checking_in():
    return after(Session(SLOT), ev.TimePassed(), ev.RelayReady(), ev.RecorderReady())


@pytest.fixture
def live():
    before = after(Session(SLOT), ev.TimePassed(), *PREPARED, now=at(-5))
    session = after(before, ev.TimePassed(), ev.RecorderFlushed(), now=at(0))
    assert session.state is State.LIVE
    return session


TEST = ev.SelfTested(PRISON, True, "trm_1", {"camera": "passed"})


class TestSelfTests:
    """Yunnan 12: the equipment is tested before a visit."""

    @pytest.mark.parametrize("passed", [True, False])
    def test_the_same_result_within_a_short_time_is_the_same_test(self, checking_in, passed):
        test = replace(TEST, passed=passed)
        session = after(checking_in, test, now=at(-10))
        assert repeats(session, test, at(-10, 9.9))
        assert not repeats(session, test, at(-10, AGAIN.total_seconds()))

    @pytest.mark.parametrize(
        "other",
        [
            replace(TEST, passed=False),
            replace(TEST, parts={"camera": "failed"}),
            replace(TEST, by="trm_2"),
            replace(TEST, by=OFFICER, parts={}),
            replace(TEST, side=VISITOR),
        ],
    )
    def test_another_result_or_another_author_is_a_new_one(self, checking_in, other):
        assert not repeats(after(checking_in, TEST), other, at(-10, 1))

    def test_a_passed_test_counts_from_the_last_one_that_was_noted_so_that_it_stays_fresh(self, checking_in):
        session, noted = checking_in, 0
        for second in range(0, 300):
            if not repeats(session, TEST, at(-10, second)):
                session, noted = after(session, TEST, now=at(-10, second)), noted + 1
            assert at(-10, second).mono - session.check_in.tested[PRISON] < AGAIN.total_seconds()
        assert noted == 30

    def test_the_same_test_of_a_terminal_is_one_however_long_it_is_repeated(self, checking_in):
        test = replace(TEST, passed=False, test="tst_1")
        session = after(checking_in, test, now=at(-10))
        assert repeats(session, test, at(-2))
        assert not repeats(session, replace(test, test="tst_2"), at(-2))
        assert not repeats(session, replace(test, by="trm_2"), at(-2))

    def test_where_it_is_refused_it_is_not_taken_for_one(self, checking_in):
        session = after(checking_in, TEST)
        over = replace(session, state=State.ENDED)
        assert not repeats(over, TEST, at(-10, 1))


class TestCheckIn:
    def test_a_tick_that_is_there_and_one_that_is_not(self, checking_in):
        tick = ev.Ticked(PRISON, INMATE, Tick.IDENTITY, True, OFFICER)
        untick = replace(tick, on=False)
        assert repeats(checking_in, untick, at(-10)) and not repeats(checking_in, tick, at(-10))
        ticked = after(checking_in, tick)
        assert repeats(ticked, replace(tick, by=SECOND_OFFICER), at(-10))
        assert not repeats(ticked, untick, at(-10))

    def test_a_tick_of_a_person_who_was_noted_absent_is_new(self, checking_in):
        absent = ev.PersonAbsent(VISITOR, KIN, OFFICER)
        session = after(checking_in, absent)
        assert repeats(session, absent, at(-10))
        assert not repeats(session, ev.Ticked(VISITOR, KIN, Tick.IDENTITY, True, OFFICER), at(-10))
        assert not repeats(session, ev.PersonCheckedIn(VISITOR, KIN, OFFICER, ()), at(-10))

    def test_a_seat_and_a_check_in_at_once(self, checking_in):
        for order in (ev.SeatReady(PRISON, True, OFFICER), ev.PersonCheckedIn(PRISON, INMATE, OFFICER, tuple(Tick))):
            assert not repeats(checking_in, order, at(-10))
            assert repeats(after(checking_in, order), order, at(-10))

    def test_the_rules_are_acknowledged_once(self, checking_in):
        order = acknowledging(PRISON)
        assert not repeats(checking_in, order, at(-10))
        session = after(checking_in, order)
        assert repeats(session, replace(order, by="trm_2", language="en", manner=Manner.KEY), at(-10))
        assert not repeats(session, acknowledging(VISITOR), at(-10))
        assert not repeats(session, replace(order, text="former"), at(-10)), "the refusal has to be told"

    def test_a_person_who_is_not_listed_is_refused_all_the_same(self, checking_in):
        for order in (
            ev.Ticked(PRISON, "stranger", Tick.IDENTITY, False, OFFICER),
            ev.PersonAbsent(PRISON, KIN, OFFICER),
            ev.PersonCheckedIn(VISITOR, INMATE, OFFICER, ()),
        ):
            assert not repeats(checking_in, order, at(-10))


class TestTalkback:
    def test_the_same_talkback_and_silence_twice(self, live):
        begin = ev.SpeechBegan(OFFICER, SITES[PRISON], frozenset({VISITOR}), "SAY-GUIDE")
        assert repeats(live, ev.SpeechEnded(OFFICER), at(1))
        speaking = replace(live, talkback=Talkback(begin.by, begin.site, begin.sides, begin.article))
        assert repeats(speaking, begin, at(1))
        assert not repeats(speaking, replace(begin, sides=frozenset({PRISON})), at(1))
        assert not repeats(speaking, ev.SpeechEnded(OFFICER), at(1))


ORDERS = [
    *(replace(TEST, side=side, passed=passed) for side, passed in product((PRISON, VISITOR), (True, False))),
    *(ev.Ticked(VISITOR, KIN, tick, on, OFFICER) for tick, on in product(list(Tick)[:3], (True, False))),
    *(ev.PersonAbsent(VISITOR, person, OFFICER) for person in (KIN, CHILD)),
    *(ev.PersonCheckedIn(VISITOR, KIN, OFFICER, ticks) for ticks in ((), tuple(Tick)[:2], tuple(Tick))),
    *(ev.SeatReady(side, on, OFFICER) for side, on in product((PRISON, VISITOR), (True, False))),
    *(acknowledging(side) for side in (PRISON, VISITOR)),
]


class TestNothingIsLost:
    @given(st.lists(st.tuples(st.sampled_from(ORDERS), st.floats(0, 8)), max_size=30))
    def test_whatever_is_left_out_would_have_left_the_session_as_it_is(self, orders):
        session, second = after(Session(SLOT), ev.TimePassed(), now=at(-29)), 0.0
        for order, pause in orders:
            second += pause
            now = at(-29, second)
            try:
                then, _ = step(session, order, now, YUNNAN)
            except VisitError:
                assert not repeats(session, order, now)
                continue
            if repeats(session, order, now):
                times = {"equipment": session.check_in.equipment, "tested": session.check_in.tested}
                assert replace(then, check_in=replace(then.check_in, **times)) == session
                assert then.check_in.equipment.keys() == session.check_in.equipment.keys()
            else:
                session = then
