"""Re-booking requests in the store: made with the end of a session, once, and closed by a slot or a decision."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.booking.rebooking import RebookingState, rebooking_of
from broker.kernel.errors import BadRequest, Conflict, NotFound, PolicyViolation
from config.pack_loader import load_pack
from tests.support.control.making import slot

DAY = timedelta(days=1)


@pytest.fixture
async def first(places):
    made = slot()
    await places.add_slot(made)
    return made


@pytest.fixture
async def request_(places, first):
    made = rebooking_of(first, "room_lost", first.starts_at, load_pack("yunnan"))
    await places.save_snapshot(first.session, "ended", {"state": "ended"}, made)
    return made


def again(first, after=DAY):
    """Return another slot of the same people."""
    return replace(slot(after), people=first.people)


class TestARequest:
    async def test_is_stored_with_the_snapshot_and_once_a_session(self, places, first, request_):
        await places.save_snapshot(first.session, "ended", {"state": "ended"}, replace(request_, cause="taken_up"))
        assert await places.rebookings() == [request_]
        assert await places.rebooking_of(first.session) == request_

    async def test_is_found_by_site_and_state(self, places, first, request_):
        assert await places.rebookings([first.visitor.site], RebookingState.OPEN) == [request_]
        assert await places.rebookings(["elsewhere"]) == []
        assert await places.rebookings(state=RebookingState.DECLINED) == []
        with pytest.raises(NotFound):
            await places.rebooking("rbk_none")

    async def test_is_kept_by_a_slot_that_names_it(self, places, first, request_):
        new = again(first)
        await places.add_slot(new, request_.id, "integrator:key_1")
        kept = await places.rebooking(request_.id)
        assert (kept.state, kept.new_slot, kept.by) == (RebookingState.REBOOKED, new.id, "integrator:key_1")
        with pytest.raises(Conflict):
            await places.add_slot(again(first, 2 * DAY), request_.id)

    async def test_is_not_kept_by_a_slot_that_is_refused(self, places, first, request_):
        for refused, error in ((slot(DAY), BadRequest), (replace(again(first), minutes=300), PolicyViolation)):
            with pytest.raises(error):
                await places.add_slot(refused, request_.id)
        assert (await places.rebooking(request_.id)).state is RebookingState.OPEN

    async def test_is_open_again_when_that_slot_is_cancelled(self, places, first, request_):
        new = again(first)
        await places.add_slot(new, request_.id)
        await places.cancel_slot(new.id)
        assert await places.rebooking(request_.id) == request_
        await places.add_slot(again(first, 2 * DAY), request_.id)

    async def test_is_declined_once(self, places, first, request_):
        declined = await places.decline_rebooking(request_.id, "user:li", "会见人不再需要")
        assert (declined.state, declined.by, declined.reason) == (RebookingState.DECLINED, "user:li", "会见人不再需要")
        assert declined.decided_at is not None
        with pytest.raises(Conflict):
            await places.decline_rebooking(request_.id, "user:li", "会见人不再需要")
        with pytest.raises(Conflict):
            await places.add_slot(again(first), request_.id)

    async def test_is_made_by_a_cancelled_slot_too(self, places):
        made = slot(3 * DAY)
        await places.add_slot(made)
        request = rebooking_of(made, "停电", made.starts_at, load_pack("yunnan"))
        await places.cancel_slot(made.id, request=request)
        assert await places.rebooking_of(made.session) == request
