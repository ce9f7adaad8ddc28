"""The plan of a purge: what would be deleted now, streamed from the catalog page by page, so that a million rows need
no more memory than a thousand. Its hash stands for exactly these recordings; the second officer's approval is bound to
it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import reading, storage_errors
from recorder.archive.catalog import FINISHED
from recorder.archive.tables import RECORDINGS
from recorder.evidence.chain_facts import ChainFacts
from recorder.retention.holds import HELD
from recorder.retention.policy_changes import extend_due_dates
from recorder.retention.rules import LEAST_MONTHS, Facts, Why, keep

PAGE = 500
"""Rows between two moments in which other work goes on: the control process plans, too."""
_ROW = RECORDINGS.c
_WANTED = (_ROW.session, _ROW.site, _ROW.state, _ROW.path, _ROW.bytes, _ROW.ended_at, _ROW.due_at, _ROW.manifest_sha256)


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a plan: recordings due at `as_of`, of one site or (None) of all. `months`: in each site's policy
    today; `witnessed`: the latest moment in any other record; `chains`: what the chains of the sites say."""

    as_of: datetime
    site: str | None
    months: Mapping[str, int]
    witnessed: datetime | None = None
    chains: ChainFacts = field(default_factory=ChainFacts)


@dataclass(slots=True)
class SiteTotal:
    """The totals of one site in a plan."""

    recordings: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(slots=True)
class Plan:
    """The recordings that may be deleted, counted by site. `kept`: counts of those that are due and stay, by reason."""

    scope: Scope
    recordings: int = 0
    bytes: int = 0
    sites: dict[str, SiteTotal] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    _hash: Any = field(default_factory=hashlib.sha256)

    @property
    def hash(self) -> str:
        """The hash of exactly this set of recordings, with these manifests, as of this moment."""
        head = f"{self.scope.as_of.astimezone(UTC).isoformat()}\n{self.scope.site or ''}\n{self.recordings}\n"
        return hashlib.sha256(head.encode() + self._hash.digest()).hexdigest()

    def add(self, row: Any) -> None:
        """Add a recording that may be deleted."""
        size, ended = row.bytes or 0, row.ended_at
        self.recordings += 1
        self.bytes += size
        total = self.sites.get(row.site) or self.sites.setdefault(row.site, SiteTotal())
        total.recordings += 1
        total.bytes += size
        if total.oldest is None or ended < total.oldest:
            total.oldest = ended
        if total.newest is None or ended > total.newest:
            total.newest = ended
        self._hash.update(f"{row.session}\t{row.due_at.timestamp():.6f}\t{row.manifest_sha256}\n".encode())

    def keep(self, why: Why) -> None:
        """Count a recording that is due and stays."""
        self.kept[why] = self.kept.get(why, 0) + 1


async def plan_of(engine: AsyncEngine, scope: Scope) -> Plan:
    """Return the plan for a scope. Raises StorageUnavailable."""
    plan = Plan(scope)
    async for row, why in due(engine, scope):
        if why is None:
            plan.add(row)
        else:
            plan.keep(why)
    if undated := await _undated(engine, scope):
        plan.kept[Why.UNDATED] = undated
    return plan


async def due(engine: AsyncEngine, scope: Scope) -> AsyncIterator[tuple[Any, Why | None]]:
    """Yield every finished recording whose written date has come, by due date, and why it stays (None: it may go). Due
    dates that today's policies move are written first. Raises StorageUnavailable."""
    await extend_due_dates(engine, scope.months, scope.as_of)
    query = _of(scope, select(*_WANTED, HELD.label("held"))).where(_ROW.due_at <= scope.as_of)
    query = query.order_by(_ROW.due_at, _ROW.session).limit(PAGE)
    page = query
    while rows := await _read(engine, page):
        for row in rows:
            yield row, verdict(row, bool(row.held), scope)
        await asyncio.sleep(0)
        after = tuple_(literal(rows[-1].due_at, _ROW.due_at.type), literal(rows[-1].session))
        page = query.where(tuple_(_ROW.due_at, _ROW.session) > after)


def verdict(row: Any, held: bool, scope: Scope) -> Why | None:
    """Return why a finished recording stays, None where it may go. A hold stands where a row (`held`) or the chain of
    its site has it."""
    chains, dated = scope.chains, scope.chains.dated.get(row.session)
    ended = row.ended_at if dated is None else max(row.ended_at, dated.since)
    due = row.due_at if dated is None else max(row.due_at, dated.due)
    held = held or row.session in chains.held
    facts = Facts(ended, due, True, held, row.session in chains.undated, row.site not in chains.broken)
    return keep(facts, scope.months.get(row.site, LEAST_MONTHS), scope.as_of, scope.witnessed)


async def newest(engine: AsyncEngine, before: datetime | None = None) -> datetime | None:
    """Return the latest end of a recording (of those that ended until `before`), None where there is none. A clock that
    is behind it was set back."""
    query = select(func.max(_ROW.ended_at, type_=_ROW.ended_at.type).label("at"))
    rows = await _read(engine, query if before is None else query.where(_ROW.ended_at <= before))
    at: datetime | None = rows[0].at
    return at


async def _undated(engine: AsyncEngine, scope: Scope) -> int:
    query = _of(scope, select(func.count(_ROW.session).label("count"))).where(_ROW.due_at.is_(None))
    rows = await _read(engine, query.where(_ROW.path.is_not(None)))
    return int(rows[0].count)


def _of(scope: Scope, query: Select[Any]) -> Select[Any]:
    query = query.where(_ROW.state.in_(FINISHED))
    return query if scope.site is None else query.where(_ROW.site == scope.site)


async def _read(engine: AsyncEngine, query: Select[Any]) -> list[Any]:
    with storage_errors("The catalog does not answer."):
        async with reading(engine) as db:
            return list((await db.execute(query)).all())
