"""Absences (Yunnan 10, Guangdong 23): a note of the check-in, and decisions that only officers make."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.booking.absence import Absence, AbsenceState, Decision, decide, noted
from broker.kernel.errors import BadRequest, Conflict, Forbidden, PolicyViolation, VisitError
from broker.kernel.ids import PersonId, SiteId, UserId
from broker.session import events as ev
from config.check_in import Consequence
from tests.support.session_story import (
    CHILD,
    GUANGDONG,
    INMATE,
    KIN,
    OFFICER,
    PRISON,
    SITES,
    SLOT,
    START,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    here,
    live,
)

LI, WANG = UserId("li"), UserId("wang")
BUREAU = SITES[VISITOR]


def missed(*present: PersonId, policy=GUANGDONG) -> Absence:
    """The note of a visit to which only these people came."""
    visit = Visit(at(-20), policy=policy)
    visit.tell(*here(*present))
    visit.wait_until(15)
    absence = noted(visit.session)
    assert absence is not None
    return absence


def decided(absence: Absence, decision: Decision, by: UserId = LI, policy=GUANGDONG, **changes) -> Absence:
    members = {"site": BUREAU, "reason": "未说明原因", "now": START, **changes}
    return decide(absence, SLOT, policy, decision, by=by, **members)


class TestTheNote:
    def test_names_who_was_not_checked_in(self):
        assert missed(INMATE).people == (KIN, CHILD)
        assert missed(INMATE, KIN).people == (CHILD,)

    def test_says_whose_side_and_that_a_timer_wrote_it(self):
        absence = missed(INMATE)
        assert (absence.side, absence.site, absence.by, absence.state) == (VISITOR, BUREAU, "", AbsenceState.NOTED)

    def test_names_the_officer_who_ended_the_visit_under_the_code_of_lateness_who_forfeits_nothing_by_it(self):
        visit = Visit(at(-20))
        visit.tell(*here(INMATE), ev.EndOrdered(OFFICER, BUREAU, "YN-17-2"))
        absence = noted(visit.session)
        assert absence is not None and (absence.by, absence.state) == (OFFICER, AbsenceState.NOTED)

    def test_is_not_made_of_any_other_end(self):
        visit = live()
        visit.tell(ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-8"))
        assert noted(visit.session) is None and noted(live().session) is None


class TestAForfeit:
    @pytest.mark.parametrize(
        ("policy", "consequence", "article"),
        [(YUNNAN, Consequence.VISIT, "云南 第十条"), (GUANGDONG, Consequence.MONTH, "广东 第二十三条")],
    )
    def test_costs_what_the_province_says(self, policy, consequence, article):
        absence = decided(missed(INMATE, policy=policy), Decision.FORFEIT, policy=policy)
        step = absence.forfeit
        assert step is not None
        assert (step.consequence, step.article, step.by, step.people) == (consequence, article, LI, (KIN, CHILD))

    def test_may_name_some_of_the_visitors(self):
        absence = decided(missed(INMATE), Decision.FORFEIT, people=[KIN])
        assert absence.forfeit is not None and absence.forfeit.people == (KIN,)

    def test_who_was_checked_in_was_there(self):
        with pytest.raises(BadRequest):
            decided(missed(INMATE, KIN), Decision.FORFEIT, people=[KIN, CHILD])

    @pytest.mark.parametrize("people", [[INMATE], [PersonId("stranger")], []])
    def test_names_visitors_of_the_visit(self, people):
        with pytest.raises(BadRequest):
            decided(missed(INMATE), Decision.FORFEIT, people=people)

    @pytest.mark.parametrize("site", [SITES[PRISON], SiteId("bureau-2")])
    def test_is_made_by_the_site_of_the_visitors(self, site):
        with pytest.raises(Forbidden):
            decided(missed(INMATE), Decision.FORFEIT, site=site)

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_gives_its_reason(self, reason):
        with pytest.raises(BadRequest):
            decided(missed(INMATE), Decision.FORFEIT, reason=reason)

    def test_is_never_made_of_a_prisoner_who_was_not_brought(self):
        with pytest.raises(PolicyViolation):
            decided(missed(KIN, CHILD), Decision.FORFEIT, site=SITES[PRISON])
        with pytest.raises(PolicyViolation):
            decided(missed(INMATE), Decision.FORFEIT, inmates=True)

    def test_is_taken_back_by_another_officer_of_the_site(self):
        absence = decided(missed(INMATE), Decision.FORFEIT)
        with pytest.raises(Conflict):
            decided(absence, Decision.TAKE_BACK, by=LI)
        with pytest.raises(Forbidden):
            decided(absence, Decision.TAKE_BACK, by=WANG, site=SITES[PRISON])
        back = decided(absence, Decision.TAKE_BACK, by=WANG, reason="会见人住院")
        assert (back.state, back.forfeit) == (AbsenceState.TAKEN_BACK, None)
        assert [step.by for step in back.decided] == [LI, WANG]


class TestAnyDecisions:
    @given(st.lists(st.tuples(st.sampled_from(list(Decision)), st.sampled_from([LI, WANG])), max_size=6))
    def test_lead_along_the_table_only(self, orders):
        absence = missed(INMATE)
        for decision, by in orders:
            before = absence.state
            try:
                absence = decided(absence, decision, by=by, now=START + timedelta(hours=1))
            except VisitError:
                assert absence.state is before
        states = {AbsenceState.NOTED: 0, AbsenceState.EXCUSED: 1, AbsenceState.FORFEITED: 1, AbsenceState.TAKEN_BACK: 2}
        assert len(absence.decided) == states[absence.state]
        if absence.state is AbsenceState.TAKEN_BACK:
            assert absence.decided[0].by != absence.decided[1].by
