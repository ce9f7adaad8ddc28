"""Approved slots: refusals, rooms that are taken, and states that a restart finds again."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import update

from broker.booking.slot import PersonRole, Place
from broker.control.store.records import SiteKind
from broker.control.store.store import Store
from broker.control.store.tables import slots
from broker.kernel.errors import BadRequest, Conflict, NotFound, PolicyViolation
from broker.kernel.ids import RoomId, Side, SiteId
from tests.support.control.fixtures import TEN
from tests.support.control.making import person, slot

MINUTE = timedelta(minutes=1)


def _interpreter(side):
    return replace(person(side), role=PersonRole.INTERPRETER)


class TestApprovedSlot:
    async def test_comes_back_as_it_went_in(self, places):
        made = slot(external_id="YY-1", language="ii", people=(*slot().people, _interpreter(Side.VISITOR)))
        await places.add_slot(made)
        assert await places.slot(made.id) == made
        assert await places.slot_of_session(made.session) == made

    async def test_keeps_what_check_in_needs_to_know_about_its_people(self, places):
        kin = replace(person(Side.VISITOR), first_visit=True, dialect_reason="年老")
        helper = replace(person(Side.VISITOR), role=PersonRole.INTERPRETER)
        made = slot(people=(person(Side.PRISON), kin, helper), language="zh-yue")
        await places.add_slot(made)
        assert await places.slot(made.id) == made

    async def test_of_a_former_version_is_read_without_it(self, places):
        made = slot()
        await places.add_slot(made)
        former = [
            {name: getattr(person, name) for name in ("id", "side", "name", "relation")} for person in made.people
        ]
        async with places.engine.begin() as db:
            await db.execute(update(slots).where(slots.c.id == made.id).values(people=former))
        assert await places.slot(made.id) == made

    async def test_is_found_by_time(self, places):
        morning, later = slot(), slot(timedelta(hours=3))
        await places.add_slot(later)
        await places.add_slot(morning)
        assert await places.slots_between(TEN, TEN + timedelta(days=1)) == [morning, later]
        assert await places.slots_between(TEN, morning.ends_at) == [morning]
        assert await places.slots_between(morning.ends_at, later.starts_at) == []

    async def test_that_was_cancelled_stays_but_is_not_listed(self, places):
        made = slot()
        await places.add_slot(made)
        await places.cancel_slot(made.id)
        assert await places.slots_between(TEN, made.ends_at) == []
        assert await places.slot(made.id) == made
        with pytest.raises(NotFound):
            await places.cancel_slot(made.id)

    async def test_whose_time_has_passed_without_a_session_is_found(self, places):
        missed, held, cancelled = slot(), slot(timedelta(hours=1)), slot(timedelta(hours=2))
        for made in (missed, held, cancelled):
            await places.add_slot(made)
        await places.save_snapshot(held.session, "ended", {})
        await places.cancel_slot(cancelled.id)
        assert await places.slots_missed(TEN, TEN + timedelta(days=1)) == [missed]
        assert await places.slots_missed(TEN, missed.ends_at) == []

    async def test_of_the_same_external_id_is_posted_once(self, places):
        first = slot(external_id="YY-1")
        await places.add_slot(first)
        with pytest.raises(Conflict) as refusal:
            await places.add_slot(slot(timedelta(hours=2), external_id="YY-1"))
        assert refusal.value.extra["slot"] == first.id
        other = slot(timedelta(hours=4))
        await places.add_slot(other)
        with pytest.raises(Conflict) as refusal:  # the rooms are taken as well: the order counts
            await places.add_slot(slot(timedelta(hours=4), external_id="YY-1"))
        assert refusal.value.extra["slot"] == first.id


class TestRefusals:
    @pytest.mark.parametrize(
        "change",
        [
            {"ends_at": TEN},
            {"starts_at": TEN - timedelta(days=1), "ends_at": TEN - timedelta(hours=5)},
            {"minutes": 0},
            {"people": ()},
            {"people": (person(Side.PRISON),)},
            {"people": (person(Side.PRISON), person(Side.VISITOR, " "))},
            {"people": (person(Side.PRISON), *[person(Side.VISITOR)] * 2)},
            {"approved_by": ""},
            {"article": " "},
            {"policy": "sichuan"},
            {"policy": "guangdong"},
            {"prison": Place(SiteId("panlong"), RoomId("v2"))},
            {"visitor": Place(SiteId("panlong"), RoomId("p2"))},
            {"visitor": Place(SiteId("first-prison"), RoomId("p1"))},
        ],
    )
    async def test_slots_that_make_no_sense(self, places, change):
        with pytest.raises(BadRequest):
            await places.add_slot(slot(**change))
        assert await places.slots_between(TEN - timedelta(days=2), TEN + timedelta(days=2)) == []

    async def test_places_that_do_not_exist(self, places):
        with pytest.raises(NotFound):
            await places.add_slot(slot(visitor_room="v9"))
        with pytest.raises(NotFound):
            await places.add_slot(slot(prison_room="p9"))

    async def test_a_fourth_visitor_by_article_14(self, places):
        three = (person(Side.PRISON), *(person(Side.VISITOR) for _ in range(3)))
        await places.add_slot(slot(people=three))
        with pytest.raises(PolicyViolation, match="第十四条") as refusal:
            await places.add_slot(slot(prison_room="p2", visitor_room="v2", people=(*three, person(Side.VISITOR))))
        assert refusal.value.extra["articles"] == ["云南 第十四条"]

    async def test_too_many_interpreters_who_are_not_counted_as_visitors(self, places):
        helper, three = partial(_interpreter, Side.VISITOR), [person(Side.VISITOR) for _ in range(3)]
        await places.add_slot(slot(people=(person(Side.PRISON), *three, helper(), helper()), language="bo"))
        other = partial(slot, prison_room="p2", visitor_room="v2", language="bo")
        people = (person(Side.PRISON), person(Side.VISITOR), helper(), helper(), _interpreter(Side.PRISON))
        with pytest.raises(PolicyViolation, match="第二十三条"):
            await places.add_slot(other(people=people))
        with pytest.raises(BadRequest):  # an interpreter alone is no visitor
            await places.add_slot(other(people=(person(Side.PRISON), helper())))

    async def test_a_thirty_first_minute_by_article_14(self, places):
        with pytest.raises(PolicyViolation, match="第十四条"):
            await places.add_slot(slot(minutes=31))

    async def test_two_prisons_may_meet_by_article_7(self, places):
        await places.add_site("second-prison", SiteKind.PRISON, "第二监狱", "yunnan")
        await places.add_room("q1", "second-prison", "一室")
        people = (person(Side.PRISON), replace(person(Side.VISITOR), detained=True))
        made = slot(visitor=Place(SiteId("second-prison"), RoomId("q1")), people=people)
        await places.add_slot(made)
        assert await places.slot(made.id) == made


class TestRoomHoldsOneSlotAtATime:
    @pytest.mark.parametrize("rooms", [("p1", "v2"), ("p2", "v1"), ("p1", "v1")])
    @pytest.mark.parametrize("shift", [-39 * MINUTE, 0 * MINUTE, 39 * MINUTE])
    async def test_overlaps_are_refused_on_either_side(self, places, rooms, shift):
        first = slot()
        await places.add_slot(first)
        with pytest.raises(Conflict) as refusal:
            await places.add_slot(slot(shift, *rooms))
        assert refusal.value.extra["slot"] == first.id

    @pytest.mark.parametrize("shift", [-40 * MINUTE, 40 * MINUTE])
    async def test_a_slot_may_begin_when_the_one_before_ends(self, places, shift):
        await places.add_slot(slot())
        await places.add_slot(slot(shift))

    async def test_other_rooms_are_free(self, places):
        await places.add_slot(slot())
        await places.add_slot(slot(prison_room="p2", visitor_room="v2"))

    async def test_a_cancelled_or_ended_slot_frees_its_rooms(self, places):
        first, second = slot(), slot()
        await places.add_slot(first)
        await places.cancel_slot(first.id)
        await places.add_slot(second)
        await places.save_snapshot(second.session, "ended", {})
        await places.add_slot(slot())

    async def test_of_many_at_once_from_several_processes_one_is_stored(self, places, url, clock):
        others = [Store(url, clock) for _ in range(4)]
        tries = [store.add_slot(slot()) for store in others for _ in range(3)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        for store in others:
            await store.close()
        assert [type(result) for result in results].count(type(None)) == 1
        assert [type(result) for result in results].count(Conflict) == len(tries) - 1
        assert len(await places.slots_between(TEN, TEN + timedelta(hours=1))) == 1


class TestSnapshots:
    async def test_a_restart_finds_the_last_state_of_each_session_that_has_not_ended(self, places, url):
        begun, over = slot(), slot(timedelta(hours=2))
        for made in (begun, over):
            await places.add_slot(made)
            await places.save_snapshot(made.session, "check_in", {"checked": []})
        await places.save_snapshot(begun.session, "live", {"checked": ["prs_1"]})
        await places.save_snapshot(over.session, "ended", {})
        async with Store(url) as restarted:
            (found,) = await restarted.unfinished_snapshots()
        assert (found.session, found.state) == (begun.session, "live")
        assert found.data == {"checked": ["prs_1"]}
        assert (await places.snapshot(over.session)).state == "ended"

    async def test_a_session_without_a_slot_has_none(self, places):
        with pytest.raises(Conflict):
            await places.save_snapshot("ses_unknown", "live", {})
        assert await places.snapshot("ses_unknown") is None

    async def test_moments_without_a_zone_are_refused_rather_than_guessed(self, places):
        naive = slot(starts_at=datetime(2026, 3, 2, 10), ends_at=datetime(2026, 3, 2, 11))
        with pytest.raises(BadRequest):
            await places.add_slot(naive)
