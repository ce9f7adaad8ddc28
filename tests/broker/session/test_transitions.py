"""The life of a session, step by step, with time as an argument."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import PersonId, UserId
from broker.session import events as ev
from broker.session.effects import (
    ClosePorts,
    FinishRecording,
    HoldReason,
    LeaseGate,
    NoteAbsence,
    OpenPorts,
    Reason,
    RequestRebooking,
    SetDeadline,
    ShutGate,
    StartRecording,
)
from broker.session.parts.gate import LEASE
from broker.session.readiness import Missing, hold_reasons, missing
from broker.session.state import State
from broker.session.transitions import wakes_at
from config.policy import Policy
from tests.support.session_story import (
    ACKNOWLEDGED,
    CHECKED_IN,
    CHILD,
    DEMO,
    GUANGDONG,
    INMATE,
    KIN,
    OFFICER,
    PREPARED,
    PRISON,
    PUBLISHING,
    RECEIVING,
    SEATED,
    SITES,
    SLOT,
    START,
    TESTED,
    VISITOR,
    WATCHED,
    YUNNAN,
    Visit,
    at,
    here,
    live,
    officers,
    prepared,
)

HOUR = timedelta(hours=1)


class TestCheckIn:
    """Yunnan 10 to 12, 14; Guangdong 24: it opens half an hour before the slot."""

    def test_check_in_opens_thirty_minutes_before_the_slot(self) -> None:
        visit = Visit(at(-31))
        assert visit.wait(59.9) == () and visit.state is State.SCHEDULED
        assert visit.wait(0.1) == (OpenPorts(),) and visit.state is State.CHECK_IN

    def test_no_person_is_checked_in_before_it_opens(self) -> None:
        visit = Visit(at(-31))
        with pytest.raises(Conflict):
            visit.tell(*CHECKED_IN)

    def test_only_listed_people_are_checked_in_and_only_on_their_side(self) -> None:
        visit = Visit(at(-20))
        for side, person in ((VISITOR, PersonId("stranger")), (PRISON, KIN)):
            with pytest.raises(NotFound):
                visit.tell(ev.PersonCheckedIn(side, person, OFFICER))
            with pytest.raises(NotFound):
                visit.tell(ev.PersonAbsent(side, person, OFFICER))

    def test_it_is_complete_when_each_listed_person_is_there_or_noted_absent(self) -> None:
        visit = Visit(at(-20))
        visit.tell(*here(INMATE, KIN))
        assert Missing.VISITOR_CHECK_IN in missing(visit.session, visit.now, YUNNAN)
        visit.tell(ev.PersonAbsent(VISITOR, CHILD, OFFICER))
        assert Missing.VISITOR_CHECK_IN not in missing(visit.session, visit.now, YUNNAN)

    def test_a_side_of_absent_people_is_not_complete(self) -> None:
        visit = Visit(at(-20))
        visit.tell(*[ev.PersonAbsent(VISITOR, person, OFFICER) for person in (KIN, CHILD)])
        assert Missing.VISITOR_CHECK_IN in missing(visit.session, visit.now, YUNNAN)

    def test_the_last_note_about_a_person_counts(self) -> None:
        visit = Visit(at(-20))
        visit.tell(*CHECKED_IN, ev.PersonAbsent(PRISON, INMATE, OFFICER))
        assert Missing.PRISON_CHECK_IN in missing(visit.session, visit.now, YUNNAN)
        visit.tell(*here(INMATE))
        assert visit.session.check_in.absent == frozenset()
        assert Missing.PRISON_CHECK_IN not in missing(visit.session, visit.now, YUNNAN)

    def test_no_person_joins_a_visit_that_has_begun(self) -> None:
        with pytest.raises(Conflict):
            live().tell(*here(KIN))


class TestNoShow:
    """Yunnan 17(2): a side that did not come in the agreed time."""

    @pytest.mark.parametrize(
        ("present", "absent"), [((INMATE,), VISITOR), ((KIN, CHILD), PRISON), ((), VISITOR), ((INMATE, KIN), VISITOR)]
    )
    def test_the_side_that_is_not_complete_after_the_late_grace_did_not_come(
        self, present: tuple[PersonId, ...], absent: object
    ) -> None:
        visit = Visit(at(-20))
        visit.tell(*here(*present))
        visit.wait_until(14, 59.9)
        assert visit.state is State.CHECK_IN
        again = () if absent is VISITOR else (RequestRebooking("not_brought"),)
        assert visit.wait(0.2) == (ClosePorts(), NoteAbsence(absent), *again)
        assert visit.session.end is not None
        assert (visit.session.end.reason, visit.session.end.side) == (Reason.NO_SHOW, absent)

    def test_a_late_grace_longer_than_the_slot_ends_with_the_slot(self) -> None:
        visit = Visit(at(-20), slot=replace(SLOT, ends_at=START + timedelta(minutes=5)))
        visit.wait_until(5)
        assert visit.session.end is not None and visit.session.end.reason is Reason.NO_SHOW


class TestReady:
    """A session is READY when nothing is missing; until then the missing conditions are named."""

    def test_at_first_everything_is_missing(self) -> None:
        people = tuple(replace(person, first_visit=True) for person in SLOT.people)
        visit = Visit(at(-20), slot=replace(SLOT, language="bo", people=people), policy=GUANGDONG)
        visit.tell(ev.StorageChanged(False))
        lacking = set(missing(visit.session, visit.now, GUANGDONG))
        assert lacking == set(Missing) - {
            *(Missing.ELIGIBILITY, Missing.SECOND_APPROVAL),  # nothing stands against the people and the approval
            Missing.DRILL,  # none has failed
            *(Missing.PRISON_FILM, Missing.VISITOR_FILM),  # no film is expected of a room that sends nothing
        }

    def test_each_missing_condition_is_named_and_in_any_order_the_last_one_makes_the_session_ready(self) -> None:
        for last in range(len(PREPARED)):
            visit = Visit(at(-20))
            visit.tell(*PREPARED[:last], *PREPARED[last + 1 :])
            assert visit.state is State.CHECK_IN and missing(visit.session, visit.now, YUNNAN)
            visit.tell(PREPARED[last])
            assert visit.state is State.READY and missing(visit.session, visit.now, YUNNAN) == ()

    @pytest.mark.parametrize(
        ("fact", "what"),
        [
            (ev.RelayLost("died"), {Missing.RELAY, Missing.PRISON_MEDIA, Missing.VISITOR_MEDIA}),
            (ev.RecorderLost("disk"), {Missing.RECORDER}),
            (ev.StorageChanged(False), {Missing.STORAGE}),
            (ev.RoomMedia(PRISON, False), {Missing.PRISON_MEDIA}),
            (ev.RoomMedia(VISITOR, False), {Missing.VISITOR_MEDIA}),
            (ev.RoomReceiving(PRISON, False), {Missing.PRISON_SUBSCRIPTION}),
            (ev.RoomReceiving(VISITOR, False), {Missing.VISITOR_SUBSCRIPTION}),
            (ev.SeatReady(PRISON, False, OFFICER), {Missing.PRISON_SEAT}),
            (ev.SelfTested(PRISON, False, "staff"), {Missing.PRISON_SELF_TEST}),
            (ev.SelfTested(VISITOR, False, "staff"), {Missing.VISITOR_SELF_TEST}),
            (ev.PersonAbsent(PRISON, INMATE, OFFICER), {Missing.PRISON_CHECK_IN}),
            (ev.WatchersChanged(officers(prison=1)), {Missing.PRISON_QUORUM}),
            (ev.WatchersChanged(officers(visitor=1)), {Missing.VISITOR_QUORUM}),
        ],
    )
    def test_it_is_no_longer_ready_when_a_condition_fails(self, fact: ev.Fact, what: set[Missing]) -> None:
        visit = prepared()
        visit.tell(fact)
        assert visit.state is State.CHECK_IN
        assert what <= set(missing(visit.session, visit.now, YUNNAN))

    def test_a_self_test_grows_stale_yunnan_12(self) -> None:
        visit = prepared(policy=DEMO)
        visit.wait(DEMO.self_test_fresh.total_seconds())
        assert visit.state is State.READY, "the bound itself is included"
        visit.wait(0.001)
        assert visit.state is State.CHECK_IN
        assert set(missing(visit.session, visit.now, DEMO)) == {Missing.PRISON_SELF_TEST, Missing.VISITOR_SELF_TEST}
        visit.tell(*TESTED)
        assert visit.state is State.READY

    def test_a_condition_missing_until_the_slot_ends_is_a_technical_end_that_names_it(self) -> None:
        visit = Visit(at(-10))
        visit.tell(*CHECKED_IN, *SEATED, *ACKNOWLEDGED, *TESTED, *PUBLISHING, WATCHED, ev.RelayReady())
        visit.wait_until(40, 0.001)
        assert visit.session.end is not None
        assert (visit.session.end.reason, visit.session.end.cause) == (Reason.TECHNICAL, Missing.PRISON_SELF_TEST)
        assert RequestRebooking(Missing.PRISON_SELF_TEST) in visit.effects

    def test_a_recorder_that_never_flushes_is_a_technical_end(self) -> None:
        visit = prepared(policy=YUNNAN)
        visit.wait_until(40, 0.001)
        assert visit.session.end is not None
        assert visit.session.end.reason is Reason.TECHNICAL
        assert visit.effects.count(FinishRecording(Reason.TECHNICAL)) == 1

    def test_a_late_runner_learns_that_the_start_is_due(self) -> None:
        visit = prepared()
        assert wakes_at(visit.session, visit.now, YUNNAN) == at(0).mono
        for late in (at(0, 0.001), at(10), at(41)):
            assert wakes_at(visit.session, late, YUNNAN) == pytest.approx(at(0).mono)

    def test_a_late_runner_learns_that_late_grace_and_slot_end_are_due(self) -> None:
        assert wakes_at(Visit(at(-20)).session, at(15, 0.5), YUNNAN) == pytest.approx(at(15).mono)
        visit = Visit(at(-20))
        visit.tell(*CHECKED_IN)
        assert wakes_at(visit.session, at(40, 0.5), YUNNAN) == pytest.approx(at(40).mono)


class TestOpening:
    """Yunnan 13 and 25, Guangdong 27, F6: at the slot's start, and recorded from the first packet on."""

    def test_nothing_is_recorded_before_the_slot_starts(self) -> None:
        visit = prepared()
        visit.wait_until(0, -0.1)
        assert StartRecording() not in visit.effects
        assert visit.wait(0.1) == (StartRecording(),)

    def test_the_gate_opens_only_when_the_recorder_has_flushed(self) -> None:
        visit = prepared()
        visit.wait_until(0, 20)
        assert visit.state is State.READY and not visit.crossing()
        stop = at(40).mono
        assert visit.tell(ev.RecorderFlushed()) == (
            LeaseGate(visit.now.mono + LEASE, pytest.approx(stop), YUNNAN.hard_limit),
        )
        assert visit.state is State.LIVE and visit.session.gate_open and visit.crossing()

    def test_a_recorder_that_flushed_early_does_not_open_it_before_the_start(self) -> None:
        visit = prepared()
        visit.tell(ev.RecorderFlushed())
        visit.wait_until(0, -0.1)
        assert visit.state is State.READY and not visit.crossing()
        visit.wait(0.1)
        assert visit.crossing()

    def test_a_recorder_lost_while_it_starts_is_started_again(self) -> None:
        visit = prepared()
        visit.wait_until(0)
        visit.tell(ev.RecorderLost("killed"))
        assert visit.state is State.CHECK_IN
        assert StartRecording() in visit.tell(ev.RecorderReady())
        visit.tell(ev.RecorderFlushed())
        assert visit.crossing()

    def test_the_relay_gets_the_session_once_check_in_has_opened(self) -> None:
        visit = Visit(at(-31))
        assert visit.tell(ev.RelayReady()) == ()
        assert visit.wait(60) == (OpenPorts(),)
        assert visit.tell(ev.RelayReady()) == (), "the same worker once more"
        assert visit.tell(ev.RelayLost("killed"), ev.RelayReady()) == (OpenPorts(),), "a new worker"

    def test_a_relay_and_check_in_at_the_same_moment_open_the_ports_once(self) -> None:
        visit = Visit(at(-31))
        visit.pass_to(at(-30).mono)
        assert visit.tell(ev.RelayReady()) == (OpenPorts(),)


