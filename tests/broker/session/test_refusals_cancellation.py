"""Cancelling a slot (Guangdong 31(2)): what has been checked in is not cancelled without a code and a reason."""

import itertools

import pytest

from broker.kernel.errors import Conflict, PolicyViolation, ReasonNeeded
from broker.kernel.ids import WarningId
from broker.session import events as ev
from broker.session.effects import Reason, RequestRebooking
from broker.session.state import State
from config.check_in import Tick
from tests.support.session_story import (
    GUANGDONG,
    KIN,
    OFFICER,
    PRISON,
    SEATED,
    SITES,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    live,
    prepared,
)

BY = "integrator:key_1"


def one_tick() -> Visit:
    """A check-in with a single check of one visitor."""
    visit = Visit(at(-20))
    visit.tell(ev.Ticked(VISITOR, KIN, Tick.IDENTITY, True, OFFICER))
    return visit


def untouched() -> Visit:
    """A check-in in which no person was checked; a seat is no person."""
    visit = Visit(at(-20))
    visit.tell(*SEATED)
    return visit


@pytest.mark.parametrize("begin", [lambda: Visit(at(-60)), lambda: Visit(at(-20)), untouched])
class TestBeforeAnybodyIsCheckedIn:
    def test_an_author_is_enough(self, begin) -> None:
        visit = begin()
        visit.tell(ev.SlotCancelled(BY))
        end = visit.session.end
        assert end is not None and (end.reason, end.by, end.rebook) == (Reason.CANCELLED, BY, False)

    def test_the_code_of_a_fault_has_it_booked_again_first(self, begin) -> None:
        visit = begin()
        visit.tell(ev.SlotCancelled(BY, "YN-18", "停电"))
        assert visit.effects[-1] == RequestRebooking("停电")

    def test_a_reason_is_kept(self, begin) -> None:
        visit = begin()
        visit.tell(ev.SlotCancelled(BY, note="会见人来电改期"))
        assert visit.session.end is not None and visit.session.end.cause == "会见人来电改期"

    @pytest.mark.parametrize("code", ["YN-99", "END-COMPLETED", "SAY-GUIDE"])
    def test_no_other_code_is_taken(self, begin, code) -> None:
        visit = begin()
        with pytest.raises(PolicyViolation):
            visit.tell(ev.SlotCancelled(BY, code, "说明"))
        assert visit.session.end is None


@pytest.mark.parametrize("begin", [one_tick, prepared])
class TestOnceSomebodyIsCheckedIn:
    @pytest.mark.parametrize(
        ("code", "note"), [("", ""), ("", "说明"), *(("YN-18", none) for none in ("", "  ", "。"))]
    )
    def test_a_code_and_a_reason_are_needed_and_the_refusal_says_which(self, begin, code, note) -> None:
        visit = begin()
        before = visit.session
        with pytest.raises(ReasonNeeded) as refusal:
            visit.tell(ev.SlotCancelled(BY, code, note))
        assert visit.session is before
        assert "YN-18" in refusal.value.extra["codes"] and "END-COMPLETED" not in refusal.value.extra["codes"]

    @pytest.mark.parametrize(("code", "again"), [("YN-18", True), ("YN-17-4", False), ("YN-16-6", False)])
    def test_the_code_decides_whether_it_is_booked_again_first(self, begin, code, again) -> None:
        visit = begin()
        visit.tell(ev.SlotCancelled(BY, code, "说明"))
        end = visit.session.end
        assert end is not None and (end.reason, end.article, end.cause) == (Reason.CANCELLED, code, "说明")
        assert end.rebook is again

    @pytest.mark.parametrize("code", ["END-COMPLETED", "SAY-GUIDE", "YN-99"])
    def test_no_other_code_is_taken(self, begin, code) -> None:
        with pytest.raises(PolicyViolation):
            begin().tell(ev.SlotCancelled(BY, code, "说明"))

    def test_a_check_that_is_taken_back_is_none(self, begin) -> None:
        visit = one_tick()
        visit.tell(ev.Ticked(VISITOR, KIN, Tick.IDENTITY, False, OFFICER), ev.SlotCancelled(BY))
        assert visit.state is State.ENDED


class TestCancellingIsNoWayAroundTheConditionsOfAGround:
    """16(1), 25 and 29(2) are not open to a booking system only because officers may not use them yet."""

    @pytest.mark.parametrize(("policy", "code"), [(YUNNAN, "YN-16-1"), (GUANGDONG, "GD-29-2")])
    def test_a_ground_needs_the_dissuasion_that_its_text_supposes(self, policy, code) -> None:
        visit = Visit(at(-20), policy=policy)
        with pytest.raises(PolicyViolation):
            visit.tell(ev.SlotCancelled(BY, code, "说明"))
        before = policy.intervention(code).after[0]
        visit.tell(ev.WarningGiven(WarningId("w_1"), OFFICER, SITES[VISITOR], (VISITOR,), before, "请停止", "Please"))
        visit.tell(ev.SlotCancelled(BY, code, "说明"))
        assert visit.session.end is not None and visit.session.end.article == code

    @pytest.mark.parametrize("code", [f"GD-25-{number}" for number in range(1, 10)])
    def test_the_countys_grounds_are_the_countys(self, code) -> None:
        visit = Visit(at(-20), policy=GUANGDONG)
        with pytest.raises(PolicyViolation):
            visit.tell(ev.SlotCancelled(BY, code, "说明"))
        assert visit.session.end is None

    def test_they_are_not_offered_either(self) -> None:
        visit = prepared(policy=GUANGDONG)
        with pytest.raises(ReasonNeeded) as refusal:
            visit.tell(ev.SlotCancelled(BY))
        assert not [code for code in refusal.value.extra["codes"] if code.startswith("GD-25")]

    @pytest.mark.parametrize("code", ["GD-36-2", "GD-36-3"])
    def test_a_cause_that_the_province_announces_names_the_announcement(self, code) -> None:
        visit = Visit(at(-60), policy=GUANGDONG)
        with pytest.raises(PolicyViolation):
            visit.tell(ev.SlotCancelled(BY, code))
        visit.tell(ev.SlotCancelled(BY, code, "粤司公告〔2026〕3号"))
        assert visit.session.end is not None and visit.session.end.rebook


def held() -> Visit:
    """A visit that an officer holds."""
    visit = live(policy=GUANGDONG)
    visit.tell(ev.HoldOrdered(OFFICER, SITES[PRISON], "GD-29-1"))
    return visit


@pytest.mark.parametrize(("begin", "code"), [*itertools.product([live, held], ["", "YN-18", "GD-36"])])
def test_what_has_begun_is_ended_and_not_cancelled(begin, code) -> None:
    visit = begin()
    with pytest.raises(Conflict):
        visit.tell(ev.SlotCancelled(BY, code, "说明"))
    assert visit.session.end is None
