"""The people of a slot as its row keeps them, a list of JSON objects; and under which ids and identities each of them
was ever booked. A suspension that was proposed under one binds the person under all. What is shown of their documents
has rows of its own, which are removed with the names of a visit."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.identity import Document, DocumentKind
from broker.booking.slot import Person, PersonRole
from broker.control.store.base import StorePart
from broker.control.store.history.tables import visit_marks, visit_ratings
from broker.control.store.tables import (
    absence_decisions,
    absences,
    extensions,
    identities,
    identity_documents,
    rebookings,
    slots,
    snapshots,
)
from broker.history.acts import code_or_nothing, without_words
from broker.kernel.ids import PersonId, Side
from broker.session.state import State


def people_to_json(people: Iterable[Person]) -> list[dict[str, Any]]:
    """Return the people as a row keeps them."""
    return [asdict(person) for person in people]


def people_from_json(kept: Iterable[Mapping[str, Any]]) -> tuple[Person, ...]:
    """Return the people of a row; rows of former versions have fewer members."""
    return tuple(_person(person) for person in kept)


def unnamed(kept: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the people of a row without their names and what officers wrote about them. Ids, sides and relations stay:
    by them visits are counted."""
    words = ("name", "dialect_reason", "relation_reason")
    return [{**person, **{member: "" for member in words if member in person}} for person in kept]


def _person(kept: Mapping[str, Any]) -> Person:
    return Person(
        PersonId(kept["id"]),
        Side(kept["side"]),
        kept["name"],
        kept["relation"],
        kept.get("first_visit", False),
        PersonRole(kept.get("role", PersonRole.PARTY)),
        kept.get("dialect_reason", ""),
        kept.get("detained", False),
        kept.get("identity", ""),
        kept.get("relation_by", ""),
        kept.get("relation_reason", ""),
    )


# --- the officers' own words about them ----------------------------------------------------------------------------


async def forget_words(db: AsyncConnection, session: str) -> None:
    """Remove what officers wrote in words of their own about one visit: marks and ratings of its recording, why it was
    cancelled, ended, extended, not booked again, or its absence decided so, and notes and warnings. The words may name
    people; codes, articles, times and authors stay. A suspension keeps its words, as it binds a person and has a term
    of its own; so do announcements, which are public, and the journal, which has a rule of its own."""
    for table, words in (
        (visit_marks, {"text": "", "withdrawn_why": None}),
        (visit_ratings, {"text": ""}),
        (slots, {"cancel_reason": None}),
        (extensions, {"reason": ""}),
        (rebookings, {"reason": ""}),
    ):
        await db.execute(update(table).where(table.c.session == session).values(words))
    for row in (await db.execute(select(rebookings).where(rebookings.c.session == session))).all():
        cause = code_or_nothing(row.cause)
        await db.execute(update(rebookings).where(rebookings.c.id == row.id).values(cause=cause))
    ended = (snapshots.c.session == session, snapshots.c.state == State.ENDED)
    for data in (await db.execute(select(snapshots.c.data).where(*ended))).scalars().all():
        await db.execute(update(snapshots).where(*ended).values(data=without_words(data)))
    decided = select(absences.c.id).where(absences.c.session == session)
    await db.execute(update(absence_decisions).where(absence_decisions.c.absence.in_(decided)).values(reason=""))


# --- what is shown of their documents ------------------------------------------------------------------------------


class Documents(StorePart):
    """The part of the store for what officers check people's documents against (Yunnan 11, Guangdong 24)."""

    async def documents_of(self, session: str) -> dict[PersonId, Document]:
        """Return the documents of a visit's people, by id; of people without an identity number there is none."""
        query = select(identity_documents).where(identity_documents.c.session == session)
        async with self._reading() as db:
            rows = await db.execute(query)
            return {PersonId(row.person): Document(DocumentKind(row.kind), row.last_four) for row in rows}


async def keep_documents(db: AsyncConnection, session: str, documents: Mapping[PersonId, Document]) -> None:
    """Keep what is shown of the documents of a visit's people."""
    rows = [
        {"session": session, "person": person, "kind": str(document.kind), "last_four": document.last_four}
        for person, document in documents.items()
    ]
    if rows:
        await db.execute(insert(identity_documents), rows)


async def forget_documents(db: AsyncConnection, sessions: Collection[str]) -> None:
    """Remove what is shown of the documents of these visits' people."""
    await db.execute(delete(identity_documents).where(identity_documents.c.session.in_(sessions)))


# --- one person under several ids ---------------------------------------------------------------------------------


async def remember(db: AsyncConnection, people: Iterable[Person]) -> None:
    """Keep which id and which identity were booked for the same person."""
    pairs = {(person.id, person.identity) for person in people if person.identity}
    kept = await _pairs(db, {id for id, _ in pairs})
    if new := sorted(pairs - set(kept)):
        await db.execute(insert(identities), [{"person": id, "identity": identity} for id, identity in new])


async def with_aliases(db: AsyncConnection, people: Collection[Person]) -> dict[PersonId, list[Person]]:
    """Return each person, by id, as they are listed and as they were booked elsewhere: under other ids, and under other
    identities (a passport beside a resident's card)."""
    by_id = await _pairs(db, {person.id for person in people})
    wanted = {person.identity for person in people if person.identity} | {identity for _, identity in by_id}
    query = select(identities.c.person, identities.c.identity).where(identities.c.identity.in_(wanted))
    by_identity = [(PersonId(row.person), row.identity) for row in await db.execute(query)] if wanted else []
    return {person.id: [person, *_aliases(person, by_id, by_identity)] for person in people}


def _aliases(
    person: Person, by_id: Iterable[tuple[PersonId, str]], by_identity: Iterable[tuple[PersonId, str]]
) -> list[Person]:
    own = {identity for id, identity in by_id if id == person.id} | {person.identity} - {""}
    pairs = {(id, identity) for id, identity in by_identity if identity in own}
    return [replace(person, id=id, identity=identity) for id, identity in sorted(pairs)]


async def _pairs(db: AsyncConnection, ids: Collection[PersonId]) -> list[tuple[PersonId, str]]:
    query = select(identities.c.person, identities.c.identity).where(identities.c.person.in_(ids))
    return [(PersonId(row.person), row.identity) for row in await db.execute(query)]