class TestLimit:
    """Yunnan 14 and 27(3), Guangdong 11 and 31(2), decision 1, F3."""

    def test_the_visit_is_cut_at_the_limit(self) -> None:
        visit = live()
        visit.wait_until(29, 59.9)
        assert visit.crossing()
        visit.wait(0.1)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT
        assert not visit.crossing() and visit.wake is None
        assert visit.effects[-3:] == [
            ShutGate(Reason.TIME_LIMIT),
            FinishRecording(Reason.TIME_LIMIT),
            ClosePorts(),
        ]

    def test_it_counts_from_the_first_crossing_and_not_from_the_opening(self) -> None:
        visit = prepared()
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed())
        visit.wait(60)
        crossed = visit.now.mono - 0.25
        assert visit.tell(ev.Crossed(crossed)) == (SetDeadline(crossed + 1800),)
        assert visit.session.gate.stop_at == crossed + 1800

    def test_a_later_crossing_does_not_move_it_and_an_earlier_one_brings_it_forward(self) -> None:
        visit = live()
        first = visit.session.gate.deadline
        visit.wait(10)
        assert visit.tell(ev.Crossed(visit.now.mono)) == ()
        assert visit.session.gate.deadline == first
        assert visit.session.gate.crossed is not None
        earlier = visit.session.gate.crossed - 0.5
        assert visit.tell(ev.Crossed(earlier)) == (SetDeadline(earlier + 1800),)

    def test_the_approved_minutes_count_when_they_are_fewer(self) -> None:
        visit = live(slot=replace(SLOT, minutes=15))
        visit.wait_until(15)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    def test_minutes_beyond_the_law_do_not_count(self) -> None:
        visit = live(slot=replace(SLOT, minutes=39))
        visit.wait_until(30)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    def test_holds_do_not_stretch_it(self) -> None:
        visit = live()
        for minute in range(1, 29):
            visit.wait_until(minute)
            visit.tell(ev.RoomMedia(VISITOR, False))
            visit.wait(45)
            visit.tell(ev.RoomMedia(VISITOR, True))
            visit.wait(2)
            assert visit.crossing()
        visit.wait_until(30)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    def test_it_ends_a_visit_that_is_on_hold(self) -> None:
        visit = live()
        visit.wait_until(29)
        visit.tell(ev.RoomMedia(VISITOR, False))
        visit.wait(60)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    def test_it_never_runs_past_the_end_of_the_slot(self) -> None:
        visit = live(slot=replace(SLOT, ends_at=START + timedelta(minutes=20)))
        visit.wait_until(19, 59.9)
        assert visit.crossing()
        visit.wait(0.2)
        assert visit.session.end is not None and visit.session.end.reason is Reason.SLOT_END

    def test_the_reserve_of_the_policy_is_all_that_may_be_added(self) -> None:
        policy = replace(YUNNAN, slot_reserve=timedelta(minutes=2))
        visit = live(slot=replace(SLOT, ends_at=START + timedelta(minutes=20)), policy=policy)
        visit.wait_until(21, 59.9)
        assert visit.crossing()
        visit.wait(0.2)
        assert visit.session.end is not None and visit.session.end.reason is Reason.SLOT_END

    def test_media_that_crosses_one_way_only_still_ends_with_the_slot(self) -> None:
        visit = prepared()
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed())
        visit.wait_until(40, 0.1)
        assert visit.session.end is not None and visit.session.end.reason is Reason.SLOT_END

    @pytest.mark.parametrize("jump", [HOUR, -HOUR])
    def test_setting_the_wall_clock_does_not_move_it(self, jump: timedelta) -> None:
        visit = live()
        visit.wait_until(10)
        before = visit.session.gate.stop_at
        visit.step_wall_clock(jump)
        visit.wait_until(29, 59.9)
        assert visit.crossing() and visit.session.gate.stop_at == before
        visit.wait(0.1)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    @pytest.mark.parametrize("jump", [HOUR, -HOUR])
    def test_setting_the_wall_clock_does_not_move_the_end_of_the_slot(self, jump: timedelta) -> None:
        visit = live(slot=replace(SLOT, ends_at=START + timedelta(minutes=20)))
        visit.step_wall_clock(jump)
        visit.wait_until(19, 59.9)
        assert visit.crossing()
        visit.wait(0.2)
        assert visit.session.end is not None and visit.session.end.reason is Reason.SLOT_END


