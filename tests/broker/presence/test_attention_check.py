"""Attention checks (Yunnan 26(3), Guangdong 27): when officers are asked, how long they may take, what silence
means."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import SiteId, UserId
from broker.presence.attention_check import AttentionChecks, Rhythm, rhythm_of
from broker.presence.quorum import Watcher
from config.pack_loader import load_pack

LI, MA = Watcher(UserId("li"), SiteId("prison-1")), Watcher(UserId("ma"), SiteId("bureau-1"))
USUAL = Rhythm(300.0, 600.0, 30.0)
YUNNAN = load_pack("yunnan")


def attention(*draws: float) -> AttentionChecks:
    """Attention checks that draw these seconds, the last of them again and again."""
    left = list(draws)
    names = count(1)
    return AttentionChecks(lambda least, most: left.pop(0) if len(left) > 1 else left[0], lambda: f"att_{next(names)}")


class TestWhenAnOfficerIsAsked:
    def test_at_the_moment_that_was_drawn_and_not_before(self) -> None:
        asking = attention(400.0)
        for now in (0.0, 200.0, 399.9):
            assert asking.tick({LI: USUAL}, now) == ([], [])
        assert asking.tick({LI: USUAL}, 400.0) == ([LI], [])
        prompt = asking.prompt_of(LI)
        assert prompt is not None and (prompt.asked, prompt.due) == (400.0, 430.0)

    def test_once_however_often_the_checks_are_run(self) -> None:
        asking = attention(400.0)
        for now in range(0, 430):
            asking.tick({LI: USUAL}, float(now))
        prompt = asking.prompt_of(LI)
        assert prompt is not None and prompt.id == "att_1"

    def test_again_after_the_answer(self) -> None:
        asking = attention(300.0, 500.0)
        asking.tick({LI: USUAL}, 0.0)
        asking.tick({LI: USUAL}, 300.0)
        assert asking.answer(LI, "att_1", USUAL, 310.0) == 10.0
        assert asking.prompt_of(LI) is None
        for now in range(311, 810, 100):
            assert asking.tick({LI: USUAL}, float(now)) == ([], [])
        assert asking.tick({LI: USUAL}, 810.0) == ([LI], [])

    def test_not_while_they_watch_nothing(self) -> None:
        asking = attention(400.0)
        asking.tick({LI: USUAL}, 0.0)
        assert asking.tick({}, 500.0) == ([], [])

    def test_not_at_once_after_a_pause(self) -> None:
        asking = attention(400.0)
        asking.tick({LI: USUAL}, 0.0)
        assert asking.tick({LI: USUAL}, 5000.0) == ([], [])
        for now in range(5100, 5400, 100):
            asking.tick({LI: USUAL}, float(now))
        assert asking.tick({LI: USUAL}, 5400.0) == ([LI], [])

    def test_each_officer_at_times_of_their_own(self) -> None:
        asking = attention(310.0, 590.0)
        asking.tick({LI: USUAL, MA: USUAL}, 0.0)
        asked = [asking.tick({LI: USUAL, MA: USUAL}, float(now))[0] for now in range(0, 600, 10)]
        assert [one for one in asked if one] == [[LI], [MA]]


class TestSilence:
    def test_counts_as_missed_when_the_time_is_over_and_is_reported_once(self) -> None:
        asking = attention(300.0)
        asking.tick({LI: USUAL}, 0.0)
        asking.tick({LI: USUAL}, 300.0)
        assert asking.tick({LI: USUAL}, 329.9) == ([], []) and not asking.missed(LI)
        assert asking.tick({LI: USUAL}, 330.0) == ([], [LI]) and asking.missed(LI)
        assert asking.tick({LI: USUAL}, 331.0) == ([], [])

    def test_stays_missed_when_the_officer_leaves(self) -> None:
        asking = attention(300.0)
        asking.tick({LI: USUAL}, 0.0)
        asking.tick({LI: USUAL}, 300.0)
        assert asking.tick({}, 330.0) == ([], [LI])
        asking.tick({LI: USUAL}, 3000.0)
        assert asking.missed(LI)

    def test_is_ended_by_a_late_answer(self) -> None:
        asking = attention(300.0)
        asking.tick({LI: USUAL}, 0.0)
        asking.tick({LI: USUAL}, 300.0)
        asking.tick({LI: USUAL}, 400.0)
        assert asking.answer(LI, "att_1", USUAL, 450.0) == 150.0 and not asking.missed(LI)

    def test_wavers_from_half_of_the_time_on(self) -> None:
        asking = attention(300.0)
        asking.tick({LI: USUAL}, 0.0)
        asking.tick({LI: USUAL}, 300.0)
        prompt = asking.prompt_of(LI)
        assert prompt is not None
        assert [prompt.wavers(now) for now in (300.0, 314.9, 315.0, 329.0)] == [False, False, True, True]


class TestAnswers:
    def test_to_another_question_or_of_another_officer_change_nothing(self) -> None:
        asking = attention(300.0)
        asking.tick({LI: USUAL}, 0.0)
        asking.tick({LI: USUAL}, 300.0)
        assert asking.answer(LI, "att_9", USUAL, 301.0) is None
        assert asking.answer(MA, "att_1", USUAL, 301.0) is None
        assert asking.answer(LI, "att_1", USUAL, 302.0) == 2.0
        assert asking.answer(LI, "att_1", USUAL, 303.0) is None


class TestRhythm:
    def test_is_the_policys(self) -> None:
        assert rhythm_of([YUNNAN]) == Rhythm(300.0, 600.0, 30.0) == USUAL

    def test_is_the_quickest_of_several(self) -> None:
        quick = replace(YUNNAN, attention_min=timedelta(minutes=2), attention_max=timedelta(minutes=3))
        assert rhythm_of([YUNNAN, quick]) == Rhythm(120.0, 180.0, 30.0)

    def test_is_none_where_no_policy_asks(self) -> None:
        never = replace(YUNNAN, attention_min=timedelta(0), attention_max=timedelta(0), demo=True)
        assert rhythm_of([never]) is None and rhythm_of([]) is None and rhythm_of([load_pack("demo")]) is None
        assert rhythm_of([never, YUNNAN]) == USUAL


class TestAnyStory:
    @given(st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.booleans()), max_size=80), st.data())
    def test_no_officer_is_asked_twice_at_a_time_or_sooner_than_the_least(
        self, story: list[tuple[float, bool, bool]], data: st.DataObject
    ) -> None:
        rhythm = Rhythm(20.0, 60.0, 10.0)
        names = count(1)
        asking = AttentionChecks(lambda least, most: data.draw(st.floats(least, most)), lambda: f"att_{next(names)}")
        now = answered = 0.0
        for wait, watching, answering in story:
            now += wait
            before = asking.prompt_of(LI)
            asked, missed = asking.tick({LI: rhythm} if watching else {}, now)
            prompt = asking.prompt_of(LI)
            if asked:
                assert before is None and watching and now >= answered + rhythm.least
            if missed:
                assert before is not None and now >= before.due
            assert asking.missed(LI) == (prompt is not None and now >= prompt.due)
            if answering and prompt is not None:
                assert asking.answer(LI, prompt.id, rhythm, now) is not None
                assert asking.prompt_of(LI) is None
                answered = now
