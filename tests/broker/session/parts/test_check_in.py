"""Check-in, person by person and check by check: Yunnan 10 to 12, 17(2), 19, 23; Guangdong 23, 24, 28."""

import itertools
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.booking.slot import Person, PersonRole, Slot
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import PersonId, Side
from broker.session import events as ev
from broker.session.effects import ClosePorts, NoteAbsence, Reason, RequestRebooking
from broker.session.parts.check_in import Acknowledgement, lacks, required
from broker.session.readiness import Missing, missing
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from config.check_in import Manner, Tick
from config.policy import Policy
from tests.support.session_story import (
    ACKNOWLEDGED,
    CHECKED_IN,
    CHILD,
    GUANGDONG,
    INMATE,
    KIN,
    OFFICER,
    PREPARED,
    PRISON,
    SEATED,
    SITES,
    SLOT,
    VISITOR,
    YUNNAN,
    Visit,
    acknowledging,
    at,
    here,
    live,
    prepared,
)

INTERPRETER = PersonId("interpreter")
VISITORS = (Tick.IDENTITY, Tick.SECURITY, Tick.PHONE, Tick.RULES)
PRISONERS = (Tick.IDENTITY, Tick.SECURITY, Tick.RULES)


def with_interpreter(language: str, side: Side = VISITOR) -> Slot:
    """The slot in another language, with an interpreter on its list."""
    helper = Person(INTERPRETER, side, "丁", "翻译", role=PersonRole.INTERPRETER)
    return replace(SLOT, language=language, people=(*SLOT.people, helper))


def first_visits() -> Slot:
    """The slot with the mother visiting for the first time."""
    return replace(SLOT, people=tuple(replace(one, first_visit=one.id == KIN) for one in SLOT.people))


def ticks(slot: Slot, policy: Policy, *people: PersonId) -> list[ev.Ticked]:
    """Each single check that these people need."""
    return [
        ev.Ticked(one.side, one.id, tick, True, OFFICER)
        for one in slot.people
        if one.id in people
        for tick in required(one, policy.check_in)
    ]


def lacking(visit: Visit) -> set[Missing]:
    """The conditions that are missing now."""
    return set(missing(visit.session, visit.now, visit.policy))


class TestWhatAPersonNeeds:
    def test_visitors_hand_in_their_telephones_and_prisoners_have_none(self) -> None:
        inmate, kin, _ = SLOT.people
        assert required(kin, YUNNAN.check_in) == required(kin, GUANGDONG.check_in) == VISITORS
        assert required(inmate, YUNNAN.check_in) == required(inmate, GUANGDONG.check_in) == PRISONERS

    def test_a_first_visit_signs_the_letter_in_guangdong_only(self) -> None:
        kin = replace(SLOT.people[1], first_visit=True)
        assert required(kin, GUANGDONG.check_in) == (*VISITORS, Tick.LETTER)
        assert required(kin, YUNNAN.check_in) == VISITORS

    def test_an_interpreter_is_searched_like_a_visitor_on_either_side_and_signs_nothing(self) -> None:
        for side in Side:
            helper = Person(INTERPRETER, side, "丁", first_visit=True, role=PersonRole.INTERPRETER)
            assert required(helper, GUANGDONG.check_in) == VISITORS