class TestLease:
    """Invariant 5: the gate is a lease of 3 s, renewed every second."""

    def test_it_is_renewed_every_second(self) -> None:
        visit = live()
        begun = visit.now.mono
        leases = [effect for effect in visit.wait(60) if isinstance(effect, LeaseGate)]
        assert [round(lease.until - begun, 6) for lease in leases] == [second + 3 for second in range(1, 61)]

    def test_facts_in_between_do_not_renew_it(self) -> None:
        visit = live()
        visit.wait(0.5)
        assert visit.tell(ev.TimePassed(), WATCHED, *PUBLISHING) == ()

    def test_it_never_reaches_past_the_deadline(self) -> None:
        visit = live()
        visit.wait_until(30)
        leases = [effect for effect in visit.effects if isinstance(effect, LeaseGate)]
        assert leases and all(lease.until <= lease.deadline for lease in leases)
        assert max(lease.until for lease in leases) == visit.session.gate.deadline

    def test_without_the_broker_the_gate_shuts_by_itself_after_three_seconds(self) -> None:
        visit = live()
        visit.pass_to(visit.now.mono + 2.999)
        assert visit.crossing()
        visit.pass_to(visit.now.mono + 0.001)
        assert not visit.crossing()


HOLDS: list[tuple[HoldReason, list[ev.Fact], list[ev.Fact]]] = [
    (
        HoldReason.RELAY_LOST,
        [ev.RelayLost("killed")],
        [ev.RelayReady(), *PUBLISHING, *RECEIVING, WATCHED],
    ),
    (
        HoldReason.RECORDER_LOST,
        [ev.RecorderLost("stalled")],
        [ev.RecorderReady(), ev.RecorderFlushed()],
    ),
    (HoldReason.STORAGE_LOST, [ev.StorageChanged(False)], [ev.StorageChanged(True)]),
    (HoldReason.ROOM_LOST, [ev.RoomMedia(PRISON, False)], [ev.RoomMedia(PRISON, True)]),
    (HoldReason.ROOM_LOST, [ev.RoomMedia(VISITOR, False)], [ev.RoomMedia(VISITOR, True)]),
    (HoldReason.ROOM_LOST, [ev.RoomReceiving(PRISON, False)], [ev.RoomReceiving(PRISON, True)]),
    (HoldReason.ROOM_LOST, [ev.RoomReceiving(VISITOR, False)], [ev.RoomReceiving(VISITOR, True)]),
    (HoldReason.QUORUM_LOST, [ev.WatchersChanged(officers(prison=1))], [WATCHED]),
    (HoldReason.QUORUM_LOST, [ev.WatchersChanged(officers(visitor=1))], [WATCHED]),
    (
        HoldReason.SUPERVISOR,
        [ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2")],
        [ev.ResumeOrdered(UserId("p-2"), SITES[PRISON])],
    ),
]


@pytest.mark.parametrize(("reason", "broken", "mended"), HOLDS)
class TestHold:
    """中止: Yunnan 13, 16, 18, 25; decision 2; F1, F6."""

    def test_the_gate_shuts_at_once(self, reason: HoldReason, broken: list[ev.Fact], mended: list[ev.Fact]) -> None:
        visit = live()
        visit.wait(5.5)
        assert visit.tell(*broken) == (ShutGate(reason),)
        assert visit.state is State.HELD and not visit.crossing() and not visit.session.gate_open
        assert hold_reasons(visit.session, YUNNAN)[0] == reason

    def test_it_stays_shut_and_the_recording_goes_on_until_the_cause_is_gone(
        self, reason: HoldReason, broken: list[ev.Fact], mended: list[ev.Fact]
    ) -> None:
        visit = live()
        visit.wait(0.9)
        visit.tell(*broken)
        assert visit.wait(177.9) == ()
        visit.tell(*mended)
        visit.wait(0 if reason is HoldReason.SUPERVISOR else 2)
        assert visit.state is State.LIVE and visit.crossing()
        assert not any(isinstance(effect, FinishRecording) for effect in visit.effects)

    def test_longer_than_the_grace_ends_it(
        self, reason: HoldReason, broken: list[ev.Fact], mended: list[ev.Fact]
    ) -> None:
        visit = live()
        visit.tell(*broken)
        visit.wait(180)
        end = visit.session.end
        assert end is not None and visit.wake is None
        expected = Reason.ENDED_BY_SUPERVISOR if reason is HoldReason.SUPERVISOR else Reason.TECHNICAL
        assert end.reason is expected
        rebooked = [effect for effect in visit.effects if isinstance(effect, RequestRebooking)]
        assert rebooked == ([] if reason is HoldReason.SUPERVISOR else [RequestRebooking(reason)])

    def test_each_hold_has_its_own_grace(
        self, reason: HoldReason, broken: list[ev.Fact], mended: list[ev.Fact]
    ) -> None:
        visit = live()
        for _ in range(3):
            visit.tell(*broken)
            visit.wait(170)
            visit.tell(*mended)
            visit.wait(20)
            assert visit.crossing()


class TestTakenUp:
    """A restarted control process, while a lease of its predecessor may still run."""

    def test_what_is_held_is_shut_at_the_relay_before_anything_else(self) -> None:
        visit = live()
        visit.tell(ev.RelayLost("gone"))
        assert visit.tell(ev.RelayReady()) == (OpenPorts(), ShutGate("taken_up"))


class TestSeveralHolds:
    """The gate opens again when every cause is gone, and not before."""

    def test_two_causes_must_both_go(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(PRISON, False), ev.WatchersChanged(officers(visitor=0)))
        visit.tell(ev.RoomMedia(PRISON, True))
        visit.wait(5)
        assert visit.state is State.HELD
        visit.tell(WATCHED)
        visit.wait(2)
        assert visit.crossing()

    def test_a_second_cause_does_not_begin_a_new_grace(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(PRISON, False))
        visit.wait(170)
        visit.tell(ev.RoomMedia(VISITOR, False), ev.RoomMedia(PRISON, True))
        visit.wait(10)
        assert visit.state is State.ENDED

    def test_watchers_and_publishers_are_forgotten_with_the_relay(self) -> None:
        visit = live()
        visit.tell(ev.RelayLost("killed"), ev.RelayReady())
        assert visit.state is State.HELD
        assert set(hold_reasons(visit.session, YUNNAN)) == {HoldReason.ROOM_LOST, HoldReason.QUORUM_LOST}

    def test_a_new_recorder_continues_and_the_gate_waits_for_its_first_fragment(self) -> None:
        visit = live()
        visit.tell(ev.RecorderLost("killed"))
        assert visit.tell(ev.RecorderReady()) == (StartRecording(),)
        visit.wait(5)
        assert visit.state is State.HELD
        visit.tell(ev.RecorderFlushed())
        visit.wait(2)
        assert visit.crossing()

    def test_a_new_recorder_continues_even_under_a_supervisors_hold(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), ev.RecorderLost("killed"))
        assert visit.tell(ev.RecorderReady()) == (StartRecording(),)

    def test_the_recorder_gets_the_limit_though_the_crossing_is_reported_as_the_gate_opens_again(self) -> None:
        visit = prepared()
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed())
        crossed = visit.now.mono
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"))
        effects = visit.tell(ev.Crossed(crossed), ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert SetDeadline(crossed + 1800) in effects and visit.crossing()

    def test_the_minutes_begin_even_if_the_crossing_is_reported_after_the_hold(self) -> None:
        visit = prepared()
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed())
        crossed = visit.now.mono
        visit.wait(0.4)
        visit.tell(ev.RoomMedia(PRISON, False))
        assert visit.tell(ev.Crossed(crossed)) == (SetDeadline(crossed + 1800),)


