"""Handover (交班), pure: the one who gives is released only once the colleague counts (Yunnan 25, Guangdong 31(1))."""

from dataclasses import replace

import pytest

from broker.kernel.errors import Conflict, NotFound, PolicyViolation, SamePerson
from broker.kernel.ids import HandoverId, SessionId, SiteId, UserId
from broker.presence import handover as rules
from broker.presence.handover import ANSWER, ARRIVE, Handover, HandoverState, Places, Visit
from broker.presence.quorum import Watcher
from tests.support.control.making import slot

PRISON, BUREAU = SiteId("first-prison"), SiteId("panlong")
LI, HE, WU = (Watcher(UserId(name), PRISON) for name in ("li", "he", "wu"))
MA = Watcher(UserId("ma"), BUREAU)
ONE, TWO = SessionId("ses_one"), SessionId("ses_two")
NOW = 100.0


def made(taker=WU, sessions=(ONE,), stage=HandoverState.OFFERED, until=NOW + ANSWER):
    return Handover(HandoverId("hnd_1"), LI, taker, tuple(sessions), stage, until)


def visit(*present):
    return Visit(slot(), 2, frozenset(present))


def places(chosen=(), taker=WU):
    return Places(2, "云南 第二十五条", {taker: frozenset(chosen)})


def offered(handover=None, visits=None, at_page=(LI, HE, WU, MA), others=(), free=None):
    return rules.offer(handover or made(), visits or {ONE: visit(LI, HE)}, at_page, others, free or places())


class TestAnOffer:
    def test_goes_to_a_colleague_at_a_page(self):
        assert offered().stage is HandoverState.OFFERED

    def test_goes_to_nobody_who_is_not_there_or_of_another_site(self):
        for handover, at_page in ((made(), (LI, HE)), (made(taker=MA), (LI, HE, MA))):
            with pytest.raises(NotFound):
                offered(handover, at_page=at_page)

    def test_goes_to_another_person(self):
        with pytest.raises(SamePerson):
            offered(made(taker=LI))

    def test_is_for_visits_in_which_its_giver_counts(self):
        for visits in ({ONE: visit(HE)}, {TWO: visit(LI)}):
            with pytest.raises(Conflict):
                offered(visits=visits)

    def test_is_refused_where_the_colleague_is_the_other_of_the_two(self):
        with pytest.raises(Conflict):
            offered(made(taker=HE))
        assert offered(made(taker=HE), {ONE: visit(LI, HE, WU)}), "a third one is there, too"

    def test_is_refused_while_one_of_the_two_is_in_another_one(self):
        for other in (made(taker=HE), Handover(HandoverId("hnd_2"), WU, HE, (ONE,), HandoverState.ACCEPTED, NOW)):
            with pytest.raises(Conflict):
                offered(others=[other])

    def test_never_has_the_colleague_count_in_more_visits_than_the_rules_allow(self):
        both, visits = made(sessions=(ONE, TWO)), {ONE: visit(LI), TWO: visit(LI)}
        with pytest.raises(PolicyViolation) as refused:
            offered(both, visits, free=places({SessionId("ses_three")}))
        assert refused.value.extra["articles"] == ["云南 第二十五条"]
        assert offered(both, visits, free=places({ONE})), "one of these visits was chosen already"


class TestAnAnswer:
    def test_gives_the_colleague_time_to_count(self):
        accepted = rules.accept(made(), places(), NOW)
        assert (accepted.stage, accepted.until) == (HandoverState.ACCEPTED, NOW + ARRIVE)

    def test_asks_for_the_free_places_again(self):
        with pytest.raises(PolicyViolation):
            rules.accept(made(), places({TWO, SessionId("ses_three")}), NOW)

    @pytest.mark.parametrize(
        "stage",
        [
            HandoverState.ACCEPTED,
            HandoverState.DECLINED,
            HandoverState.WITHDRAWN,
            HandoverState.LAPSED,
            HandoverState.COMPLETED,
        ],
    )
    def test_is_given_once(self, stage):
        with pytest.raises(Conflict):
            rules.accept(made(stage=stage), places(), NOW)

    def test_may_be_taken_back_until_it_is_completed(self):
        assert rules.close(made(stage=HandoverState.ACCEPTED), HandoverState.DECLINED).stage is HandoverState.DECLINED
        with pytest.raises(Conflict):
            rules.close(made(stage=HandoverState.COMPLETED), HandoverState.WITHDRAWN)


class TestWhatFollows:
    def follow(self, handover, visits, at_page=(LI, WU), now=NOW):
        return rules.follow(handover, visits, at_page, now).stage

    def test_is_completed_once_the_colleague_counts_in_all_visits(self):
        accepted = made(sessions=(ONE, TWO), stage=HandoverState.ACCEPTED)
        first = {ONE: visit(LI, HE, WU), TWO: visit(LI, HE)}
        assert self.follow(accepted, first) is HandoverState.ACCEPTED
        assert self.follow(accepted, {**first, TWO: visit(LI, HE, WU)}) is HandoverState.COMPLETED

    def test_is_not_completed_before_it_is_accepted(self):
        assert self.follow(made(), {ONE: visit(LI, HE, WU)}) is HandoverState.OFFERED

    def test_is_not_completed_while_the_other_one_is_away(self):
        """The colleague counts, but without the giver the side would have one officer."""
        assert self.follow(made(stage=HandoverState.ACCEPTED), {ONE: visit(LI, WU)}) is HandoverState.ACCEPTED

    def test_forgets_visits_that_are_over(self):
        accepted = made(sessions=(ONE, TWO), stage=HandoverState.ACCEPTED)
        assert self.follow(accepted, {TWO: visit(LI, HE, WU)}) is HandoverState.COMPLETED
        assert self.follow(accepted, {}) is HandoverState.LAPSED

    def test_lapses_with_its_time_or_when_one_of_the_two_is_gone(self):
        handover, visits = made(stage=HandoverState.ACCEPTED, until=NOW + 1), {ONE: visit(LI, HE)}
        assert self.follow(handover, visits) is HandoverState.ACCEPTED
        assert self.follow(handover, visits, now=NOW + 1) is HandoverState.LAPSED
        for at_page in ((LI,), (WU,)):
            assert self.follow(handover, visits, at_page) is HandoverState.LAPSED

    def test_is_for_officers_who_count_for_a_side(self):
        """One who also belongs to the far site counts for neither, so nothing is handed over to that account."""
        both = Watcher(WU.user, BUREAU)
        assert self.follow(made(stage=HandoverState.ACCEPTED), {ONE: visit(LI, HE, WU, both)}) is HandoverState.ACCEPTED


def test_an_open_handover_says_so():
    assert made().open and not replace(made(), stage=HandoverState.LAPSED).open
