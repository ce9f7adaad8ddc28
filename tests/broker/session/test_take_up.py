"""What is on record decides about a session that is taken up, in each state, item by item as in the module's docstring,
and goes on deciding while it runs."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from broker.booking.bar import Bar, BarKind
from broker.booking.slot import Place
from broker.kernel.ids import ApprovalId, RoomId, Side, SiteId
from broker.session import events as ev
from broker.session.effects import AlertKind, ClosePorts, FinishRecording, OpenPorts, Reason, SetDeadline, ShutGate
from broker.session.parts.check_in import required
from broker.session.readiness import Missing, missing
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from broker.session.take_up import OnRecord, due
from broker.session.transitions import step, wakes_at
from tests.support.session_story import GUANGDONG, INMATE, KIN, PREPARED, SLOT, START, YUNNAN, Visit, at, live, prepared

BY = "command:root"
WITHDRAWN = ev.ApprovalWithdrawn(BY, START - timedelta(hours=1), "YN-18", "停电")
BAR = Bar(BarKind.SUSPENDED, INMATE, "云南 第十七条", date(2026, 5, 2))
BOOT = "boot"


def restarted(visit: Visit, slot=None):
    """The session as a process that died left it, read by the next one."""
    return from_json(slot or visit.session.slot, to_json(visit.session, BOOT), visit.now, BOOT)


def in_state(state: State) -> Visit:
    match state:
        case State.SCHEDULED:
            return Visit(at(-60))
        case State.CHECK_IN:
            return Visit(at(-20))
        case State.READY:
            visit = Visit(at(-20))
            visit.tell(*PREPARED)
            return visit
        case State.LIVE:
            return live()
        case _:
            visit = live()
            visit.tell(ev.HoldOrdered("p-1", "prison-1", "YN-16-6"))  # type: ignore[arg-type]
            return visit


RUNNING = (State.SCHEDULED, State.CHECK_IN, State.READY, State.LIVE, State.HELD)


class TestWithdrawnApproval:
    """A slot that was cancelled does not come back (Guangdong 35)."""

    @pytest.mark.parametrize("state", RUNNING)
    def test_ends_the_session_as_cancelled_by_the_author_on_record(self, state: State) -> None:
        visit = in_state(state)
        assert visit.state is state
        recorded = visit.session.processes.recorded
        session = restarted(visit)
        facts = due(session, OnRecord(session.slot, WITHDRAWN))
        assert facts == (WITHDRAWN,)
        visit = Visit(visit.now, session=session)
        visit.tell(*facts)
        end = visit.session.end
        assert end is not None and visit.state is State.ENDED
        assert (end.reason, end.by, end.article, end.cause) == (Reason.CANCELLED, BY, "YN-18", "停电")
        assert (ClosePorts() in visit.effects) == (state is not State.SCHEDULED)
        assert (FinishRecording(Reason.CANCELLED) in visit.effects) == recorded
        assert not recorded or ShutGate(Reason.CANCELLED) in visit.effects

    @pytest.mark.parametrize("state", RUNNING)
    def test_ends_a_session_that_runs_as_well(self, state: State) -> None:
        visit = in_state(state)
        visit.tell(*due(visit.session, OnRecord(visit.session.slot, WITHDRAWN)))
        assert visit.state is State.ENDED

    def test_changes_no_end_that_was_before(self) -> None:
        visit = live()
        visit.tell(ev.EndOrdered("p-1", "prison-1", "YN-17-8"))  # type: ignore[arg-type]
        assert due(restarted(visit), OnRecord(SLOT, WITHDRAWN)) == ()
        before = visit.session
        visit.tell(WITHDRAWN)
        assert visit.session == before

    def test_is_journaled_under_its_author(self) -> None:
        assert ev.data(WITHDRAWN)["by"] == BY and ev.data(WITHDRAWN)["at"] == WITHDRAWN.at.isoformat()


class TestExtensions:
    EXTENDED = ev.ExtensionApproved(
        ApprovalId("ap_1"),
        SLOT.session,
        "warden",
        "prison-1",
        "approver",
        timedelta(minutes=5),
        "YN-14-FAMILY",
        "家中变故",  # type: ignore[arg-type]
    )

    def extended(self) -> Visit:
        visit = live(slot=replace(SLOT, ends_at=START + timedelta(hours=1)))
        visit.tell(ev.Crossed(visit.now.mono), self.EXTENDED)
        return visit

    def test_that_stand_stay(self) -> None:
        session = restarted(self.extended())
        assert due(session, OnRecord(session.slot, extensions=frozenset({ApprovalId("ap_1")}))) == ()

    def test_that_are_not_on_record_are_taken_back_and_the_former_limit_holds(self) -> None:
        visit = self.extended()
        longer = visit.session.gate.deadline
        assert longer is not None
        facts = due(visit.session, OnRecord(visit.session.slot, extensions=frozenset()))
        assert facts == (ev.ExtensionWithdrawn(ApprovalId("ap_1")),)
        visit.tell(*facts)
        assert visit.session.gate.deadline == longer - 300 and SetDeadline(longer - 300) in visit.effects

    def test_are_not_asked_about_while_the_service_runs(self) -> None:
        session = self.extended().session
        assert due(session, OnRecord(session.slot)) == ()


class TestEligibility:
    """F12: a punishment entered after the approval blocks the opening."""

    def test_that_is_barred_while_the_service_is_down_blocks_the_opening(self) -> None:
        session = restarted(in_state(State.READY))
        visit = Visit(at(-20), session=session)
        visit.tell(*due(session, OnRecord(session.slot, bars=(BAR,))), *PREPARED)
        assert visit.state is State.CHECK_IN
        assert missing(visit.session, visit.now, YUNNAN) == (Missing.ELIGIBILITY,)

    def test_that_is_given_back_opens_again(self) -> None:
        visit = in_state(State.READY)
        visit.tell(ev.EligibilityChanged((BAR,)))
        assert visit.state is State.CHECK_IN
        visit.tell(*due(visit.session, OnRecord(visit.session.slot)))
        assert visit.session.bars == () and visit.state is State.READY

    def test_is_refused_with_its_article_when_check_in_closes(self) -> None:
        visit = in_state(State.READY)
        visit.tell(ev.EligibilityChanged((BAR,)))
        visit.wait(20 * 60 + 15 * 60)
        end = visit.session.end
        assert end is not None
        assert (end.reason, end.article, end.cause, end.side) == (Reason.REFUSED, "云南 第十七条", "suspended", None)

    def test_of_people_who_did_not_come_costs_them_nothing_either(self) -> None:
        visit = Visit(at(-20), policy=GUANGDONG)
        visit.tell(ev.EligibilityChanged((BAR,)))
        visit.wait(20 * 60 + 15 * 60)
        assert visit.session.end is not None and visit.session.end.reason is Reason.REFUSED
        assert not any(type(effect).__name__ == "NoteAbsence" for effect in visit.effects)

    def test_in_a_visit_that_has_begun_calls_officers_and_ends_nothing(self) -> None:
        visit = live()
        visit.tell(ev.EligibilityChanged((BAR,)))
        assert visit.state is State.LIVE
        assert AlertKind.ELIGIBILITY in {alert.kind for alert in visit.session.alerts.open}
        visit.tell(ev.EligibilityChanged(()))
        visit.wait(YUNNAN.alerts.clear.total_seconds())
        assert AlertKind.ELIGIBILITY not in {alert.kind for alert in visit.session.alerts.open}

    def test_that_has_not_changed_is_no_fact(self) -> None:
        visit = in_state(State.CHECK_IN)
        visit.tell(ev.EligibilityChanged((BAR,)))
        assert due(visit.session, OnRecord(visit.session.slot, bars=(BAR,))) == ()

    def test_is_not_kept_in_a_snapshot_but_asked_anew(self) -> None:
        visit = in_state(State.CHECK_IN)
        visit.tell(ev.EligibilityChanged((BAR,)))
        assert restarted(visit).bars == ()


def between_prisons(**changes):
    """A slot of the story whose visitor side is a second prison."""
    people = (SLOT.people[0], replace(SLOT.people[1], detained=True, relation="wife"))
    place = Place(SiteId("bureau-1"), RoomId("bureau-room"))
    return replace(SLOT, people=people, visitor=place, **changes)


APPROVED = {"second_approved_by": "第二监狱", "second_article": "云南 第七条"}


class TestTwoApprovals:
    """Yunnan 7, Guangdong 16: both institutions approve, or nothing opens."""

    def test_without_the_second_no_port_opens(self) -> None:
        visit = Visit(at(-40), slot=between_prisons())
        visit.wait(40 * 60)
        assert visit.state is State.SCHEDULED and OpenPorts() not in visit.effects
        assert Missing.SECOND_APPROVAL in missing(visit.session, visit.now, YUNNAN)

    def test_the_second_opens_check_in_also_after_a_restart(self) -> None:
        for slot in (between_prisons(**APPROVED), between_prisons()):
            visit = Visit(at(-10), slot=slot)
            visit.tell(*due(visit.session, OnRecord(between_prisons(**APPROVED))))
            assert visit.state is State.CHECK_IN
            assert not visit.session.slot.awaits_approval

    def test_without_it_the_visit_is_refused_when_check_in_would_close(self) -> None:
        for policy, article in ((YUNNAN, "云南 第七条"), (GUANGDONG, "广东 第十六条")):
            visit = Visit(at(-40), slot=between_prisons(), policy=policy)
            visit.wait(40 * 60 + 15 * 60)
            end = visit.session.end
            assert end is not None
            assert (end.reason, end.article, end.cause) == (Reason.REFUSED, article, "not_approved")

    def test_a_family_visit_needs_one(self) -> None:
        assert not SLOT.awaits_approval and Visit(at(-20)).state is State.CHECK_IN


class TestInmatesOnBothSides:
    """Prisoner's rules and consequences on both sides."""

    @pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG])
    def test_each_is_checked_as_an_inmate(self, policy) -> None:
        for side in Side:
            (person,) = between_prisons().parties_of(side)
            assert person.inmate and required(replace(person, first_visit=True), policy.check_in) == (
                policy.check_in.prisoner_checks
            )

    @pytest.mark.parametrize("side", list(Side))
    def test_one_who_is_not_brought_loses_nothing_and_is_booked_again_first(self, side: Side) -> None:
        visit = Visit(at(-20), slot=between_prisons(**APPROVED), policy=GUANGDONG)
        here = next(person for person in visit.session.slot.people if person.side is not side)
        visit.tell(ev.PersonCheckedIn(here.side, here.id, "p-1"))  # type: ignore[arg-type]
        visit.wait(20 * 60 + 15 * 60)
        end = visit.session.end
        assert end is not None and (end.reason, end.side, end.rebook) == (Reason.NO_SHOW, side, True)

    def test_the_kin_of_a_family_visit_are_no_inmates(self) -> None:
        kin = next(person for person in SLOT.people if person.id == KIN)
        assert not kin.inmate and not SLOT.between_inmates


class TestFirstCrossing:
    """The minutes run from the first crossing (Yunnan 14), also where the process died before it was told of it."""

    def test_unreported_is_taken_to_be_the_opening_and_the_limit_is_set_at_once(self) -> None:
        visit = prepared()
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed())
        opened = visit.session.gate.opened_at
        assert visit.state is State.LIVE and opened is not None
        visit.pass_to(visit.now.mono + 5)
        found = restarted(visit)
        assert wakes_at(found, visit.now, visit.policy) == visit.now.mono
        after, effects = step(found, ev.TimePassed(), visit.now, visit.policy)
        assert after.gate.deadline == opened + visit.session.slot.minutes * 60
        assert SetDeadline(after.gate.deadline) in effects
