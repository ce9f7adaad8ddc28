"""Guangdong 31(2): no visit is shortened at will. A visit is complete before its limit by the word of both sides."""

import itertools
import json

import pytest

from broker.kernel.errors import Conflict, PolicyViolation
from broker.kernel.ids import SiteId, UserId
from broker.session import events as ev
from broker.session.effects import Reason, RequestRebooking
from broker.session.parts.farewell import STANDS
from broker.session.snapshot import from_json, to_json
from broker.session.state import State
from broker.session.transitions import wakes_at
from tests.support.session_story import (
    GUANGDONG,
    PREPARED,
    PRISON,
    SITES,
    VISITOR,
    YUNNAN,
    Visit,
    at,
    live,
    prepared,
)

CODE = "END-COMPLETED"
P_OFFICER, P_OTHER = (ev.EndOrdered(UserId(name), SITES[PRISON], CODE) for name in ("p-1", "p-2"))
V_OFFICER = ev.EndOrdered(UserId("v-1"), SITES[VISITOR], CODE)
P_ROOM, V_ROOM = ev.RoomFinished(PRISON, "trm_p"), ev.RoomFinished(VISITOR, "trm_v")
OF_PRISON, OF_VISITOR = (P_OFFICER, P_ROOM), (V_OFFICER, V_ROOM)


def completed(visit: Visit) -> bool:
    """Whether the visit has ended as complete."""
    return visit.session.end is not None and visit.session.end.reason is Reason.COMPLETED


@pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG], ids=["yunnan", "guangdong"])
class TestBothSides:
    @pytest.mark.parametrize(
        ("first", "second"),
        [*itertools.product(OF_PRISON, OF_VISITOR), *itertools.product(OF_VISITOR, OF_PRISON)],
    )
    def test_a_word_of_each_side_completes_the_visit_whoever_gives_it(self, policy, first, second) -> None:
        visit = live(policy=policy)
        visit.wait(60)
        visit.tell(first)
        assert visit.state is State.LIVE and visit.crossing()
        visit.tell(second)
        end = visit.session.end
        assert end is not None and (end.reason, end.article) == (Reason.COMPLETED, CODE)
        assert not any(isinstance(effect, RequestRebooking) for effect in visit.effects)

    @pytest.mark.parametrize("word", [*OF_PRISON, *OF_VISITOR])
    def test_one_word_ends_nothing_however_long_one_waits(self, policy, word) -> None:
        visit = live(policy=policy)
        visit.tell(word)
        visit.wait(1799)
        assert visit.crossing()
        visit.wait(1)
        assert visit.session.end is not None and visit.session.end.reason is Reason.TIME_LIMIT

    @pytest.mark.parametrize(("first", "second"), list(itertools.permutations((P_OFFICER, P_OTHER, P_ROOM), 2)))
    def test_one_side_has_one_word(self, policy, first, second) -> None:
        visit = live(policy=policy)
        visit.tell(first)
        with pytest.raises(Conflict):
            visit.tell(second)
        assert visit.state is State.LIVE

    @pytest.mark.parametrize("word", [*OF_PRISON, *OF_VISITOR])
    def test_the_same_word_twice_is_one(self, policy, word) -> None:
        visit = live(policy=policy)
        visit.tell(word)
        with pytest.raises(Conflict):
            visit.tell(word)
        assert visit.state is State.LIVE

    def test_one_person_speaks_for_one_side_only(self, policy) -> None:
        visit = live(policy=policy)
        visit.tell(P_OFFICER)
        with pytest.raises(Conflict):
            visit.tell(ev.EndOrdered(P_OFFICER.by, SITES[VISITOR], CODE))
        assert visit.state is State.LIVE

    def test_an_officer_of_a_third_site_has_no_word(self, policy) -> None:
        visit = live(policy=policy)
        with pytest.raises(Conflict):
            visit.tell(ev.EndOrdered(UserId("x"), SiteId("bureau-2"), CODE))
        assert not visit.session.farewell


