"""Yunnan 18, Guangdong 36: which cause decides how a held visit ends, and which ends are booked again first. Each
combination of a first cause with what came later is written out from the tables in `broker.session.endings`."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import UserId
from broker.session import events as ev
from broker.session.effects import Reason, RequestRebooking
from broker.session.snapshot import from_json, to_json
from broker.session.state import End, State
from broker.session.transitions import abort, wakes_at
from config.policy import Policy
from tests.support.session_story import (
    CHILD,
    GUANGDONG,
    INMATE,
    KIN,
    OFFICER,
    PREPARED,
    PRISON,
    PUBLISHING,
    SITES,
    WATCHED,
    YUNNAN,
    Visit,
    at,
    here,
    live,
    officers,
    prepared,
)

GRACE = YUNNAN.hold_grace.total_seconds()
FAULT = {YUNNAN.name: "YN-18", GUANGDONG.name: "GD-36"}
LIFTED = {YUNNAN.name: "YN-16-2", GUANGDONG.name: "GD-36"}  # what Guangdong 29 holds is not resumed
ACT = {YUNNAN.name: "YN-16-2", GUANGDONG.name: "GD-29-1"}

Losses = dict[str, tuple[ev.Fact, ...]]
LOST: Losses = {
    "room_lost": (ev.RoomMedia(PRISON, False),),
    "quorum_lost": (ev.WatchersChanged(officers(visitor=1)),),
    "recorder_lost": (ev.RecorderLost("killed"),),
    "storage_lost": (ev.StorageChanged(False),),
    "relay_lost": (ev.RelayLost("died"),),
}
BACK: Losses = {
    "room_lost": tuple(PUBLISHING),
    "quorum_lost": (WATCHED,),
    "recorder_lost": (ev.RecorderReady(), ev.RecorderFlushed()),
    "storage_lost": (ev.StorageChanged(True),),
    "relay_lost": (ev.RelayReady(),),
}


def hold(policy: Policy, code: dict[str, str], site: object = PRISON) -> ev.HoldOrdered:
    """An officer of the side holds the visit under the province's code of that kind."""
    return ev.HoldOrdered(OFFICER, SITES[PRISON], code[policy.name], "说明")


RESUME = ev.ResumeOrdered(OFFICER, SITES[PRISON])


def over(visit: Visit) -> End:
    """Wait until the hold has outlasted its grace; how the visit ended."""
    visit.wait(GRACE + 0.001)
    assert visit.state is State.ENDED and visit.session.end is not None
    asked = [effect for effect in visit.effects if isinstance(effect, RequestRebooking)]
    assert asked == ([RequestRebooking(visit.session.end.cause)] if visit.session.end.rebook else []), "once, or never"
    return visit.session.end


@pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG], ids=["yunnan", "guangdong"])
class TestAHoldThatOutlastsItsGrace:
    """The cause that began the hold decides."""

    def test_under_the_code_of_a_fault_it_is_technical_and_booked_again(self, policy: Policy) -> None:
        visit = live(policy=policy)
        visit.tell(hold(policy, FAULT))
        assert over(visit) == End(
            Reason.TECHNICAL, visit.session.end.at, None, OFFICER, FAULT[policy.name], "说明", True
        )

    def test_under_another_code_it_is_the_officers(self, policy: Policy) -> None:
        visit = live(policy=policy)
        visit.tell(hold(policy, ACT))
        end = over(visit)
        assert (end.reason, end.by, end.article, end.rebook) == (
            Reason.ENDED_BY_SUPERVISOR,
            OFFICER,
            ACT[policy.name],
            False,
        )

    @pytest.mark.parametrize("code", [FAULT, ACT], ids=["fault", "act"])
    @pytest.mark.parametrize("cause", LOST)
    def test_what_is_lost_first_stays_technical_whatever_an_officer_orders_on_top(
        self, policy: Policy, cause: str, code: dict[str, str]
    ) -> None:
        visit = live(policy=policy)
        visit.tell(*LOST[cause])
        visit.wait(5)
        visit.tell(hold(policy, code))
        end = over(visit)
        assert (end.reason, end.cause, end.by, end.article, end.rebook) == (Reason.TECHNICAL, cause, "", "", True)

    @pytest.mark.parametrize("cause", LOST)
    def test_an_officers_hold_stays_the_officers_whatever_is_lost_on_top(self, policy: Policy, cause: str) -> None:
        visit = live(policy=policy)
        visit.tell(hold(policy, ACT))
        visit.wait(5)
        visit.tell(*LOST[cause])
        end = over(visit)
        assert (end.reason, end.article, end.rebook) == (Reason.ENDED_BY_SUPERVISOR, ACT[policy.name], False)

    @pytest.mark.parametrize("cause", LOST)
    def test_a_hold_that_is_lifted_leaves_the_word_to_what_is_still_lost(self, policy: Policy, cause: str) -> None:
        visit = live(policy=policy)
        visit.tell(hold(policy, LIFTED), *LOST[cause])
        visit.wait(5)
        visit.tell(RESUME)
        end = over(visit)
        assert (end.reason, end.cause, end.rebook) == (Reason.TECHNICAL, cause, True)

    def test_a_hold_ordered_anew_does_not_take_it_back(self, policy: Policy) -> None:
        visit = live(policy=policy)
        visit.tell(hold(policy, LIFTED), *LOST["room_lost"], RESUME, hold(policy, ACT))
        end = over(visit)
        assert (end.reason, end.cause, end.rebook) == (Reason.TECHNICAL, "room_lost", True)

    def test_a_new_hold_after_the_gate_was_open_again_has_its_own_cause(self, policy: Policy) -> None:
        visit = live(policy=policy)
        visit.tell(*LOST["room_lost"], *BACK["room_lost"])
        visit.wait(10)
        assert visit.crossing()
        visit.tell(hold(policy, ACT))
        assert over(visit).reason is Reason.ENDED_BY_SUPERVISOR

    def test_an_end_that_an_officer_orders_is_the_officers_also_while_a_fault_holds(self, policy: Policy) -> None:
        visit = live(policy=policy)
        visit.tell(*LOST["room_lost"], ev.EndOrdered(OFFICER, SITES[PRISON], ACT[policy.name]))
        end = visit.session.end
        assert end is not None and (end.reason, end.rebook) == (Reason.ENDED_BY_SUPERVISOR, False)


class TestAHoldOverARestart:
    """The cause outlives the control process; what was open is held by the restart itself."""

    def restarted(self, visit: Visit) -> None:
        saved = json.loads(json.dumps(to_json(visit.session, "boot")))
        visit.session = from_json(visit.session.slot, saved, visit.now, "boot")
        visit.wake = wakes_at(visit.session, visit.now, visit.policy)

    def test_an_officers_hold_is_still_the_officers(self) -> None:
        visit = live()
        visit.tell(hold(YUNNAN, ACT))
        self.restarted(visit)
        assert over(visit).reason is Reason.ENDED_BY_SUPERVISOR

    def test_a_fault_on_which_an_officer_holds_is_still_a_fault(self) -> None:
        visit = live()
        visit.tell(*LOST["room_lost"], hold(YUNNAN, ACT))
        self.restarted(visit)
        end = over(visit)
        assert (end.reason, end.cause) == (Reason.TECHNICAL, "room_lost")

    def test_a_visit_that_was_open_and_does_not_come_back_is_technical(self) -> None:
        visit = live()
        self.restarted(visit)
        end = over(visit)
        assert (end.reason, end.cause, end.rebook) == (Reason.TECHNICAL, "taken_up", True)

    def test_a_power_cut_is_technical_whoever_held_the_visit(self) -> None:
        visit = live()
        visit.tell(hold(YUNNAN, ACT))
        visit.session = from_json(visit.session.slot, to_json(visit.session, "boot-1"), visit.now, "boot-2")
        visit.tell(ev.TimePassed())
        assert visit.session.end is not None
        assert (visit.session.end.cause, visit.session.end.rebook) == ("power_lost", True)