class TestTicks:
    def test_a_person_is_checked_in_by_the_last_tick_in_any_order(self) -> None:
        for order in itertools.permutations(ticks(SLOT, YUNNAN, KIN)):
            visit = Visit(at(-20))
            visit.tell(*order[:-1])
            assert KIN not in visit.session.check_in.checked
            visit.tell(order[-1])
            assert KIN in visit.session.check_in.checked

    @pytest.mark.parametrize("left_out", ticks(SLOT, YUNNAN, INMATE, KIN, CHILD), ids=str)
    def test_without_any_single_check_the_session_is_not_ready(self, left_out: ev.Ticked) -> None:
        visit = Visit(at(-20))
        visit.tell(*[fact for fact in PREPARED if fact not in CHECKED_IN])
        visit.tell(*[tick for tick in ticks(SLOT, YUNNAN, INMATE, KIN, CHILD) if tick != left_out])
        assert visit.state is State.CHECK_IN
        (lack,) = lacks(visit.session.check_in, SLOT, left_out.side, YUNNAN.check_in)
        assert (lack.person.id, lack.ticks) == (left_out.person, (left_out.tick,))
        visit.tell(left_out)
        assert visit.state is State.READY

    def test_a_check_taken_back_makes_the_session_not_ready_again(self) -> None:
        visit = prepared()
        visit.tell(ev.Ticked(VISITOR, KIN, Tick.SECURITY, False, OFFICER))
        assert visit.state is State.CHECK_IN and KIN not in visit.session.check_in.checked
        assert lacking(visit) == {Missing.VISITOR_CHECK_IN}

    def test_taking_back_what_was_never_ticked_changes_nothing(self) -> None:
        visit = Visit(at(-20))
        before = visit.session
        visit.tell(ev.Ticked(VISITOR, KIN, Tick.SECURITY, False, OFFICER))
        assert visit.session == before

    def test_one_order_makes_the_checks_that_it_names_and_no_more(self) -> None:
        visit = Visit(at(-20))
        visit.tell(ev.PersonCheckedIn(VISITOR, KIN, OFFICER))
        assert visit.session.check_in.ticks[KIN] == set(PRISONERS) and KIN not in visit.session.check_in.checked
        visit.tell(ev.Ticked(VISITOR, KIN, Tick.PHONE, True, OFFICER))
        assert KIN in visit.session.check_in.checked

    def test_an_unlisted_person_cannot_be_added_yunnan_27_4(self) -> None:
        visit = Visit(at(-20))
        for side, person in ((VISITOR, PersonId("stranger")), (PRISON, KIN), (VISITOR, INMATE)):
            with pytest.raises(NotFound):
                visit.tell(ev.Ticked(side, person, Tick.IDENTITY, True, OFFICER))

    def test_a_person_noted_absent_is_checked_anew_when_they_come_after_all(self) -> None:
        visit = prepared()
        visit.tell(ev.PersonAbsent(VISITOR, CHILD, OFFICER))
        assert visit.state is State.READY, "the others may go on"
        visit.tell(ev.Ticked(VISITOR, CHILD, Tick.IDENTITY, True, OFFICER))
        assert visit.state is State.CHECK_IN and not visit.session.check_in.absent
        assert lacks(visit.session.check_in, SLOT, VISITOR, YUNNAN.check_in)[0].ticks == (
            Tick.SECURITY,
            Tick.PHONE,
            Tick.RULES,
        )

    def test_nothing_is_ticked_before_check_in_opens_or_after_people_meet(self) -> None:
        for visit in (Visit(at(-31)), live()):
            for fact in (ticks(SLOT, YUNNAN, KIN)[0], ev.SeatReady(VISITOR, False, OFFICER)):
                with pytest.raises(Conflict):
                    visit.tell(fact)


class TestCommitmentLetter:
    """Guangdong 24: a first visit signs the commitment letter."""

    def test_without_the_letter_the_gate_stays_shut_and_the_letter_is_missing(self) -> None:
        visit = Visit(at(-20), slot=first_visits(), policy=GUANGDONG)
        visit.tell(*PREPARED)
        assert visit.state is State.CHECK_IN and lacking(visit) == {Missing.VISITOR_LETTER}
        visit.tell(ev.Ticked(VISITOR, KIN, Tick.LETTER, True, OFFICER))
        assert visit.state is State.READY

    def test_yunnan_asks_for_no_letter(self) -> None:
        assert prepared(slot=first_visits()).state is State.READY

    def test_the_letter_replaces_no_other_check(self) -> None:
        visit = Visit(at(-20), slot=first_visits(), policy=GUANGDONG)
        visit.tell(*PREPARED, ev.Ticked(VISITOR, KIN, Tick.LETTER, True, OFFICER))
        visit.tell(ev.Ticked(VISITOR, KIN, Tick.IDENTITY, False, OFFICER))
        assert lacking(visit) == {Missing.VISITOR_CHECK_IN}


class TestSeat:
    """Yunnan 11: brought to the assigned place."""

    @pytest.mark.parametrize("side", Side)
    def test_each_room_says_that_its_seat_is_ready(self, side: Side) -> None:
        visit = prepared()
        visit.tell(ev.SeatReady(side, False, OFFICER))
        assert visit.state is State.CHECK_IN and lacking(visit) == {Missing(f"{side}_seat")}
        visit.tell(*SEATED)
        assert visit.state is State.READY


