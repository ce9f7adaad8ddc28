"""The people of a slot as its row keeps them, a list of JSON objects; and under which ids and identities each of them
was ever booked. A suspension that was proposed under one binds the person under all."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.slot import Person, PersonRole
from broker.control.store.tables import identities
from broker.kernel.ids import PersonId, Side


def people_to_json(people: Iterable[Person]) -> list[dict[str, Any]]:
    """Return the people as a row keeps them."""
    return [asdict(person) for person in people]


def people_from_json(kept: Iterable[Mapping[str, Any]]) -> tuple[Person, ...]:
    """Return the people of a row; rows of former versions have fewer members."""
    return tuple(_person(person) for person in kept)


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
