"""The re-listen duty (复听) in the store: which recordings have to be heard again until when, and how two people have
rated each (Yunnan 26(6)). A rating is never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, insert, select

from broker.control.store.base import StorePart
from broker.control.store.history.tables import visit_facets, visit_ratings, visits
from broker.kernel.errors import Conflict, SamePerson

NEEDED = 2
"""Ratings of different people by which a recording is done."""
MOST = 500
"""Duties in one list, the oldest due date first."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating of a recording, by the person who has heard it."""

    session: str
    number: int
    by: str
    verdict: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RelistenDuty:
    """A recording that has to be heard again until `due_at`; `rated`: how many people have."""

    session: str
    moment: int
    due_at: datetime
    rated: int


class Ratings(StorePart):
    """The part of the store for ratings."""

    async def add_rating(self, session: str, by: str, verdict: str, text: str) -> Rating:
        """Store a rating and return it. Raises SamePerson where the same person has rated it, or Conflict where it
        has all that it needs."""
        now = self.clock.now().wall
        async with self._writing() as db:
            query = select(visit_ratings).where(visit_ratings.c.session == session)
            former = list(await db.execute(query))
            if any(row.by == by for row in former):
                raise SamePerson("The second rating is another person's.", "第二次复听须由另一人评定。")
            if len(former) >= NEEDED:
                raise Conflict("This recording has both ratings.", "该录像已完成两人评定。")
            rating = Rating(session, len(former) + 1, by, verdict, text, now)
            values = {name: getattr(rating, name) for name in Rating.__dataclass_fields__}
            await db.execute(insert(visit_ratings).values(values))
        return rating

    async def ratings_of(self, session: str) -> list[Rating]:
        """Return the ratings of a recording, in their order."""
        query = select(visit_ratings).where(visit_ratings.c.session == session).order_by(visit_ratings.c.number)
        async with self._reading() as db:
            return [Rating(**row) for row in (await db.execute(query)).mappings()]

    async def rated(self, sessions: Sequence[str]) -> dict[str, int]:
        """Return how many people have rated each of these recordings."""
        query = select(visit_ratings.c.session, func.count().label("ratings"))
        query = query.where(visit_ratings.c.session.in_(sessions)).group_by(visit_ratings.c.session)
        async with self._reading() as db:
            return {row.session: row.ratings for row in await db.execute(query)}

    async def rated_by(self, user: str, sessions: Sequence[str]) -> set[str]:
        """Return those of these recordings that a person has rated."""
        query = select(visit_ratings.c.session).where(visit_ratings.c.by == user, visit_ratings.c.session.in_(sessions))
        async with self._reading() as db:
            return set((await db.execute(query)).scalars())

    async def relisten_duties(self, state: str, site: str | None, now: datetime) -> list[RelistenDuty]:
        """Return the duties in a state (due, overdue or done) for recordings of a site; None means all sites. A
        recording that was deleted cannot be heard any more: it is among those that are done, or nowhere."""
        rated = (
            select(func.count()).where(visit_ratings.c.session == visits.c.session).correlate(visits).scalar_subquery()
        )
        query = select(visits.c.session, visits.c.moment, visits.c.relisten_due, rated.label("rated"))
        query = query.where(visits.c.relisten_due.is_not(None))
        query = query.where(rated >= NEEDED if state == "done" else rated < NEEDED)
        if state != "done":
            later, before = visits.c.relisten_due >= now, visits.c.relisten_due < now
            query = query.where(before if state == "overdue" else later, visits.c.named.is_(True))
        if site is not None:
            places = visit_facets.c
            own = exists().where(places.facet == "site", places.value == site, places.moment == visits.c.moment)
            query = query.where(own.where(places.visit == visits.c.id))
        order = visits.c.relisten_due.desc() if state == "done" else visits.c.relisten_due
        async with self._reading() as db:
            rows: list[Any] = list(await db.execute(query.order_by(order, visits.c.id).limit(MOST)))
        return [RelistenDuty(row.session, row.moment, row.relisten_due, row.rated) for row in rows]
