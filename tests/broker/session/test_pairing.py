"""Which terminal and which officer may do what in which session. Yunnan 27(1), Guangdong 35, F5."""

import pytest

from broker.kernel.errors import SecondSide, SessionEnded, TooEarly, WrongRoom
from broker.kernel.ids import RoomId
from broker.session import events as ev
from broker.session.pairing import admit, check_far_side, side_to_publish
from tests.support.session_story import PRISON, SLOT, START, VISITOR, YUNNAN, Visit, at, live, prepared


class TestAdmission:
    """Connections are taken in the window of an approved slot, and at no other time."""

    def test_before_check_in_it_is_too_early_and_says_until_when_in_local_time(self) -> None:
        with pytest.raises(TooEarly) as refused:
            admit(Visit(at(-31)).session, at(-31), YUNNAN)
        assert "08:30" in refused.value.detail_zh and "08:30" in refused.value.detail_en
        assert refused.value.problem()["opens_at"] == (START - YUNNAN.check_in_lead).isoformat()

    @pytest.mark.parametrize("begin", [lambda: Visit(at(-30)), prepared, live])
    def test_from_check_in_to_the_end_it_is_open(self, begin: type[Visit]) -> None:
        visit = begin()
        admit(visit.session, visit.now, YUNNAN)

    def test_a_held_visit_takes_its_rooms_back(self) -> None:
        visit = live()
        visit.tell(ev.RoomMedia(PRISON, False))
        admit(visit.session, visit.now, YUNNAN)

    def test_after_the_end_it_is_closed(self) -> None:
        visit = Visit(at(-20))
        visit.tell(ev.SlotCancelled("clerk"))
        with pytest.raises(SessionEnded):
            admit(visit.session, visit.now, YUNNAN)


class TestRooms:
    """A terminal acts for its own room, and sees only the far one."""

    def test_a_room_publishes_for_its_own_side(self) -> None:
        session = Visit(at(-20)).session
        assert side_to_publish(session, SLOT.prison.room) is PRISON
        assert side_to_publish(session, SLOT.visitor.room) is VISITOR

    def test_any_other_room_is_refused(self) -> None:
        session = Visit(at(-20)).session
        with pytest.raises(WrongRoom):
            side_to_publish(session, RoomId("another-room"))
        with pytest.raises(WrongRoom):
            check_far_side(session, RoomId("another-room"), PRISON)

    @pytest.mark.parametrize("side", [PRISON, VISITOR])
    def test_a_terminal_sees_the_far_side_and_never_its_own(self, side: object) -> None:
        session = Visit(at(-20)).session
        own = PRISON if side is PRISON else VISITOR
        room = SLOT.place(own).room
        check_far_side(session, room, own.other)
        with pytest.raises(SecondSide):
            check_far_side(session, room, own)
