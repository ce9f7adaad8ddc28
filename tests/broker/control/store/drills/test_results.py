"""The drills in the store: each with its result, apart from what is kept of visits."""

from datetime import timedelta

import pytest

from broker.booking.drill import drill_slot
from broker.booking.slot import Place
from broker.control.store.store import Store
from broker.drills.result import INTERRUPTED, DrillState
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import RoomId, SessionId, SiteId, SlotId
from tests.support.control.fixtures import TEN
from tests.support.signaling.front import ten_slot

PRISON, VISITOR = Place(SiteId("first-prison"), RoomId("p1")), Place(SiteId("panlong"), RoomId("v1"))


def slot(store, name="d"):
    now = store.clock.now().wall
    return drill_slot(SlotId(f"slt_{name}"), SessionId(f"ses_{name}"), PRISON, VISITOR, "yunnan", False, now)


async def begun(store: Store, name: str = "d") -> str:
    made = slot(store, name)
    await store.add_slot(made)
    await store.begin_drill(made, "user:warden")
    return made.session


class TestADrill:
    async def test_is_read_as_it_was_stored(self, places):
        session = await begun(places)
        drill = await places.drill(session)
        assert (drill.state, drill.by, drill.result, drill.failed_at) == (DrillState.RUNNING, "user:warden", None, "")
        assert (drill.prison, drill.visitor, drill.outcome.failed_at) == (PRISON, VISITOR, None)
        await places.end_drill(session, DrillState.FAILED, "cut", {"failed_at": "cut"})
        drill = await places.drill(session)
        assert (drill.state, drill.failed_at, drill.result) == (DrillState.FAILED, "cut", {"failed_at": "cut"})
        assert drill.outcome.failed_at == "cut"

    async def test_keeps_its_first_result(self, places):
        session = await begun(places)
        await places.end_drill(session, DrillState.FAILED, "cut", {"n": 1})
        await places.end_drill(session, DrillState.PASSED, "", {"n": 2})
        assert (await places.drill(session)).result == {"n": 1}

    async def test_that_was_running_when_the_service_ended_has_failed(self, places):
        session = await begun(places)
        assert await places.interrupt_drills() == [session]
        assert (await places.drill(session)).failed_at == INTERRUPTED
        assert await places.interrupt_drills() == []

    async def test_is_listed_for_both_sites_and_no_other(self, places):
        session = await begun(places)
        since = TEN - timedelta(days=1)
        for site in (None, "first-prison", "panlong"):
            assert [drill.session for drill in await places.drills_since(since, site)] == [session]
        assert await places.drills_since(since, "other-bureau") == []
        assert await places.drills_since(TEN + timedelta(days=1)) == []

    async def test_is_forgotten_after_its_days(self, places, clock):
        session = await begun(places)
        await places.forget_drills(clock.now().wall + timedelta(seconds=1))
        with pytest.raises(NotFound):
            await places.drill(session)


class TestItsSlot:
    async def test_is_one_and_says_so(self, places):
        session = await begun(places)
        assert (await places.slot_of_session(session)).drill is True

    async def test_keeps_clear_of_the_next_check_in_of_its_rooms(self, places, clock):
        await places.add_slot(ten_slot())
        clock.forward(timedelta(minutes=25))  # check-in opens at half past nine
        with pytest.raises(Conflict):
            await places.add_slot(slot(places))

    async def test_is_made_while_the_check_in_is_far(self, places):
        await places.add_slot(ten_slot())
        await places.add_slot(slot(places))

    async def test_is_not_in_the_way_of_a_visit(self, places):
        await begun(places)
        await places.add_slot(ten_slot(starts_at=places.clock.now().wall))

    async def test_is_in_the_way_of_another_drill_of_a_room(self, places):
        await begun(places)
        with pytest.raises(Conflict):
            await places.add_slot(slot(places, "e"))


class TestSyntheticOfficers:
    async def test_are_known_by_tokens_of_which_only_hashes_are_stored(self, places, tmp_path):
        made = slot(places)
        await places.add_slot(made)
        tokens = await places.open_drill_officers(made, 2, timedelta(minutes=5))
        every = [token for found in tokens.values() for token in found]
        officers = [await places.drill_officer_by_token(token) for token in every]
        assert len({officer.id for officer in officers}) == 4
        assert [officer.site for officer in officers] == ["first-prison"] * 2 + ["panlong"] * 2
        assert {officer.session for officer in officers} == {made.session}
        for token in every:
            secret = token.removeprefix("drl_").encode()
            assert not any(secret in file.read_bytes() for file in tmp_path.iterdir())

    async def test_are_gone_with_their_time_and_with_their_drill(self, places, clock):
        made = slot(places)
        await places.add_slot(made)
        (token, *_), (other, *_) = (await places.open_drill_officers(made, 2, timedelta(minutes=5))).values()
        assert set((await places.authors_by_token_hash()).values()) >= {f"user:drill.{made.session}.1"}
        await places.close_drill_officers(made.session)
        assert await places.drill_officer_by_token(token) is None
        (token, *_), _ = (await places.open_drill_officers(made, 2, timedelta(minutes=5))).values()
        clock.forward(timedelta(minutes=5))
        assert await places.drill_officer_by_token(token) is None and other
