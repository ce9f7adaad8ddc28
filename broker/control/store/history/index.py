"""The writing of the history's index. A visit is written whole, over what the index had of it: only the facets that
have changed are touched, so that an index that is current costs one read."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.slot import Slot
from broker.control.store.base import StorePart
from broker.control.store.history.tables import visit_facets, visit_people, visits
from broker.control.store.people import forget_documents, forget_words, unnamed
from broker.control.store.slots import slot_of_row
from broker.control.store.tables import slots
from broker.history.facets import QUALITY, Facet, facets_of
from broker.history.folding import folded
from broker.history.visit import Film, Visit, VisitState, part_of
from broker.kernel.ids import Side

LONGEST = 200
"""Characters of a facet's value that are kept."""
NO_DATES: Mapping[str, datetime | None] = {}
AT_ONCE = 200
"""Facets that one statement removes: databases limit its parameters."""
UNSETTLED = [str(state) for state in (VisitState.SCHEDULED, VisitState.RUNNING, VisitState.ENDED)]
"""The states of visits of which more may become known."""


class Indexed(NamedTuple):
    """What the index has of a visit, as far as it decides whether it is written again."""

    state: VisitState
    named: bool
    filmed: bool
    relisten_due: datetime | None


class HistoryIndex(StorePart):
    """The part of the store that writes the history."""

    async def index_visits(self, written: Sequence[Visit], due: Mapping[str, datetime | None] = NO_DATES) -> None:
        """Write visits over what the index has of them, all or none. One that has ended there is not written as one
        that goes on: its sources were read too early. `due`: until when they have to be heard again; None leaves that
        as it is."""
        async with self._writing() as db:
            for visit in written:
                await _write(db, visit, self.clock.now().wall, due.get(visit.slot.session))

    async def indexed(self, session: str) -> Indexed | None:
        """Return what the index has of a visit, None where it has nothing."""
        query = select(visits).where(visits.c.session == session)
        async with self._reading() as db:
            row = (await db.execute(query)).one_or_none()
        if row is None:
            return None
        return Indexed(VisitState(row.state), row.named, row.film_seconds is not None, row.relisten_due)

    async def slots_to_index(self, after: str, limit: int, everything: bool = False) -> list[Slot]:
        """Return the slots of visits that the index lacks, or of which more may be known since, in the order of their
        ids; `everything`: all visits. Where the names are forgotten, nothing more is. Drills are no visits."""
        query = select(slots).where(slots.c.id > after, slots.c.drill.is_(False)).order_by(slots.c.id).limit(limit)
        if not everything:
            query = query.outerjoin(visits, visits.c.session == slots.c.session)
            open_ = and_(visits.c.state.in_(UNSETTLED), visits.c.named.is_(True))
            query = query.where(or_(visits.c.id.is_(None), open_))
        async with self._reading() as db:
            return [slot_of_row(row) for row in await db.execute(query)]

    async def cancellations(self, sessions: Collection[str]) -> dict[str, tuple[datetime, str]]:
        """Return when these sessions' slots were cancelled, and under which code, by session."""
        columns = (slots.c.session, slots.c.cancelled_at, slots.c.cancel_code)
        query = select(*columns).where(slots.c.session.in_(sessions), slots.c.cancelled_at.is_not(None))
        async with self._reading() as db:
            return {row.session: (row.cancelled_at, row.cancel_code or "") for row in await db.execute(query)}

    async def forget_people(self, sessions: Collection[str]) -> int:
        """Remove the names of visits, also from slots, what was shown of people's documents, and what officers wrote
        in words of their own, which may name people. Ids, times and endings stay. Return how many were changed."""
        count = 0
        async with self._writing() as db:
            await forget_documents(db, sessions)
            query = select(visits).where(visits.c.session.in_(sessions), visits.c.named.is_(True))
            for row in (await db.execute(query)).all():
                await _forget(db, row)
                count += 1
        return count

    async def named_before(self, moment: datetime, after: tuple[int, int] | None, limit: int) -> list[Any]:
        """Return session, end, moment and id of visits before a moment whose names are still kept, in order, behind the
        place `after`."""
        columns = (visits.c.session, visits.c.ended_at, visits.c.moment, visits.c.id)
        query = select(*columns).where(visits.c.named.is_(True), visits.c.moment < int(moment.timestamp()))
        if after is not None:
            last, number = after
            query = query.where(visits.c.moment >= last, or_(visits.c.moment > last, visits.c.id > number))
        async with self._reading() as db:
            return list(await db.execute(query.order_by(visits.c.moment, visits.c.id).limit(limit)))


