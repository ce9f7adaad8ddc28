"""Yunnan 12, 25, 26(5): a drill is tried with synthetic officers, who count in it and nowhere else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.booking.absence import noted
from broker.booking.drill import LIMIT, counts, drill_of, drill_slot, officer_id
from broker.booking.rebooking import requested
from broker.booking.slot_check import check_slot
from broker.kernel.errors import Conflict, Forbidden
from broker.kernel.ids import SessionId, SlotId, UserId, is_name
from broker.presence.quorum import Watcher, reached
from broker.session import events as ev
from broker.session.effects import NoteAbsence, RequestRebooking
from broker.session.parts.extension import limit
from broker.session.refusals import check_extension
from broker.session.state import State
from tests.support.session_story import (
    DEMO,
    PRISON,
    SITES,
    SLOT,
    START,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    live,
    officers,
    prepared,
)

DRILL = drill_slot(SlotId("slt_d"), SessionId("ses_d"), SLOT.prison, SLOT.visitor, "yunnan", False, START)
SYNTHETIC = frozenset(
    Watcher(officer_id(DRILL.session, number), SITES[side])
    for number, side in enumerate((PRISON, PRISON, VISITOR, VISITOR), start=1)
)
users = st.one_of(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    st.builds(officer_id, st.sampled_from([DRILL.session, SLOT.session, SessionId("ses_x.1")]), st.integers(0, 99)),
    st.text(max_size=40).map(lambda text: f"drill.{text}"),
)
watchers = st.frozensets(st.builds(Watcher, users.map(UserId), st.sampled_from(list(SITES.values()))), max_size=12)


class TestNames:
    def test_no_account_can_have_the_name_of_a_synthetic_officer(self) -> None:
        assert not is_name(officer_id(DRILL.session, 1))

    def test_a_synthetic_officer_names_its_drill(self) -> None:
        assert drill_of(officer_id(DRILL.session, 7)) == DRILL.session
        assert drill_of("li") is None


class TestQuorum:
    """Yunnan 25: two officers of each side. Programs are never among them, but in their own drill."""

    @given(watchers)
    def test_synthetic_officers_never_make_the_quorum_of_a_visit(self, found: frozenset[Watcher]) -> None:
        people = frozenset(watcher for watcher in found if drill_of(watcher.user) is None)
        for side in (PRISON, VISITOR):
            assert reached(found, SLOT, side, 2) == reached(people, SLOT, side, 2)

    @given(watchers)
    def test_only_its_own_synthetic_officers_make_the_quorum_of_a_drill(self, found: frozenset[Watcher]) -> None:
        own = frozenset(watcher for watcher in found if drill_of(watcher.user) == DRILL.session)
        for side in (PRISON, VISITOR):
            assert reached(found, DRILL, side, 2) == reached(own, DRILL, side, 2)

    def test_the_four_of_a_drill_open_it_and_no_visit(self) -> None:
        assert all(reached(SYNTHETIC, DRILL, side, 2) for side in (PRISON, VISITOR))
        assert not any(reached(SYNTHETIC, SLOT, side, 2) for side in (PRISON, VISITOR))

    @given(users, st.booleans())
    def test_nobody_counts_in_a_drill_and_in_a_visit(self, user: str, own: bool) -> None:
        session = DRILL.session if own else SLOT.session
        assert not (counts(user, session, drill=True) and counts(user, SLOT.session, drill=False))

    @given(watchers)
    def test_a_visit_that_is_ready_but_for_officers_stays_so_whatever_programs_watch(
        self, found: frozenset[Watcher]
    ) -> None:
        programs = frozenset(watcher for watcher in found if drill_of(watcher.user) is not None)
        visit = prepared()
        visit.tell(ev.WatchersChanged(programs))
        visit.wait_until(1)
        assert visit.state is State.CHECK_IN


class TestOrders:
    @pytest.mark.parametrize(
        "fact",
        [
            ev.SelfTested(PRISON, True, officer_id(DRILL.session, 1), reason="x"),
            ev.HoldOrdered(officer_id(DRILL.session, 1), SITES[PRISON], "YN-16-2"),
            ev.EndOrdered(officer_id(DRILL.session, 1), SITES[PRISON], "YN-16-2"),
            ev.NoteMade(officer_id(DRILL.session, 1), SITES[PRISON], "x"),
        ],
        ids=ev.kind,
    )
    def test_of_a_synthetic_officer_are_refused_in_a_visit(self, fact: ev.Fact) -> None:
        visit = live()
        with pytest.raises(Forbidden):
            visit.tell(fact)

    def test_of_a_synthetic_officer_are_taken_in_its_own_drill(self) -> None:
        drill = Visit(at(), slot=DRILL)
        drill.tell(ev.SeatReady(PRISON, True, officer_id(DRILL.session, 1)))
        assert drill.session.check_in.seats == {PRISON}

    def test_of_another_drill_are_refused(self) -> None:
        drill = Visit(at(), slot=DRILL)
        with pytest.raises(Forbidden):
            drill.tell(ev.SeatReady(PRISON, True, officer_id(SessionId("ses_other"), 1)))


class TestWhatFollows:
    """A drill takes nothing from a person, so that nothing is noted of one, or given back."""

    @pytest.mark.parametrize("prison", [True, False])
    def test_nobody_is_absent_from_a_drill_and_it_is_not_booked_again(self, prison: bool) -> None:
        drill = Visit(at(), slot=DRILL)
        drill.wait_until(20)
        assert drill.state is State.ENDED
        assert not [one for one in drill.effects if isinstance(one, NoteAbsence | RequestRebooking)]
        assert noted(drill.session) is None
        assert requested(drill.session, YUNNAN) is None

    def test_a_drill_raises_no_alert(self) -> None:
        drill = Visit(at(), slot=DRILL)
        drill.tell(ev.RecorderDisk(True), ev.ClockStepped(99))
        drill.wait(60)
        assert drill.calls == []

    def test_its_time_is_short_and_is_not_extended(self) -> None:
        assert limit(DRILL, YUNNAN) == LIMIT
        assert limit(DRILL, DEMO) == DEMO.hard_limit < LIMIT
        drill = Visit(at(), slot=DRILL)
        with pytest.raises(Conflict):
            check_extension(
                drill.session,
                ev.ExtensionApproved(
                    *("apr_1", DRILL.session, UserId("warden"), SITES[PRISON], "approver"),  # type: ignore[arg-type]
                    *(YUNNAN.extension.steps[0], "YN-14-FAMILY", "x"),
                ),
                at(),
                YUNNAN,
            )

    def test_its_invented_people_need_no_identity(self) -> None:
        check_slot(DRILL, YUNNAN, START)
        with pytest.raises(Exception, match=r".+"):
            check_slot(replace(DRILL, drill=False), YUNNAN, START)

    def test_a_drill_between_two_prisons_needs_no_second_word(self) -> None:
        slot = drill_slot(SlotId("s"), SessionId("d"), SLOT.prison, SLOT.visitor, "yunnan", True, START)
        assert slot.between_inmates and not slot.awaits_approval


class TestPeople:
    def test_people_do_not_open_a_drill(self) -> None:
        assert not any(reached(officers(3, 3), DRILL, side, 2) for side in (PRISON, VISITOR))
