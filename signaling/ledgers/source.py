"""Where a ledger is read: the history's index (`broker/control/store/history`), joined with slots, recordings and
accounts, a page at a time, in the order of time. What is made public is masked here, so that no name goes further."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple

from broker.booking.slot import Slot
from broker.control.store.history.search import Search
from broker.control.store.store import Store
from broker.history.visit import Part
from broker.kernel.clock import SHANGHAI
from broker.kernel.errors import BadRequest
from broker.kernel.ids import Side, SiteId
from recorder.archive.catalog import PURGED
from recorder.evidence.chain_heads import ChainHeads
from signaling.api.audit.rows import ending_view
from signaling.ledgers.entry import Entry, Head, Request
from signaling.ledgers.masking import masked_name, masked_number
from signaling.views.names import Names
from signaling.views.recordings import Recordings

PAGE = 50
"""Visits that are read at once: the event loop, which renews leases, is held up by one page and no more."""
LONGEST = timedelta(days=31)
"""The most days that one ledger has: a month."""
People = list[tuple[str, str]]


class LedgerSource:
    """Reads the ledgers of one installation. Every method raises StorageUnavailable."""

    def __init__(self, store: Store, recordings: Recordings, names: Names) -> None:
        self._store, self._recordings, self._names = store, recordings, names
        self._heads = ChainHeads(store.engine)

    async def head(self, request: Request, made_at: datetime, made_by: str, made_by_name: str) -> Head:
        """Return what stands over the entries. Raises NotFound for a site that is not there."""
        site = await self._store.site(request.site)
        heads = await self._heads.all()
        return Head(
            request=request,
            site_name=site.name,
            made_at=made_at,
            made_by=made_by,
            made_by_name=made_by_name,
            chain_head=heads.get(site.id, ""),
        )

    async def entries(self, request: Request) -> AsyncIterator[Entry]:
        """Yield every visit of the site that was booked for these days, whatever became of it, in order of time."""
        since, until = bounds(request)
        search = Search((("site", (request.site,)),), since=since, until=until, newest=False, limit=PAGE)
        reader = _Reader(self._store, self._names, request)
        while True:
            found = await self._store.search_visits(search)
            sessions = [row.session for row in found.rows]
            slots = await self._store.slots_of(sessions)
            people = await self._store.people_of([row.id for row in found.rows])
            recordings = await self._recordings.of(sessions)
            for row in found.rows:
                yield await reader.entry(row, slots[row.session], people.get(row.id, []), recordings.get(row.session))
            if found.next is None:
                return
            search = Search(search.facets, since=since, until=until, newest=False, limit=PAGE, after=found.next)


def bounds(request: Request) -> tuple[datetime, datetime]:
    """Return the first and the first-after moment of a ledger's days. Raises BadRequest for days that are no ledger."""
    if request.until < request.since:
        raise BadRequest("The last day is before the first one.", "结束日期早于开始日期。")
    if request.until - request.since >= LONGEST:
        raise BadRequest(
            "A ledger is of 31 days at most: make one for each month.", "一份台账最多 31 天，请按月分别导出。"
        )
    if request.since.year < 2000 or request.until.year >= 2100:
        raise BadRequest("The year must be between 2000 and 2099.", "年份应在 2000 至 2099 之间。")
    start = datetime.combine(request.since, time.min, tzinfo=SHANGHAI)
    end = datetime.combine(request.until + timedelta(days=1), time.min, tzinfo=SHANGHAI)
    return start.astimezone(UTC), end.astimezone(UTC)