async def _write(db: AsyncConnection, visit: Visit, now: datetime, due: datetime | None) -> None:
    before = (await db.execute(select(visits).where(visits.c.session == visit.slot.session))).one_or_none()
    if before is not None and before.ended_at is not None and not visit.state.over:
        return
    named = visit.named and (before is None or before.named)  # names that were removed do not come back
    if named != visit.named:
        visit = Visit(visit.slot, visit.state, visit.acts, visit.ending, visit.film, named=False)
    facets: set[Facet] = {(facet, value[:LONGEST]) for facet, value in facets_of(visit)}
    kept: set[Facet] = {(facet, value) for facet, value in before.facets} if before is not None else set()
    deleted = before is not None and visit.film is None and before.film_seconds is not None  # its manifest, since
    if deleted:
        facets |= {facet for facet in kept if facet[0] == QUALITY}
    values = columns_of(visit) | {"facets": sorted(map(list, facets)), "indexed_at": now}
    if due is not None:
        values["relisten_due"] = due
    if before is None:
        result: Any = await db.execute(insert(visits).values(session=visit.slot.session, **values))
        number = int(result.inserted_primary_key.id)
    else:
        number = before.id
        if deleted:
            values = {name: value for name, value in values.items() if name not in _OF_FILM}
        await db.execute(update(visits).where(visits.c.id == number).values(values))
    moment = values["moment"]
    await _remove(db, number, moment, kept - facets)
    await _add(db, number, moment, facets - kept)
    await _write_people(db, number, visit)


_OF_FILM = ("film_seconds", "coverage_prison", "coverage_visitor", "quality_prison", "quality_visitor")


def columns_of(visit: Visit) -> dict[str, Any]:
    """Return the columns of a visit that follow from it alone."""
    acts, ending, film = visit.acts, visit.ending, visit.film or Film(0.0, None, None)
    coverage, quality = film.coverage or {}, film.quality or {}
    return {
        "moment": int(visit.slot.starts_at.timestamp()),
        "state": str(visit.state),
        "began_at": acts.began_at,
        "ended_at": ending.at if ending else None,
        "seconds": visit.seconds,
        "ending": ending.code or None if ending else None,
        "ending_side": ending.side or None if ending else None,
        "article": ending.article or None if ending else None,
        "cause": ending.cause or None if ending else None,
        "interventions": [[act.kind, act.article, act.count] for act in acts.interventions],
        "alerts": visit.alarms,
        "officers": sorted(acts.present | acts.acted),
        "extended": acts.extended,
        "pack": acts.pack or None,
        "film_seconds": film.seconds if visit.film else None,
        "coverage_prison": coverage.get(Side.PRISON),
        "coverage_visitor": coverage.get(Side.VISITOR),
        "quality_prison": _level(quality.get(Side.PRISON)),
        "quality_visitor": _level(quality.get(Side.VISITOR)),
        "named": visit.named,
    }


def _level(level: object | None) -> str | None:
    return None if level is None else str(level)


async def _write_people(db: AsyncConnection, number: int, visit: Visit) -> None:
    people = [
        {
            "visit": number,
            "number": at,
            "part": str(part_of(person)),
            "name": person.name,
            "folded": folded(person.name),
        }
        for at, person in enumerate(visit.slot.people if visit.named else ())
    ]
    query = select(visit_people).where(visit_people.c.visit == number).order_by(visit_people.c.number)
    if [dict(row) for row in (await db.execute(query)).mappings()] == people:
        return
    await db.execute(delete(visit_people).where(visit_people.c.visit == number))
    if people:
        await db.execute(insert(visit_people), people)


async def _add(db: AsyncConnection, number: int, moment: int, facets: set[Facet]) -> None:
    if facets:
        rows = [{"facet": facet, "value": value, "moment": moment, "visit": number} for facet, value in sorted(facets)]
        await db.execute(insert(visit_facets), rows)


async def _remove(db: AsyncConnection, number: int, moment: int, facets: set[Facet]) -> None:
    columns = visit_facets.c
    ordered = sorted(facets)
    for first in range(0, len(ordered), AT_ONCE):
        some = tuple_(columns.facet, columns.value).in_(ordered[first : first + AT_ONCE])
        await db.execute(delete(visit_facets).where(some, columns.moment == moment, columns.visit == number))


async def _forget(db: AsyncConnection, row: Any) -> None:
    people = {(facet, value) for facet, value in row.facets if facet in ("inmate", "visitor")}
    await _remove(db, row.id, row.moment, people)
    left = [facet for facet in row.facets if tuple(facet) not in people]
    await db.execute(update(visits).where(visits.c.id == row.id).values(named=False, facets=left))
    await db.execute(delete(visit_people).where(visit_people.c.visit == row.id))
    kept = (await db.execute(select(slots.c.people).where(slots.c.session == row.session))).scalar_one()
    await db.execute(update(slots).where(slots.c.session == row.session).values(people=unnamed(kept)))
    await forget_words(db, row.session)
