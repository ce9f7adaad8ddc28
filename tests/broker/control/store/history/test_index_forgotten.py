"""Names that are forgotten by rule are gone from every table to which they were copied, and from the file itself."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import String, cast, insert, literal_column, select, text, update

from broker.booking.identity import Document, DocumentKind
from broker.booking.slot import Person
from broker.control.store.history.tables import visit_marks, visit_ratings
from broker.control.store.migrations import migrate
from broker.control.store.people import keep_documents
from broker.control.store.slots import _columns
from broker.control.store.store import Store
from broker.control.store.tables import absence_decisions, absences, extensions, metadata, rebookings, slots
from broker.kernel.database import reading, writing
from broker.kernel.ids import PersonId, Side
from tests.support.control.fixtures import TEN
from tests.support.history.drawn import _add_places, slot_of, visit_of

NAMES = ("欧阳某甲", "司徒某乙", "Zeynep Yilmazoglu")
WORDS = ("说彝语的表兄欧阳某甲", "经司徒某乙书面证明", "画面中欧阳某甲哭泣")
SECRETS = (*NAMES, *WORDS, "00XQ")


def booked():
    """Return the slot of a visit whose people have the names, with words of officers about them."""
    people = (
        Person(PersonId("in-1"), Side.PRISON, NAMES[0], dialect_reason=WORDS[0]),
        Person(PersonId("kin-1"), Side.VISITOR, NAMES[1], "母亲", relation_reason=WORDS[1]),
        Person(PersonId("kin-2"), Side.VISITOR, NAMES[2], "配偶"),
    )
    return replace(slot_of(0), people=people)


async def stored(store):
    """Store a visit with all that is kept of its people, and return its session."""
    await _add_places(store)
    slot = booked()
    async with writing(store.engine) as db:
        await db.execute(insert(slots).values(created_at=slot.starts_at, **_columns(slot)))
        documents = {person.id: Document(DocumentKind.RESIDENT, "00XQ") for person in slot.people}
        await keep_documents(db, slot.session, documents)
        about = {"session": slot.session, "by": "shen", "text": WORDS[2]}
        mark = {"id": "mrk_1", "at": 1.0, "kind": "note", "created_at": TEN, "withdrawn_why": WORDS[2]}
        await db.execute(insert(visit_marks).values(**about, **mark))
        await db.execute(insert(visit_ratings).values(**about, number=1, verdict="good", at=TEN))
        await _decide(db, slot)
    await store.index_visits([visit_of(0, slot)])
    return slot.session


async def _decide(db, slot):
    """Store what officers decided about the visit, with their words."""
    await db.execute(update(slots).where(slots.c.session == slot.session).values(cancel_reason=WORDS[2]))
    place = {"session": slot.session, "site": slot.prison.site, "article": "云南 第十四条"}
    by = {"by": "li", "reason": WORDS[2]}
    extension = {"id": "ext_1", "role": "approver", "seconds": 600, "created_at": TEN}
    await db.execute(insert(extensions).values(**place, **by, **extension))
    request = {"id": "rbk_1", "session": slot.session, "slot": slot.id, "cause": "YN-18", "article": "云南 第十八条"}
    await db.execute(insert(rebookings).values(**request, **by, at=TEN, state="declined"))
    absence = {"id": "abs_1", "session": slot.session, "slot": slot.id, "side": "visitor", "site": slot.visitor.site}
    await db.execute(insert(absences).values(**absence, people=["kin-1"], at=TEN, by=""))
    decision = {"absence": "abs_1", "number": 0, "decision": "excuse", "site": slot.visitor.site, "article": ""}
    await db.execute(insert(absence_decisions).values(**decision, **by, at=TEN, people=["kin-1"]))


async def places_of(engine, secret):
    """Return the tables that hold a text, in any column."""
    spellings = {secret, json.dumps(secret)[1:-1]}
    found = set()
    async with reading(engine) as db:
        for table in metadata.sorted_tables:
            for column in table.columns:
                shown = cast(literal_column(f'"{column.name}"'), String)
                for spelling in spellings:
                    query = (
                        select(literal_column("1")).select_from(table).where(shown.contains(spelling, autoescape=True))
                    )
                    if (await db.execute(query.limit(1))).first():
                        found.add(table.name)
    return found


def files_with(folder, secret):
    """Return the database's files that hold a text, as it is or as JSON escapes it."""
    spellings = (secret.encode(), json.dumps(secret)[1:-1].encode())
    return [path.name for path in folder.iterdir() if any(each in path.read_bytes() for each in spellings)]


async def test_before_they_are_forgotten_they_are_found(store):
    await stored(store)
    written = {"extensions", "rebookings", "absence_decisions"}
    assert (
        await places_of(store.engine, NAMES[0]) >= {"slots", "visit_people", "visit_marks", "visit_ratings"} | written
    )
    assert await places_of(store.engine, "00XQ") == {"identity_documents"}


async def test_they_are_in_no_table_afterwards(store):
    session = await stored(store)
    assert await store.forget_people([session]) == 1
    assert {secret: await places_of(store.engine, secret) for secret in SECRETS} == {
        secret: set() for secret in SECRETS
    }


async def test_they_are_not_in_the_file_either_once_it_is_packed(url, clock, tmp_path):
    async with Store(url, clock) as store:
        session = await stored(store)
        await store.forget_people([session])
    with closing(sqlite3.connect(tmp_path / "huijian.sqlite", isolation_level=None)) as db:
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert {secret: files_with(tmp_path, secret) for secret in SECRETS} == {secret: [] for secret in SECRETS}


async def test_ids_sides_and_relations_stay_so_that_visits_are_counted(store):
    session = await stored(store)
    before = await store.slot_of_session(session)
    await store.forget_people([session])
    after = await store.slot_of_session(session)
    assert [replace(person, name="", dialect_reason="", relation_reason="") for person in before.people] == list(
        after.people
    )


async def test_those_that_a_former_version_left_in_slots_go_with_the_upgrade(url, clock):
    async with Store(url, clock) as store:
        session = await stored(store)
        await store.forget_people([session])
        async with writing(store.engine) as db:
            left = _columns(booked())["people"]
            words = {"people": left, "cancel_reason": WORDS[2]}
            await db.execute(update(slots).where(slots.c.session == session).values(words))
            for table in (extensions, rebookings, absence_decisions):
                await db.execute(update(table).values(reason=WORDS[2]))
            await db.execute(text("UPDATE alembic_version SET version_num = '0024'"))
        assert await places_of(store.engine, NAMES[0]) == {"slots", "extensions", "rebookings", "absence_decisions"}
    await migrate(url)
    async with Store(url, clock) as store:
        assert await places_of(store.engine, NAMES[0]) == set()
        assert (await store.slot_of_session(session)).people[1].relation == "母亲"


@pytest.mark.parametrize("people", [[], [{"id": "a", "side": "prison", "name": "某", "relation": ""}]])
async def test_slots_of_former_versions_have_fewer_members(store, people):
    session = await stored(store)
    async with writing(store.engine) as db:
        await db.execute(update(slots).where(slots.c.session == session).values(people=people))
    await store.forget_people([session])
    assert [person.name for person in (await store.slot_of_session(session)).people] == [""] * len(people)