class TestAnyHold:
    """Whatever holds on top of whatever, as the table says."""

    CAUSES = ("act", "fault", *LOST)

    @given(st.sampled_from(CAUSES), st.lists(st.sampled_from(CAUSES), max_size=4), st.lists(st.sampled_from([*LOST])))
    def test_the_first_cause_decides(self, first: str, later: list[str], back: list[str]) -> None:
        visit = live()
        for cause in dict.fromkeys([first, *later]):
            held = visit.session.hold is not None
            facts = LOST.get(cause) or ((hold(YUNNAN, {"act": ACT, "fault": FAULT}[cause]),) if not held else ())
            visit.tell(*facts)
            visit.wait(1)
        for cause in back:
            if cause != first:
                visit.tell(*BACK[cause])
        end = over(visit)
        technical = first != "act"
        assert (end.reason is Reason.TECHNICAL, end.rebook) == (technical, technical)
        assert end.cause == (first if first in LOST else "说明")


class TestTheLimitUnderAHold:
    """Decision 1: the limit is not moved; what a fault took is given back by another visit."""

    @pytest.mark.parametrize(
        ("facts", "again"),
        [
            (LOST["room_lost"], True),
            ((hold(YUNNAN, FAULT),), True),
            ((hold(YUNNAN, ACT),), False),
            ((), False),
        ],
    )
    def test_it_ends_at_the_limit_and_only_a_fault_is_booked_again(
        self, facts: tuple[ev.Fact, ...], again: bool
    ) -> None:
        visit = live()
        visit.wait(1790)
        visit.tell(*facts)
        visit.wait(10)
        end = visit.session.end
        assert end is not None and (end.reason, end.rebook) == (Reason.TIME_LIMIT, again)

    def test_a_hold_that_was_lifted_just_before_it_asks_for_nothing(self) -> None:
        visit = live()
        visit.wait(1790)
        visit.tell(hold(YUNNAN, ACT), *LOST["room_lost"], *BACK["room_lost"], RESUME)
        visit.wait(10)
        end = visit.session.end
        assert end is not None and (end.reason, end.rebook) == (Reason.TIME_LIMIT, False)


class TestEndsBeforeTheVisit:
    @pytest.mark.parametrize(
        ("begin", "reason", "again"),
        [
            (lambda: _waited(Visit(at(-20)), here(INMATE), 15), Reason.NO_SHOW, False),
            (lambda: _waited(Visit(at(-20)), here(KIN, CHILD), 15), Reason.NO_SHOW, True),
            (lambda: _waited(Visit(at(-20)), [], 15), Reason.NO_SHOW, False),
            (lambda: _waited(Visit(at(-20)), PREPARED[1:], 40), Reason.TECHNICAL, True),
            (lambda: Visit(at(16)), Reason.TECHNICAL, True),
            (lambda: _waited(prepared(), [ev.EndOrdered(OFFICER, SITES[PRISON], "YN-18")], -9), Reason.TECHNICAL, True),
            (
                lambda: _waited(prepared(), [ev.EndOrdered(OFFICER, SITES[PRISON], "YN-17-1")], -9),
                Reason.ENDED_BY_SUPERVISOR,
                False,
            ),
        ],
    )
    def test_what_the_family_did_not_miss_is_booked_again(
        self, begin: Callable[[], Visit], reason: Reason, again: bool
    ) -> None:
        visit = begin()
        end = visit.session.end
        assert end is not None and (end.reason, end.rebook) == (reason, again)
        assert [type(effect) for effect in visit.effects].count(RequestRebooking) == again

    def test_a_session_that_failed_is_booked_again(self) -> None:
        session, effects = abort(live().session, at(1))
        assert session.end is not None and session.end.rebook
        assert RequestRebooking("internal_error") in effects


def _waited(visit: Visit, facts: list[ev.Fact], minutes: float) -> Visit:
    visit.tell(*facts)
    visit.wait_until(minutes, 0.001)
    return visit


class TestOfficersAtBothSites:
    def test_the_sides_are_the_officers_sites(self) -> None:
        """An officer's hold is lifted by any officer of the site, and the lifting passes the cause on all the same."""
        visit = live()
        visit.tell(hold(YUNNAN, ACT), *LOST["quorum_lost"], ev.ResumeOrdered(UserId("p-2"), SITES[PRISON]))
        assert over(visit).cause == "quorum_lost"
