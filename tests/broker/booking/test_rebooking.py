"""Re-booking requests (Yunnan 18, Guangdong 36): which ends make one, and which slot keeps one."""

from dataclasses import replace

import pytest

from broker.booking.rebooking import Rebooking, RebookingState, check_keeps, requested
from broker.booking.slot import Person
from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import PersonId, SlotId
from broker.session import events as ev
from tests.support.session_story import (
    GUANGDONG,
    OFFICER,
    PRISON,
    SITES,
    SLOT,
    YUNNAN,
    live,
)


def request_of(code: str, policy=YUNNAN) -> Rebooking | None:
    """The request of a visit that an officer ended under a code."""
    visit = live(policy=policy)
    visit.tell(ev.EndOrdered(OFFICER, SITES[PRISON], code, "停电"))
    return requested(visit.session, policy)


class TestARequest:
    @pytest.mark.parametrize(
        ("policy", "code", "article"),
        [(YUNNAN, "YN-18", "云南 第十八条"), (GUANGDONG, "GD-36", "广东 第三十六条")],
    )
    def test_has_the_article_of_the_pack_and_is_open(self, policy, code, article):
        request = request_of(code, policy)
        assert request is not None
        assert (request.article, request.state, request.cause) == (article, RebookingState.OPEN, "停电")
        assert (request.session, request.slot) == (SLOT.session, SLOT.id)

    def test_is_made_of_no_measure_and_of_no_visit_that_goes_on(self):
        assert request_of("YN-17-8") is None
        assert requested(live().session, YUNNAN) is None

    def test_has_one_id_however_often_it_is_made(self):
        assert request_of("YN-18") == request_of("YN-18")


class TestTheSlotThatKeepsIt:
    OPEN = Rebooking("rbk_1", SLOT.session, SLOT.id, "", "", SLOT.starts_at)

    def test_lists_the_same_inmates_and_any_visitors(self):
        other = replace(SLOT, id=SlotId("slot_2"), people=(SLOT.people[0], SLOT.people[2]))
        check_keeps(self.OPEN, SLOT, other)

    @pytest.mark.parametrize(
        "inmates", [[Person(PersonId("other"), PRISON, "甲")], [SLOT.people[0], Person(PersonId("more"), PRISON, "戊")]]
    )
    def test_lists_no_other_inmates(self, inmates):
        slot = replace(SLOT, people=(*inmates, SLOT.people[1]))
        with pytest.raises(BadRequest):
            check_keeps(self.OPEN, SLOT, slot)

    def test_knows_people_by_name_to_whom_booking_gave_no_id(self):
        nameless = [replace(SLOT.people[0], id=PersonId(f"per_{number}")) for number in (1, 2)]
        former, slot = (replace(SLOT, people=(person, SLOT.people[1])) for person in nameless)
        check_keeps(self.OPEN, former, slot)

    @pytest.mark.parametrize("state", [RebookingState.REBOOKED, RebookingState.DECLINED])
    def test_keeps_no_request_that_is_closed(self, state):
        with pytest.raises(Conflict):
            check_keeps(replace(self.OPEN, state=state), SLOT, SLOT)