class TestRules:
    """Yunnan 12 and notice, Guangdong 24 and annex: the people in each room acknowledge the rules themselves."""

    @pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG])
    @pytest.mark.parametrize("side", Side)
    def test_no_visit_is_ready_before_each_room_has_acknowledged_them(self, side: Side, policy: Policy) -> None:
        visit = Visit(at(-20), policy=policy)
        visit.tell(*[fact for fact in PREPARED if fact not in ACKNOWLEDGED], acknowledging(side, policy))
        assert visit.state is State.CHECK_IN and lacking(visit) == {Missing(f"{side.other}_rules")}
        visit.tell(acknowledging(side.other, policy))
        assert visit.state is State.READY

    def test_it_is_kept_when_and_by_which_terminal_in_which_language_and_how(self) -> None:
        visit = Visit(at(-20))
        visit.tell(ev.RulesAcknowledged(PRISON, "trm_1", "yunnan-notice", "en", Manner.KEY))
        acknowledgement = Acknowledgement("trm_1", visit.now.wall, "yunnan-notice", "en", Manner.KEY)
        assert visit.session.check_in.rules == {PRISON: acknowledgement}

    def test_the_first_time_counts_and_a_terminal_that_comes_back_changes_nothing(self) -> None:
        visit = Visit(at(-20))
        visit.tell(acknowledging(PRISON))
        first = visit.session.check_in.rules[PRISON]
        visit.wait(60)
        visit.tell(replace(acknowledging(PRISON), by="trm_2", language="en", manner=Manner.UNATTENDED))
        assert visit.session.check_in.rules == {PRISON: first}

    @pytest.mark.parametrize("reboot", [False, True])
    def test_it_outlives_a_restart_of_the_service_and_of_the_machine(self, reboot: bool) -> None:
        visit = prepared()
        kept = json.loads(json.dumps(to_json(visit.session, "boot-1")))
        after = from_json(SLOT, kept, visit.now, "boot-2" if reboot else "boot-1")
        assert after.check_in.rules == visit.session.check_in.rules and len(after.check_in.rules) == 2

    def test_another_text_than_that_of_the_visits_own_rules_is_refused(self) -> None:
        visit = Visit(at(-20))
        with pytest.raises(Conflict) as refusal:
            visit.tell(ev.RulesAcknowledged(PRISON, "trm_1", "guangdong-letter", "zh", Manner.TOUCH))
        assert refusal.value.extra["text"] == "yunnan-notice" and not visit.session.check_in.rules

    def test_what_was_acknowledged_of_former_rules_counts_no_more(self) -> None:
        """A pack that a newer law forbids is replaced (`PackReplaced`); its text is told anew."""
        visit = prepared()
        visit.policy = GUANGDONG
        visit.tell(ev.TimePassed())
        assert visit.state is State.CHECK_IN and {Missing.PRISON_RULES, Missing.VISITOR_RULES} <= lacking(visit)
        visit.tell(acknowledging(PRISON, GUANGDONG))
        assert visit.session.check_in.rules[PRISON].text == "guangdong-letter"
        assert Missing.PRISON_RULES not in lacking(visit)

    def test_a_visit_that_goes_on_asks_for_none_any_more(self) -> None:
        visit = live()
        with pytest.raises(Conflict):
            visit.tell(acknowledging(PRISON))
        assert visit.state is State.LIVE

    def test_it_counts_for_this_session_only(self) -> None:
        prepared()
        assert {Missing.PRISON_RULES, Missing.VISITOR_RULES} <= lacking(Visit(at(-20)))


class TestEquipment:
    """Yunnan 12: each part that was tested is shown, also one that failed."""

    def test_each_part_of_the_last_test_is_kept_with_author_and_time(self) -> None:
        visit = Visit(at(-20))
        parts = {"camera": "passed", "microphone": "failed", "speaker": "not_checked", "network": "passed"}
        visit.tell(ev.SelfTested(PRISON, False, "trm_1", parts))
        shown = visit.session.check_in.equipment[PRISON]
        assert (shown.passed, shown.by, shown.at, shown.parts) == (False, "trm_1", visit.now.wall, parts)
        assert PRISON not in visit.session.check_in.tested and VISITOR not in visit.session.check_in.equipment

    def test_a_test_by_staff_replaces_that_of_the_terminal(self) -> None:
        visit = Visit(at(-20))
        visit.tell(
            ev.SelfTested(PRISON, False, "trm_1", {"camera": "failed"}),
            ev.SelfTested(PRISON, True, OFFICER, reason="by hand"),
        )
        assert visit.session.check_in.equipment[PRISON].passed and not visit.session.check_in.equipment[PRISON].parts
        assert Missing.PRISON_SELF_TEST not in lacking(visit)


