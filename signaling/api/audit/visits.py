"""The history of visits for auditors: the search, and one visit. Each access is journaled; what was searched for is
not, because names do not belong into the journal."""

from datetime import date, datetime

from broker.control.store.history.search import Search, place_in
from broker.kernel.ids import SiteId
from signaling.api.audit.messages import VisitList, VisitsOrder, VisitsQuery
from signaling.api.audit.rows import rows_of
from signaling.auth.scope import Role, author, scope
from signaling.budgets.allowance import LIST
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("visits")
AUDITOR = (Role.AUDITOR,)
READS = (Role.AUDITOR, Role.PROCURATOR)
VISIT = "/api/v1/visits/{session}"
REFUSED = "VisitRefused"
"""Journal kind of a refusal."""
FACETS = ("site", "room", "slot", "state", "ending", "article", "intervention", "alert", "quality")
"""Members of the query that are looked up as they are."""


@table.add("GET", "/api/v1/visits", cost=LIST, roles=READS, zh="查询会见", en="Search for visits", refused=REFUSED)
async def get_visits(call: Call, query: VisitsQuery) -> VisitList:
    """Every visit that was ever booked with the auditor's site, whatever became of it; of all sites for auditors of the
    province. Drills are no visits. For people who met see `POST /api/v1/visits/search`."""
    return await _found(call, VisitsOrder.model_construct(query.model_fields_set, **dict(query)))


@table.add(
    "POST",
    "/api/v1/visits/search",
    cost=LIST,
    roles=READS,
    zh="按姓名等查询会见",
    en="Search for visits, also by people",
    refused=REFUSED,
)
async def search_visits(call: Call, body: VisitsOrder) -> VisitList:
    """The same search in a body, also for the inmate and the visitors, whose names must stand in no address."""
    return await _found(call, body)


async def _found(call: Call, query: VisitsOrder) -> VisitList:
    found = await call.context.store.search_visits(await _search(call.context, query, scope(call.user)))
    asked = sorted(name for name in VisitsOrder.model_fields if name in query.model_fields_set)
    call.context.journal.note_access("VisitsSearched", None, author(call.user), {"by": asked, "found": found.found})
    return VisitList(
        visits=await rows_of(call.context, found.rows),
        next=None if found.next is None else str(found.next),
        found=found.found,
        more=found.more,
    )


async def _search(context: Context, query: VisitsOrder, own: SiteId | None) -> Search:
    facets: list[tuple[str, tuple[str, ...]]] = [("site", (own,))] if own is not None else []
    facets += [(name, (value,)) for name in FACETS if (value := getattr(query, name)) is not None]
    for facet, text in (("supervisor", query.supervisor), ("watched", query.watched_by)):
        if text is not None:
            facets.append((facet, tuple(await context.store.officers_named(text))))
    return Search(
        facets=facets,
        inmate=query.inmate or "",
        visitor=query.visitor or "",
        since=_moment(context, query.since, 0),
        until=_moment(context, query.until, 1),
        min_seconds=query.min_seconds,
        max_seconds=query.max_seconds,
        newest=query.order == "newest",
        after=place_in(query.after) if query.after is not None else None,
        limit=query.limit,
    )


def _moment(context: Context, bound: datetime | date | None, end: int) -> datetime | None:
    """Return a bound as a moment: of a day its beginning, or its `end` (1). Raises BadRequest for other centuries."""
    if bound is None or isinstance(bound, datetime):
        return bound
    return context.day_bounds(bound)[end]
