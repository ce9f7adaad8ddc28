"""Re-booking requests over REST (Yunnan 18, Guangdong 36): who sees them, which slot keeps one, and who closes one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.session import events as ev
from signaling.views.follow_ups import rebooking_view
from tests.signaling.api.test_slots import ORDER
from tests.support.control.fixtures import TEN

PATH = "/api/v1/rebookings"
PEOPLE = [
    {"id": "in-1", "side": "prison", "name": "刘某甲"},
    {"id": "kin-1", "side": "visitor", "name": "欧阳某乙", "relation": "母亲"},
]


@pytest.fixture
async def broken(front):
    """Return the session of a visit that a fault has ended."""
    session = await front.live_visit()
    front.broker.tell(session, ev.EndOrdered("prison-sup", "first-prison", "YN-18", "停电"))
    await front.broker.save(session)
    return session


def again(id, **changes):
    """Return an order for a slot that keeps a request."""
    starts = TEN + timedelta(days=1)
    when = {"starts_at": starts.isoformat(), "ends_at": (starts + timedelta(minutes=40)).isoformat()}
    return {**ORDER, **when, "people": PEOPLE, "external_id": "again", "rebooks": id, **changes}


async def requests(front, caller, query=""):
    answer = await front.ask("GET", f"{PATH}{query}", caller)
    assert answer.status == 200
    return answer.data["rebookings"]


class TestReading:
    @pytest.mark.parametrize("caller", ["prison-sup", "visitor-sup", "approver", "booking", "admin"])
    async def test_both_sites_and_the_booking_system_see_a_request(self, front, broken, caller):
        (request,) = await requests(front, caller)
        assert (request["session"], request["state"], request["article"]) == (broken, "open", "云南 第十八条")
        assert request["cause"]["zh"] == "停电"
        assert [person["name"] for person in request["sides"]["prison"]["people"]] == ["刘某甲"]
        assert (await front.ask("GET", f"{PATH}/{request['id']}", caller)).data == request

    async def test_its_visit_is_named_by_sites_and_rooms_alone_once_the_names_are_forgotten(self, front, broken):
        slot = await front.store.slot_of_session(broken)
        forgotten = replace(slot, people=tuple(replace(person, name="") for person in slot.people))
        (request,) = await front.store.rebookings(None, None)
        view = await rebooking_view(request, forgotten, front.context.names)
        assert view.sides.prison.people == view.sides.visitor.people == []
        assert view.sides.prison.site_name and view.sides.prison.room_name

    async def test_no_other_site_does(self, front, broken):
        assert await requests(front, "foreign-sup") == []
        await front.refused("not_found", "GET", f"{PATH}/rbk_{broken}", "foreign-sup")
        await front.refused("forbidden", "GET", PATH, "v1")

    async def test_the_session_shows_it_to_officers_and_not_to_rooms(self, front, broken):
        view = (await front.ask("GET", f"/api/v1/sessions/{broken}", "visitor-sup")).data
        assert (view["rebooking"]["id"], view["rebooking"]["state"]) == (f"rbk_{broken}", "open")
        view = (await front.ask("GET", f"/api/v1/sessions/{broken}", "v1")).data
        assert view["rebooking"] is None and "优先重新安排" in view["reason"]["zh"]

    async def test_by_state(self, front, broken):
        assert len(await requests(front, "booking", "?state=open")) == 1
        assert await requests(front, "booking", "?state=declined") == []


class TestClosing:
    async def test_a_slot_that_names_it_keeps_it(self, front, broken):
        made = await front.ask("POST", "/api/v1/slots", "booking", json=again(f"rbk_{broken}"))
        assert made.status == 201
        (request,) = await requests(front, "booking")
        assert (request["state"], request["new_slot"]) == ("rebooked", made.data["slot"])
        repeated = await front.ask("POST", "/api/v1/slots", "booking", json=again(f"rbk_{broken}"))
        assert repeated.data == made.data

    async def test_a_slot_of_other_inmates_does_not(self, front, broken):
        people = [{"id": "in-2", "side": "prison", "name": "别人"}, PEOPLE[1]]
        await front.refused(
            "bad_request", "POST", "/api/v1/slots", "booking", json=again(f"rbk_{broken}", people=people)
        )
        assert (await requests(front, "booking"))[0]["state"] == "open"

    async def test_an_unknown_request_is_not_kept(self, front):
        await front.refused("not_found", "POST", "/api/v1/slots", "booking", json=again("rbk_none"))

    @pytest.mark.parametrize("caller", ["prison-sup", "visitor-sup", "approver", "booking"])
    async def test_it_is_declined_with_a_reason_and_once(self, front, broken, caller):
        path = f"{PATH}/rbk_{broken}/decline"
        await front.refused("bad_request", "POST", path, caller, json={"reason": "  "})
        answer = await front.ask("POST", path, caller, json={"reason": "会见人不再需要"})
        assert (answer.data["state"], answer.data["reason"]) == ("declined", "会见人不再需要")
        await front.refused("conflict", "POST", path, caller, json={"reason": "会见人不再需要"})

    async def test_no_other_site_declines_it(self, front, broken):
        await front.refused("not_found", "POST", f"{PATH}/rbk_{broken}/decline", "foreign-sup", json={"reason": "x"})
        await front.refused("forbidden", "POST", f"{PATH}/rbk_{broken}/decline", "v1", json={"reason": "x"})
