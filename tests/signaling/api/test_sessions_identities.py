"""The documents that people are checked against (Yunnan 11, Guangdong 24): who may read them, when, and where they are
not. The number itself is kept nowhere."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from broker.kernel.database import reading
from broker.session import events as ev
from tests.signaling.api.test_slots import SLOTS, order

NUMBER, PASSPORT = "11010519491231002X", "ZQ7781359"
PEOPLE = [
    {"id": "inmate-1", "side": "prison", "name": "刘某甲"},
    {"id": "kin-1", "side": "visitor", "name": "欧阳某乙", "relation": "母亲", "id_number": NUMBER},
    {"side": "visitor", "name": "欧阳某丙", "relation": "子女", "id_number": PASSPORT.lower()},
    {"id": "kin-3", "side": "visitor", "name": "欧阳某丁", "relation": "子女"},
]
SHOWN = [{"kind": "resident", "last_four": "002X"}, {"kind": "passport", "last_four": "1359"}]
SHOWN += [{"kind": None, "last_four": None}]


@pytest.fixture
async def booked(front):
    """The path of a visit whose check-in is open, with its people's documents."""
    made = (await front.ask("POST", SLOTS, "booking", json=order(people=PEOPLE))).data
    front.at(timedelta(minutes=-10))
    return f"/api/v1/sessions/{made['session_id']}"


async def read(front, path, caller="visitor-sup"):
    return (await front.ask("GET", f"{path}/identities", caller)).data


class TestReading:
    async def test_shows_type_and_last_four_of_the_officers_own_side(self, front, booked):
        found = await read(front, booked)
        assert found["side"] == "visitor"
        assert [{"kind": one["kind"], "last_four": one["last_four"]} for one in found["people"]] == SHOWN
        view = (await front.ask("GET", booked, "visitor-sup")).data
        assert [one["person"] for one in found["people"]] == [one["id"] for one in view["sides"]["visitor"]["people"]]

    async def test_shows_nothing_of_the_other_side(self, front, booked):
        found = await read(front, booked, "prison-sup")
        assert found == {"side": "prison", "people": [{"person": "inmate-1", "kind": None, "last_four": None}]}

    @pytest.mark.parametrize("caller", ["approver", "auditor", "admin", "booking", "v1", "p1"])
    async def test_is_for_those_who_check_alone(self, front, booked, caller):
        await front.refused("forbidden", "GET", f"{booked}/identities", caller)

    async def test_of_another_sites_visit_is_that_of_one_that_does_not_exist(self, front, booked):
        other = await front.refused("not_found", "GET", f"{booked}/identities", "foreign-sup")
        none = await front.refused("not_found", "GET", "/api/v1/sessions/ses_none/identities", "foreign-sup")
        assert {**other.data, "instance": ""} == {**none.data, "instance": ""}

    async def test_is_journaled_with_ids_and_without_a_character(self, front, booked):
        await read(front, booked)
        (entry,) = await front.noted("IdentitiesRead")
        assert (entry.author, entry.session) == ("user:visitor-sup", booked.rsplit("/", 1)[1])
        people = json.loads(entry.data)["people"]
        assert len(people) == 3 and people[0] == "kin-1"
        assert "002X" not in entry.data and "1359" not in entry.data

    async def test_ends_with_the_check_in(self, front):
        session = await front.live_visit()
        problem = await front.refused("conflict", "GET", f"/api/v1/sessions/{session}/identities", "visitor-sup")
        assert problem.data["detail"] == "证件信息仅在办理入场期间显示。"

    async def test_waits_for_the_check_in(self, front):
        session = await front.visit()
        front.at(timedelta(hours=-2))
        front.broker.tell(session, ev.TimePassed())
        await front.refused("conflict", "GET", f"/api/v1/sessions/{session}/identities", "visitor-sup")


class TestWhereTheyAreNot:
    async def test_no_other_answer_and_no_entry_has_the_characters(self, front, booked, capsys):
        await read(front, booked)
        slot = front.broker.live(booked.rsplit("/", 1)[1]).session.slot
        answers = [
            await front.ask("GET", booked, "visitor-sup"),
            await front.ask("GET", f"{SLOTS}/{slot.id}", "booking"),
            await front.ask("GET", "/api/v1/sessions?day=2026-03-02", "auditor"),
        ]
        await front.broker.save(slot.session)
        kept = (await front.store.snapshot(slot.session)).data
        shown = "".join([await answer.text() for answer in answers]) + json.dumps(kept) + repr(slot)
        logged = "".join(capsys.readouterr())
        for secret in ("002X", "1359", NUMBER, PASSPORT):
            assert secret not in shown and secret not in logged

    async def test_their_repr_has_no_character(self, front, booked):
        found = await front.store.documents_of(booked.rsplit("/", 1)[1])
        assert found and "002X" not in repr(found) and "1359" not in repr(found)

    async def test_the_number_itself_is_nowhere_in_the_database(self, front, booked):
        async with reading(front.store.engine) as db:
            rows = await db.execute(text("SELECT * FROM identity_documents"))
            assert {row.last_four for row in rows} == {"002X", "1359"}
            slots = str([tuple(row) for row in await db.execute(text("SELECT people FROM slots"))])
        assert NUMBER not in slots and PASSPORT not in slots and "002X" not in slots

    async def test_they_go_with_the_names(self, front, booked):
        session = booked.rsplit("/", 1)[1]
        await front.store.forget_people([session])
        assert await front.store.documents_of(session) == {}
        assert {one["kind"] for one in (await read(front, booked))["people"]} == {None}


class TestRepeats:
    async def test_the_same_order_again_is_the_same_slot_with_one_row_each(self, front, booked):
        again = (await front.ask("POST", SLOTS, "booking", json=order(people=PEOPLE))).data
        assert again["session_id"] == booked.rsplit("/", 1)[1]
        assert len(await front.store.documents_of(again["session_id"])) == 2