class TestInterpreter:
    """F16: another language is spoken with an interpreter present, or the gate stays shut."""

    @pytest.mark.parametrize("side", Side)
    @pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG])
    def test_the_gate_waits_for_an_interpreter_checked_in_in_either_room(self, policy: Policy, side: Side) -> None:
        slot = with_interpreter("bo", side)
        visit = Visit(at(-20), slot=slot, policy=policy)
        visit.tell(*PREPARED)
        assert lacking(visit) == {Missing.INTERPRETER, Missing(f"{side}_check_in")}
        visit.tell(*ticks(slot, policy, INTERPRETER))
        assert visit.state is State.READY

    def test_noting_the_interpreter_absent_does_not_help(self) -> None:
        visit = Visit(at(-20), slot=with_interpreter("csl"))
        visit.tell(*PREPARED, ev.PersonAbsent(VISITOR, INTERPRETER, OFFICER))
        assert visit.state is State.CHECK_IN and lacking(visit) == {Missing.INTERPRETER}

    def test_an_interpreter_alone_does_not_complete_a_side(self) -> None:
        slot = with_interpreter("bo")
        visit = Visit(at(-20), slot=slot)
        visit.tell(*PREPARED, *ticks(slot, YUNNAN, INTERPRETER))
        visit.tell(*[ev.PersonAbsent(VISITOR, person, OFFICER) for person in (KIN, CHILD)])
        assert Missing.VISITOR_CHECK_IN in lacking(visit)

    def test_the_family_forfeits_nothing_because_the_interpreter_did_not_come(self) -> None:
        visit = Visit(at(-20), slot=with_interpreter("bo"))
        visit.tell(*PREPARED)
        visit.wait_until(39)
        assert visit.state is State.CHECK_IN
        visit.tell(ev.PersonAbsent(VISITOR, INTERPRETER, OFFICER))
        for side in Side:  # their tests are stale by now
            visit.tell(ev.SelfTested(side, True, "t", {"camera": "passed"}))
        visit.wait_until(40, 0.1)
        assert RequestRebooking("interpreter") in visit.effects
        assert not any(isinstance(effect, NoteAbsence) for effect in visit.effects)

    def test_a_dialect_with_its_reason_needs_none_in_guangdong(self) -> None:
        people = tuple(replace(one, dialect_reason="年老，不会普通话") for one in SLOT.people)
        slot = replace(SLOT, language="zh-yue", people=people)
        assert prepared(slot=slot, policy=GUANGDONG).state is State.READY
        assert prepared(slot=slot, policy=YUNNAN).state is State.CHECK_IN


