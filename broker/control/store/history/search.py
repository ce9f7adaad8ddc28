"""The search of the history. Each word of a search is a facet; the rarest is read in the order of time, and for each
visit that it gives the others are looked up by their keys. No search reads more than its rarest word has, sorts
anything, or holds more than a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.history.tables import visit_facets, visit_people, visits
from broker.control.store.tables import users
from broker.history.facets import id_value
from broker.history.folding import folded, needed
from broker.kernel.errors import BadRequest

COUNTED = 10_000
"""Visits up to which the number of those found is exact."""
COMMON = 2000
"""Visits from which a word is common: to look up the length of each costs more than to read all lengths."""
PARTS = {"inmate": ("inmate",), "visitor": ("visitor", "interpreter")}
"""The parts of people that a search for an inmate, and for a visitor, may mean."""
MOST_OFFICERS = 500
"""Officers whose names have the same part, behind which more of the name is asked for."""
ESCAPE = "\\"


class Place(NamedTuple):
    """The place of a visit in the order of the history, behind which the next page begins."""

    moment: int
    visit: int

    def __str__(self) -> str:
        return f"{self.moment}-{self.visit}"


def place_in(cursor: str) -> Place:
    """Return the place that a cursor names. Raises ValueError."""
    moment, _, visit = cursor.rpartition("-")
    return Place(int(moment), int(visit))


@dataclass(frozen=True, slots=True)
class Search:
    """What a search asks for. `facets`: each has to be there, by one of its values. `inmate`, `visitor`: an id, or a
    part of a name. `since` and `until` (excluded) are of the slot's start; lengths are in seconds."""

    facets: Sequence[tuple[str, tuple[str, ...]]] = ()
    inmate: str = ""
    visitor: str = ""
    since: datetime | None = None
    until: datetime | None = None
    min_seconds: float | None = None
    max_seconds: float | None = None
    newest: bool = True
    after: Place | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Results:
    """One page of what was found. `found`: how many in all, exact up to COUNTED; then `more` is set."""

    rows: list[Any]
    next: Place | None
    found: int
    more: bool


@dataclass(frozen=True, slots=True)
class _Term:
    """One word of a search: a facet with the values of which one has to be there."""

    facet: str
    values: tuple[str, ...]


ALL = _Term("", ())
"""The word that every visit has, and no index."""
Ordered = list[_Term]
"""Words in the order in which they are looked up; the first is read in the order of time, and may be ALL."""


@dataclass(frozen=True, slots=True)
class _Terms:
    """The words of a search, and the parts of names that have to be compared in full."""

    terms: list[_Term] = field(default_factory=list)
    names: list[tuple[tuple[str, ...], str]] = field(default_factory=list)


