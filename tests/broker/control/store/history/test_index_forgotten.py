"""Names that are forgotten by rule are gone from every table to which they were copied, and from the file itself."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import String, cast, insert, literal_column, select, text, update

from broker.booking.identity import Document, DocumentKind
from broker.booking.slot import Person
from broker.control.store.history.tables import visit_marks, visit_ratings
from broker.control.store.migrations import migrate
from broker.control.store.people import keep_documents
from broker.control.store.slots import _columns
from broker.control.store.store import Store
from broker.control.store.tables import absence_decisions, absences, extensions, metadata, rebookings, slots, snapshots
from broker.kernel.clock import Instant
from broker.kernel.database import reading, writing
from broker.kernel.ids import PersonId, Side
from broker.session.effects import Reason
from broker.session.parts.drill_mark import DrillMark
from broker.session.parts.extension import Extended
from broker.session.parts.extension_request import Request
from broker.session.parts.farewell import Word
from broker.session.parts.hold import Hold
from broker.session.parts.interventions import Interventions, Noted, Warned
from broker.session.snapshot import from_json, to_json
from broker.session.state import End, Session, State
from tests.support.control.fixtures import TEN
from tests.support.history.drawn import _add_places, slot_of, visit_of

NAMES = ("欧阳某甲", "司徒某乙", "Zeynep Yilmazoglu")
WORDS = ("说彝语的表兄欧阳某甲", "经司徒某乙书面证明", "画面中欧阳某甲哭泣")
LEFT_BEHIND = {"slots", "extensions", "rebookings", "absence_decisions", "snapshots"}
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
    place = {"session": slot.session, "site": slot.prison.site, "article": ""}
    by = {"by": "li", "reason": WORDS[2]}
    extension = {"id": "ext_1", "role": "approver", "seconds": 600, "created_at": TEN}
    await db.execute(insert(extensions).values(**place, **by, **extension))
    request = {"id": "rbk_1", "session": slot.session, "slot": slot.id, "cause": WORDS[2], "article": ""}
    await db.execute(insert(rebookings).values(**request, **by, at=TEN, state="declined"))
    absence = {"id": "abs_1", "session": slot.session, "slot": slot.id, "side": "visitor", "site": slot.visitor.site}
    await db.execute(insert(absences).values(**absence, people=["kin-1"], at=TEN, by=""))
    decision = {"absence": "abs_1", "number": 0, "decision": "excuse", "site": slot.visitor.site, "article": ""}
    await db.execute(insert(absence_decisions).values(**decision, **by, at=TEN, people=["kin-1"]))
    state = {"session": slot.session, "state": "ended", "updated_at": TEN}
    await db.execute(insert(snapshots).values(**state, data=to_json(ended(slot), "boot")))


def ended(slot):
    """Return the session of a visit in which officers wrote wherever they can."""
    li, site, words = "li", slot.prison.site, WORDS[2]
    by = {"by": li, "site": site, "article": "YN-16-2"}
    more = {"id": "ext_1", "added": timedelta(minutes=10), "reason": words, "at": TEN}
    return Session(
        slot,
        State.ENDED,
        End(Reason.ENDED_BY_SUPERVISOR, TEN, by=li, article="YN-17-8", cause=words),
        hold=Hold(**by, note=words),
        farewell={Side.PRISON: Word(li, False, "YN-17-8", words, TEN, 1.0)},
        interventions=Interventions(
            warnings=(Warned("wrn_1", sides=(Side.PRISON,), zh=words, en=words, at=TEN, **by),),
            notes=(Noted(li, site, words, TEN, 2.0),),
        ),
        extensions=(Extended(**by, **more, role="approver", made=3.0),),
        extension_requests=(Request(**by, **more, note=words),),
        drill=DrillMark("drl_1", "media", True, li, words),
    )


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
    copied = {"visit_people", "visit_marks", "visit_ratings"}
    assert await places_of(store.engine, NAMES[0]) >= LEFT_BEHIND | copied
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


async def test_codes_articles_times_and_authors_of_the_session_stay(store):
    session = await stored(store)
    await store.forget_people([session])
    kept = from_json(booked(), (await store.snapshot(session)).data, Instant(TEN, 0.0), "boot")
    assert (kept.end.article, kept.end.cause, kept.end.by, kept.hold.article) == ("YN-17-8", "", "li", "YN-16-2")
    assert [(one.article, one.zh, one.at) for one in kept.interventions.warnings] == [("YN-16-2", "", TEN)]
    assert [(one.by, one.text, one.since) for one in kept.interventions.notes] == [("li", "", 2.0)]


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
            await db.execute(update(rebookings).values(cause=WORDS[2]))
            await db.execute(update(snapshots).values(data=to_json(ended(booked()), "boot")))
            await db.execute(text("UPDATE alembic_version SET version_num = '0024'"))
        assert await places_of(store.engine, NAMES[0]) == LEFT_BEHIND
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