class TestWhenAWordCounts:
    @pytest.mark.parametrize("begin", [lambda: Visit(at(-60)), lambda: Visit(at(-20)), prepared])
    @pytest.mark.parametrize("word", [P_OFFICER, P_ROOM])
    def test_not_before_the_gate_has_opened(self, begin, word) -> None:
        visit = begin()
        with pytest.raises(Conflict):
            visit.tell(word)
        assert visit.session.end is None and not visit.session.farewell

    def test_a_word_given_before_does_not_wait_for_the_opening(self) -> None:
        visit = Visit(at(-20))
        with pytest.raises(Conflict):
            visit.tell(P_OFFICER)
        visit.tell(*PREPARED)
        visit.wait_until(0)
        visit.tell(ev.RecorderFlushed(), V_OFFICER)
        assert visit.state is State.LIVE

    @pytest.mark.parametrize(
        "facts", [(ev.RoomMedia(PRISON, False),), (ev.HoldOrdered(UserId("p-1"), SITES[PRISON], "YN-16-2"),)]
    )
    def test_it_outlives_a_hold(self, facts) -> None:
        visit = live()
        visit.tell(P_ROOM, *facts)
        assert visit.state is State.HELD
        visit.tell(V_OFFICER)
        assert completed(visit)

    @pytest.mark.parametrize("word", [V_OFFICER, V_ROOM])
    def test_it_is_no_way_around_a_hold_that_demands_the_end(self, word) -> None:
        visit = live()
        visit.tell(P_ROOM, ev.HoldOrdered(UserId("p-1"), SITES[PRISON], "YN-17-8"))
        with pytest.raises(PolicyViolation):
            visit.tell(word)
        assert visit.state is State.HELD

    def test_it_is_too_old_after_a_while_and_is_forgotten_by_itself(self) -> None:
        visit = live()
        visit.tell(P_ROOM)
        visit.wait(STANDS - 0.1)
        assert PRISON in visit.session.farewell
        visit.wait(0.2)
        assert not visit.session.farewell
        visit.tell(V_OFFICER)
        assert visit.crossing()

    def test_it_is_forgotten_in_time_under_a_hold_too(self) -> None:
        visit = live()
        visit.tell(P_ROOM)
        visit.wait(100)
        visit.tell(ev.RoomMedia(PRISON, False))
        visit.wait(STANDS - 99)
        assert visit.state is State.HELD and not visit.session.farewell

    def test_it_survives_a_restart(self) -> None:
        visit = live()
        visit.tell(P_ROOM)
        saved = json.loads(json.dumps(to_json(visit.session, "boot")))
        visit.session = from_json(visit.session.slot, saved, visit.now, "boot")
        visit.wake = wakes_at(visit.session, visit.now, YUNNAN)
        visit.tell(V_OFFICER)
        assert completed(visit)

    def test_both_words_and_a_crash_before_the_end_was_saved_end_nothing_twice(self) -> None:
        visit = live()
        visit.tell(P_ROOM)
        before = to_json(visit.session, "boot")
        visit.tell(V_ROOM)
        again = from_json(visit.session.slot, before, visit.now, "boot")
        assert again.end is None and set(again.farewell) == {PRISON}


class TestAWordThatIsTakenBack:
    @pytest.mark.parametrize(
        ("word", "back"),
        [
            (P_ROOM, ev.FarewellWithdrawn(PRISON, "trm_p")),
            (P_ROOM, ev.FarewellWithdrawn(PRISON, "p-2", SITES[PRISON])),
            (P_OFFICER, ev.FarewellWithdrawn(PRISON, "p-2", SITES[PRISON])),
        ],
    )
    def test_ends_nothing(self, word, back) -> None:
        visit = live()
        visit.tell(word, back, V_ROOM)
        assert visit.state is State.LIVE
        visit.tell(word)
        assert completed(visit), "and it can be given again"

    def test_a_room_does_not_take_an_officers_word_back(self) -> None:
        visit = live()
        visit.tell(P_OFFICER)
        with pytest.raises(Conflict):
            visit.tell(ev.FarewellWithdrawn(PRISON, "trm_p"))

    def test_there_must_be_one(self) -> None:
        with pytest.raises(Conflict):
            live().tell(ev.FarewellWithdrawn(PRISON, "trm_p"))


class TestOtherCodes:
    def test_no_code_of_both_sides_holds_a_visit(self) -> None:
        with pytest.raises(PolicyViolation):
            live().tell(ev.HoldOrdered(UserId("p-1"), SITES[PRISON], CODE))

    def test_an_officers_measure_still_ends_at_once(self) -> None:
        visit = live()
        visit.tell(P_ROOM, ev.EndOrdered(UserId("v-1"), SITES[VISITOR], "YN-17-8"))
        assert visit.session.end is not None and visit.session.end.reason is Reason.ENDED_BY_SUPERVISOR