class TestLate:
    """Yunnan 10 and 17(2), Guangdong 23: the timer notes that a side was not there, and no more. Whether it was without
    reason (无故) is an officer's word (tests/broker/booking/test_absence.py)."""

    @pytest.mark.parametrize(("policy", "article"), [(YUNNAN, "云南 第十条"), (GUANGDONG, "广东 第二十三条")])
    def test_of_visitors_who_do_not_come_it_is_noted_and_nothing_follows(self, policy: Policy, article: str) -> None:
        visit = Visit(at(-20), policy=policy)
        visit.tell(*here(INMATE))
        assert visit.wait_until(15) == (ClosePorts(), NoteAbsence(VISITOR))
        end = visit.session.end
        assert end is not None and (end.reason, end.side, end.article) == (Reason.NO_SHOW, VISITOR, article)
        assert not end.rebook

    def test_a_forward_step_of_the_clock_takes_nothing_from_anybody(self) -> None:
        visit = Visit(at(-20), policy=GUANGDONG)
        visit.step_wall_clock(timedelta(minutes=36))
        visit.tell(ev.TimePassed())
        assert not {type(effect).__name__ for effect in visit.effects} & {"Forfeit"}
        assert "lost" not in (to_json(visit.session, "boot")["end"] or {})

    def test_a_prisoner_who_was_not_brought_is_noted_and_the_visit_is_booked_again_first_yunnan_18(self) -> None:
        visit = Visit(at(-20), policy=GUANGDONG)
        visit.tell(*here(KIN, CHILD))
        visit.wait_until(15)
        assert visit.session.end is not None
        assert (visit.session.end.reason, visit.session.end.side) == (Reason.NO_SHOW, PRISON)
        assert visit.effects[-2:] == [NoteAbsence(PRISON), RequestRebooking("not_brought")]

    @pytest.mark.parametrize("minutes", [15, 39, 41, 500])
    def test_no_side_is_late_for_a_check_in_that_was_never_open(self, minutes: int) -> None:
        visit = Visit(at(minutes), policy=GUANGDONG)
        assert visit.effects == [RequestRebooking("desk_missed")]
        assert visit.session.end is not None and visit.session.end.reason is Reason.TECHNICAL

    def test_an_officer_may_note_lateness_sooner_by_its_code(self) -> None:
        visit = Visit(at(-20))
        visit.tell(*here(INMATE))
        visit.wait_until(5)
        effects = visit.tell(ev.EndOrdered(OFFICER, SITES[VISITOR], "YN-17-2", "电话未接"))
        assert NoteAbsence(VISITOR) in effects
        end = visit.session.end
        assert end is not None and (end.reason, end.article, end.cause) == (Reason.NO_SHOW, "YN-17-2", "电话未接")

    def test_an_officer_does_not_note_lateness_of_visitors_who_are_there(self) -> None:
        for visit in (prepared(), live()):
            effects = visit.tell(ev.EndOrdered(OFFICER, SITES[VISITOR], "YN-17-2"))
            assert visit.session.end is not None and visit.session.end.reason is Reason.ENDED_BY_SUPERVISOR
            assert not any(isinstance(effect, NoteAbsence) for effect in effects)


@st.composite
def slots(draw: st.DrawFn) -> Slot:
    """Any slot of up to seven people in any language."""
    people = draw(
        st.lists(
            st.builds(
                Person,
                id=st.just(PersonId("")),
                side=st.sampled_from(list(Side)),
                name=st.just("某"),
                first_visit=st.booleans(),
                role=st.sampled_from(list(PersonRole)),
                dialect_reason=st.sampled_from(["", "年老"]),
            ),
            min_size=1,
            max_size=7,
        )
    )
    named = tuple(replace(one, id=PersonId(f"per_{n}")) for n, one in enumerate(people))
    return replace(SLOT, people=named, language=draw(st.sampled_from(["zh", "zh-yue", "bo"])))


class TestAnyOrderOfTicks:
    """Any checks in any order, made and taken back."""

    @given(st.data(), slots(), st.sampled_from([YUNNAN, GUANGDONG]))
    def test_ready_means_that_every_person_has_every_check(
        self, data: st.DataObject, slot: Slot, policy: Policy
    ) -> None:
        visit = Visit(at(-20), slot=slot, policy=policy)
        visit.tell(*[fact for fact in PREPARED if fact not in CHECKED_IN])
        everything = [(one, tick) for one in slot.people for tick in required(one, policy.check_in)]
        done: dict[PersonId, set[Tick]] = {one.id: set() for one in slot.people}
        away: set[PersonId] = set()
        ticked = data.draw(st.permutations(everything) | st.lists(st.sampled_from(everything), max_size=40))
        for person, tick in ticked:
            on = data.draw(st.sampled_from([True, True, True, False]))
            visit.tell(ev.Ticked(person.side, person.id, tick, on, OFFICER))
            (done[person.id].add if on else done[person.id].discard)(tick)
            away -= {person.id} if on else set()
            if data.draw(st.integers(0, 15)) == 0:
                visit.tell(ev.PersonAbsent(person.side, person.id, OFFICER))
                done[person.id].clear()
                away.add(person.id)
            whole = {p.id for p in slot.people if done[p.id] >= set(required(p, policy.check_in))} - away
            assert visit.session.check_in.checked == whole
            noted = whole | away == {p.id for p in slot.people}
            present = all(any(p.meets and p.id in whole for p in slot.people_of(side)) for side in Side)
            helped = any(not p.meets and p.id in whole for p in slot.people)
            reason = any(p.dialect_reason and p.meets for p in slot.people_of(VISITOR))
            spoken = slot.language == "zh" or (slot.language == "zh-yue" and policy is GUANGDONG and reason)
            assert (visit.state is State.READY) == (noted and present and (helped or spoken))
            assert bool(lacking(visit)) == (visit.state is not State.READY)