class HistorySearch(StorePart):
    """The part of the store that searches the history."""

    async def search_visits(self, search: Search) -> Results:
        """Return a page of visits as rows of the table `visits`, in order."""
        async with self._reading() as db:
            terms = await _terms(db, search)
            ordered = await _rarest_first(db, terms.terms, search)
            if ordered is None:
                return Results([], None, 0, False)
            found = int((await db.execute(counted(ordered, terms, search))).scalar_one())
            ids = [row.visit for row in await db.execute(page(ordered, terms, search))]
            rows = {row.id: row for row in await db.execute(select(visits).where(visits.c.id.in_(ids[: search.limit])))}
        shown = [rows[visit] for visit in ids[: search.limit]]
        next = Place(shown[-1].moment, shown[-1].id) if len(ids) > search.limit else None
        return Results(shown, next, min(found, COUNTED), found > COUNTED)

    async def visit_row(self, session: str) -> Any | None:
        """Return the row of one visit, None where the history has none."""
        async with self._reading() as db:
            return (await db.execute(select(visits).where(visits.c.session == session))).one_or_none()

    async def officers_named(self, text: str) -> list[str]:
        """Return the officers with this id, or whose name has this part; the text itself where there is none such. They
        are of all sites, because two sites meet in a visit. Raises BadRequest for too many."""
        like = users.c.name.like(f"%{_literal(text)}%", escape=ESCAPE)
        query = select(users.c.id).where(or_(users.c.id == text, like)).order_by(users.c.id).limit(MOST_OFFICERS + 1)
        async with self._reading() as db:
            found = list((await db.execute(query)).scalars())
        if len(found) > MOST_OFFICERS:
            raise BadRequest(
                "Too many officers have this in their names; enter more of the name, or the id.",
                "姓名中含有该文字的工作人员过多，请输入更完整的姓名或用户名。",
            )
        return found or [text]

    async def people_of(self, numbers: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
        """Return the part and the name of each person of these visits, as long as they are kept, by the visit's
        number."""
        query = select(visit_people).where(visit_people.c.visit.in_(numbers))
        found: dict[int, list[tuple[str, str]]] = {}
        async with self._reading() as db:
            for row in await db.execute(query.order_by(visit_people.c.visit, visit_people.c.number)):
                found.setdefault(row.visit, []).append((row.part, row.name))
        return found


async def _terms(db: AsyncConnection, search: Search) -> _Terms:
    found = _Terms([_Term(facet, values) for facet, values in search.facets])
    for facet, text in (("inmate", search.inmate), ("visitor", search.visitor)):
        if not text:
            continue
        id = _Term(facet, (id_value(text),))
        if await _count(db, id, search, 1):
            found.terms.append(id)
            continue
        part = folded(text)
        found.terms.extend(_Term(facet, (piece,)) for piece in sorted(needed(part)))
        if len(part) > 2:  # the pieces may stand apart
            found.names.append((PARTS[facet], part))
    return found


async def _rarest_first(db: AsyncConnection, terms: Sequence[_Term], search: Search) -> Ordered | None:
    """Return the words in the order in which they are looked up; None where one of them is nowhere. Where all are
    common and a length is asked for, all visits come first: their index has the lengths."""
    counts = [await _count(db, term, search, COUNTED + 1) for term in terms]
    if 0 in counts:
        return None
    ordered = [term for _, term in sorted(zip(counts, terms, strict=True), key=lambda pair: pair[0])]
    by_length = search.min_seconds is not None or search.max_seconds is not None
    return [ALL, *ordered] if by_length and min(counts, default=0) > COMMON else ordered or [ALL]


async def _count(db: AsyncConnection, term: _Term, search: Search, most: int) -> int:
    facets = visit_facets.alias("f")
    query: Select[Any] = (
        select(literal_column("1")).select_from(facets).where(_is(facets, term), *_between(facets.c.moment, search))
    )
    return int((await db.execute(select(func.count()).select_from(query.limit(most).subquery()))).scalar_one())


def page(terms: Ordered, names: _Terms, search: Search) -> Select[Any]:
    """Return the query for one page and the visit behind it, in order; the rarest of `terms` comes first."""
    query, moment, visit = _matching(terms, names, search)
    if search.after is not None:
        query = query.where(*_behind(moment, visit, search.after, search.newest))
    order = (moment.desc(), visit.desc()) if search.newest else (moment, visit)
    return query.order_by(*order).limit(search.limit + 1)


def counted(terms: Ordered, names: _Terms, search: Search) -> Select[Any]:
    """Return the query for the number of visits found, which stops counting behind COUNTED."""
    query = _matching(terms, names, search)[0].limit(COUNTED + 1)
    return select(func.count()).select_from(query.subquery())


def _matching(
    terms: Ordered, names: _Terms, search: Search
) -> tuple[Select[Any], ColumnElement[int], ColumnElement[int]]:
    first, *others = terms
    query, moment, visit = _first(first)
    query = query.where(*_between(moment, search))
    for number, term in enumerate(others, 1):
        other = visit_facets.alias(f"f{number}")
        same = and_(other.c.moment == moment, other.c.visit == visit)
        query = query.where(exists().where(_is(other, term), same))
    for parts, text in names.names:
        people = visit_people.c
        like = people.folded.like(f"%{_literal(text)}%", escape=ESCAPE)
        query = query.where(exists().where(people.visit == visit, people.part.in_(parts), like))
    return query.where(*_long_enough(visit, first is not ALL, search)), moment, visit


def _first(term: _Term) -> tuple[Select[Any], ColumnElement[int], ColumnElement[int]]:
    """Return the query for the rarest word, or for all visits, with the columns of its order."""
    if term is ALL:
        return select(visits.c.id.label("visit"), visits.c.moment), visits.c.moment, visits.c.id
    facets = visit_facets.alias("f0")
    query: Select[Any] = select(facets.c.visit.label("visit"), facets.c.moment).where(_is(facets, term))
    return query.distinct() if len(term.values) > 1 else query, facets.c.moment, facets.c.visit


def _is(facets: FromClause, term: _Term) -> ColumnElement[bool]:
    value = facets.c.value
    return and_(
        facets.c.facet == term.facet, value == term.values[0] if len(term.values) == 1 else value.in_(term.values)
    )


def _between(moment: ColumnElement[int], search: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if search.since is not None:
        found.append(moment >= int(search.since.timestamp()))
    if search.until is not None:
        found.append(moment < int(search.until.timestamp()))
    return found


def _behind(
    moment: ColumnElement[int], visit: ColumnElement[int], place: Place, newest: bool
) -> list[ColumnElement[bool]]:
    """Return the conditions for what comes after a place: the first is the one that the index reads by."""
    if newest:
        return [moment <= place.moment, or_(moment < place.moment, visit < place.visit)]
    return [moment >= place.moment, or_(moment > place.moment, visit > place.visit)]


def _long_enough(visit: ColumnElement[int], joined: bool, search: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    seconds = visits.c.seconds
    if search.min_seconds is not None:
        found.append(seconds >= search.min_seconds)
    if search.max_seconds is not None:
        found.append(seconds <= search.max_seconds)
    return [exists().where(visits.c.id == visit, *found)] if found and joined else found


def _literal(text: str) -> str:
    """Return a text in which no sign is a pattern of LIKE."""
    for sign in (ESCAPE, "%", "_"):
        text = text.replace(sign, ESCAPE + sign)
    return text