class TestSupervisorsOrders:
    """Yunnan 16, 17; Guangdong 25, 29."""

    def test_a_hold_is_lifted_by_its_own_site_only(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[VISITOR], "YN-16-2"))
        with pytest.raises(Conflict):
            visit.tell(ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert visit.state is State.HELD
        visit.tell(ev.ResumeOrdered(UserId("v-2"), SITES[VISITOR]))
        assert visit.crossing()

    def test_a_hold_is_not_lifted_by_the_return_of_a_room(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(PRISON, False), ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"))
        visit.tell(ev.RoomMedia(PRISON, True), *PUBLISHING, WATCHED)
        assert visit.state is State.HELD

    def test_a_lifted_hold_does_not_open_the_gate_while_a_room_is_lost(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2"), ev.RoomMedia(PRISON, False))
        visit.tell(ev.ResumeOrdered(OFFICER, SITES[PRISON]))
        assert visit.state is State.HELD and not visit.crossing()

    def test_a_hold_that_is_not_lifted_ends_the_visit_with_its_own_article(self) -> None:
        visit = live()
        visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2", "signs"))
        visit.wait(180)
        end = visit.session.end
        assert end is not None
        assert (end.reason, end.by, end.article, end.cause) == (
            Reason.ENDED_BY_SUPERVISOR,
            OFFICER,
            "YN-16-2",
            "signs",
        )

    def test_an_end_is_at_once_and_keeps_author_and_article(self) -> None:
        visit = live()
        effects = visit.tell(ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-8", "the case"))
        assert effects == (
            ShutGate(Reason.ENDED_BY_SUPERVISOR),
            FinishRecording(Reason.ENDED_BY_SUPERVISOR),
            ClosePorts(),
        )
        end = visit.session.end
        assert end is not None
        assert (end.by, end.article, end.cause, end.at) == (OFFICER, "YN-17-8", "the case", visit.now.wall)

    def test_a_goodbye_of_both_sites_is_completed(self) -> None:
        visit = live()
        visit.tell(ev.EndOrdered(OFFICER, SITES[PRISON], "END-COMPLETED"))
        assert visit.crossing()
        visit.tell(ev.EndOrdered(UserId("v-1"), SITES[VISITOR], "END-COMPLETED"))
        assert visit.session.end is not None and visit.session.end.reason is Reason.COMPLETED

    def test_an_end_before_the_visit_began_shuts_no_gate_and_finishes_no_recording(self) -> None:
        assert prepared().tell(ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-1")) == (ClosePorts(),)


class TestCancelledSlot:
    """A slot whose approval was withdrawn."""

    def test_before_check_in_a_cancellation_has_no_effects(self) -> None:
        visit = Visit(at(-60))
        assert visit.tell(ev.SlotCancelled("clerk")) == ()
        end = visit.session.end
        assert end is not None and (end.reason, end.by) == (Reason.CANCELLED, "clerk")

    def test_during_check_in_the_ports_are_closed(self) -> None:
        assert Visit(at(-20)).tell(ev.SlotCancelled("clerk")) == (ClosePorts(),)

    def test_a_live_visit_is_not_cancelled_but_ended_under_an_article(self) -> None:
        with pytest.raises(Conflict):
            live().tell(ev.SlotCancelled("clerk"))


def finished_in_the_prison() -> Visit:
    """A visit in which the room of the prison says that it has finished."""
    visit = live()
    visit.tell(ev.RoomFinished(PRISON, "trm_p"))
    return visit


OTHER_ENDS: list[tuple[Callable[[], Visit], ev.Fact, float]] = [
    (live, ev.TimePassed(), 1800),
    (live, ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-8"), 0),
    (finished_in_the_prison, ev.EndOrdered(OFFICER, SITES[VISITOR], "END-COMPLETED"), 0),
    (prepared, ev.SlotCancelled("clerk", "YN-17-4", "醉酒"), 0),
    (lambda: Visit(at(-20)), ev.SlotCancelled("clerk"), 0),
    (lambda: Visit(at(-20)), ev.TimePassed(), 2100),
]


class TestRebooking:
    """Yunnan 18, Guangdong 36, F9: only a technical break is booked again with priority."""

    @pytest.mark.parametrize(("policy", "article"), [(YUNNAN, "YN-18"), (GUANGDONG, "GD-36")])
    def test_an_end_under_the_code_of_a_fault_is_technical(self, policy: Policy, article: str) -> None:
        effects = live(policy=policy).tell(ev.EndOrdered(OFFICER, SITES[PRISON], article, "no power"))
        assert effects[-1] == RequestRebooking("no power")

    @pytest.mark.parametrize(("begin", "fact", "wait"), OTHER_ENDS)
    def test_other_ends_ask_for_no_rebooking(self, begin: Callable[[], Visit], fact: ev.Fact, wait: float) -> None:
        visit = begin()
        visit.tell(fact)
        visit.wait(wait)
        assert visit.state is State.ENDED
        assert not any(isinstance(effect, RequestRebooking) for effect in visit.effects)


class TestRefusedOrders:
    """A fact that a state does not list is refused when a person orders it, and ignored when it was seen."""

    HOLD = ev.HoldOrdered(OFFICER, SITES[PRISON], "YN-16-2")
    RESUME = ev.ResumeOrdered(OFFICER, SITES[PRISON])
    END = ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-8")

    @pytest.mark.parametrize(
        ("begin", "refused"),
        [
            (lambda: Visit(at(-60)), (HOLD, RESUME, END, *CHECKED_IN, *TESTED)),
            (lambda: Visit(at(-20)), (HOLD, RESUME)),
            (prepared, (HOLD, RESUME)),
            (live, (RESUME, *CHECKED_IN, ev.SlotCancelled("clerk"))),
        ],
    )
    def test_a_refused_order_raises_conflict_and_changes_nothing(
        self, begin: Callable[[], Visit], refused: tuple[ev.Fact, ...]
    ) -> None:
        visit = begin()
        before = visit.session
        for fact in refused:
            with pytest.raises(Conflict):
                visit.tell(fact)
        assert visit.session == before

    def test_a_visit_on_hold_is_not_held_twice(self) -> None:
        visit = live()
        visit.tell(self.HOLD)
        with pytest.raises(Conflict):
            visit.tell(self.HOLD)

    def test_after_the_end_every_order_is_refused_and_every_other_fact_is_ignored(self) -> None:
        visit = live()
        visit.tell(self.END)
        before = visit.session
        for fact in (self.HOLD, self.RESUME, self.END, ev.SlotCancelled("clerk"), *CHECKED_IN, *TESTED):
            with pytest.raises(Conflict):
                visit.tell(fact)
        seen = (ev.RelayLost("x"), ev.RelayReady(), ev.RecorderLost("x"), ev.RecorderReady(), ev.RecorderFlushed())
        assert visit.tell(ev.TimePassed(), ev.Crossed(1.0), WATCHED, *PUBLISHING, *seen) == ()
        assert visit.session == before and visit.wake is None