class _Reader:
    """Makes entries of rows of the index. Accounts are looked up once for each ledger."""

    def __init__(self, store: Store, names: Names, request: Request) -> None:
        self._store, self._names, self._request = store, names, request
        self._officers: dict[str, tuple[str, SiteId | None]] = {}

    async def entry(self, row: Any, slot: Slot, people: People, recording: Mapping[str, Any] | None) -> Entry:
        """Return the entry of one visit; in a public ledger it is masked."""
        if not row.named or (recording is not None and recording["state"] == PURGED):
            people = []
        listed = _listed(slot, people)
        values = await self._common(row, slot, bool(people)) | {
            "inmates": tuple(masked_name(person.name) for person in listed if person.part is Part.INMATE),
            "visitors": tuple(masked_name(person.name) for person in listed if person.part is Part.VISITOR),
            "external_id": masked_number(slot.external_id),
        }
        if not self._request.public:
            values |= _named(slot, listed) | _acts(row, slot, self._request.site) | await self._on_duty(row.officers)
            values["recording"] = "" if recording is None else recording["state"]
        return Entry(**values)

    async def _common(self, row: Any, slot: Slot, named: bool) -> dict[str, Any]:
        """Return what both versions have: when and where, how long, and how many."""
        return {
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
            "prison": await self._names.site(slot.prison.site),
            "prison_room": await self._names.room(slot.prison.room),
            "visitor": await self._names.site(slot.visitor.site),
            "visitor_room": await self._names.room(slot.visitor.room),
            "visitor_count": len(slot.parties_of(Side.VISITOR)),
            "began_at": row.began_at,
            "seconds": None if row.seconds is None else round(row.seconds),
            "state": row.state,
            "officer_count": len(row.officers),
            "named": named,
        }

    async def _on_duty(self, officers: Sequence[str]) -> dict[str, Any]:
        """Return the names of the officers of the ledger's site, and of the others."""
        found: dict[str, list[str]] = {"officers": [], "others": []}
        for user in officers:
            name, site = await self._officer(user)
            found["officers" if site == self._request.site else "others"].append(name)
        return {kind: tuple(names) for kind, names in found.items()}

    async def _officer(self, user: str) -> tuple[str, SiteId | None]:
        if user not in self._officers:
            record = await self._store.user_named(user)
            self._officers[user] = (record.name, record.site) if record is not None else (user, None)
        return self._officers[user]


class _Listed(NamedTuple):
    """A listed person: the part in this visit, the name, and what a visitor is to the inmate."""

    part: Part
    name: str
    relation: str


def _listed(slot: Slot, people: People) -> list[_Listed]:
    """Return the people whose names are kept. Where both sides hold inmates, those of the visitor side are met."""
    if len(people) != len(slot.people):
        return [_Listed(Part(part), name, "") for part, name in people]
    return [
        _Listed(Part.VISITOR if person.meets and person.side is Side.VISITOR else Part(part), name, person.relation)
        for person, (part, name) in zip(slot.people, people, strict=True)  # the index keeps their order
    ]


def _named(slot: Slot, listed: Sequence[_Listed]) -> dict[str, Any]:
    """Return the members with names and numbers, which a public ledger has masked or not at all."""
    visitors = [person for person in listed if person.part is Part.VISITOR]
    return {
        "session": slot.session,
        "external_id": slot.external_id,
        "inmates": tuple(person.name for person in listed if person.part is Part.INMATE),
        "visitors": tuple(
            f"{person.name}（{person.relation}）" if person.relation else person.name for person in visitors
        ),
        "interpreters": tuple(person.name for person in listed if person.part is Part.INTERPRETER),
        "language": slot.language,
        "approved_by": slot.approved_by,
        "approval_article": slot.article,
        "minutes": slot.minutes,
    }


def _acts(row: Any, slot: Slot, site: str) -> dict[str, Any]:
    """Return how the visit went and ended, and what officers did in it."""
    ending = ending_view(row, slot.between_inmates)
    coverage = row.coverage_prison if slot.prison.site == site else row.coverage_visitor
    return {
        "ended_at": row.ended_at,
        "extended": round(row.extended),
        "ending": "" if ending is None else ending.zh,
        "article": row.article or "",
        "interventions": tuple((kind, article, count) for kind, article, count in row.interventions),
        "alerts": row.alerts,
        "coverage": None if coverage is None else int(coverage * 100),
    }
