"""The later dating of recordings that were made with a wrong clock: before the first recording there can be, behind an
earlier record, or before a step of the clock in the same run of the machine. Their own date would make them due too
early, so that they stay until a right clock sees them: their end was then at the latest, and six months are counted
from there. The date is a signed line in the chain of the site; it never makes a recording due earlier.

A clock is right when a time source disciplines it, or when an officer has compared it since the machine was started."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.clock import Discipline, Instant, boot_id, in_shanghai
from broker.kernel.database import SQL_ERRORS, storage_errors, writing
from recorder.archive.manifest_check import is_moment
from recorder.archive.tables import RECORDINGS
from recorder.evidence.chain_facts import ChainFacts, fault
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.site_chain import DUE, NAME, VISIT, BrokenSiteChain, newest_in_all, open_chain, visits_of_boot
from recorder.retention.clock_trust import Marks, marks
from recorder.retention.holds import Chains
from recorder.retention.plan import newest
from recorder.retention.rules import (
    CLOCK_SLACK,
    FIRST_RECORDING,
    LEAST_MONTHS,
    clock_leapt,
    clock_went_back,
    due_at,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Redated:
    """A recording that gets a later date: it ended at `since` at the latest, because of `why`."""

    session: str
    since: datetime
    why: str


def is_right(now: Instant, noted: Marks, kept: Discipline | None, latest: datetime | None) -> bool:
    """Whether the clock may date recordings. `latest`: the latest moment in any record. Pure."""
    if now.wall < FIRST_RECORDING or clock_went_back(now.wall, latest):
        return False
    moved = clock_leapt([noted.own] if noted.own else [], now.wall, now.mono)
    return (kept is not None and kept.synchronised) or (noted.believed and moved is None)


def redated(facts: ChainFacts, visits: Sequence[Mapping[str, Any]], now: Instant) -> Iterator[Redated]:
    """Yield the recordings that this right clock dates later. `visits`: the chain lines of visits that were archived in
    this run of the machine, by whose monotonic clock the real moment of each follows. Pure."""
    for session in sorted(facts.undated):
        yield Redated(session, now.wall, facts.doubted[session])
    for visit in visits:
        since = moment_of(visit, now)
        if since is None or visit["session"] in facts.undated:
            continue
        dated = facts.dated.get(visit["session"])
        before = datetime.fromisoformat(visit["wall"])
        if since - (max(before, dated.since) if dated else before) > CLOCK_SLACK:
            yield Redated(visit["session"], since, "clock_stepped")


def moment_of(visit: Mapping[str, Any], now: Instant) -> datetime | None:
    """Return when a visit of this run of the machine was archived by the present clock, None where it does not say."""
    mono = visit.get("mono")
    if not isinstance(mono, int | float) or isinstance(mono, bool) or not is_moment(visit.get("wall")):
        return None
    return now.wall - timedelta(seconds=now.mono - mono)


async def date_recordings(
    engine: AsyncEngine,
    chains: Chains,
    now: Instant,
    kept: Discipline | None,
    months: Mapping[str, int] | None = None,
    latest: datetime | None = None,
) -> list[Redated]:
    """Write the later dates of recordings, in the chains and in the catalog, where this machine's clock is right.

    `kept`: the kernel's report on its reference. `months`: of each site's policy, LEAST_MONTHS where absent. `latest`:
    the latest moment in records that are not the recorder's. Raises StorageUnavailable."""
    noted, written_last = await marks(engine, now), await asyncio.to_thread(newest_in_all, chains.root)
    moments = [moment for moment in (await newest(engine), written_last, latest) if moment is not None]
    if not is_right(now, noted, kept, max(moments, default=None)):
        return []
    heads = await ChainHeads(engine).all()
    found: list[Redated] = []
    for site in sorted(path.parent.name for path in chains.root.glob(f"*/{NAME}")):
        least = max((months or {}).get(site, LEAST_MONTHS), LEAST_MONTHS)
        try:
            written = await asyncio.to_thread(_write, chains, site, now, least, heads.get(site))
        except (OSError, ValueError, BrokenSiteChain) as error:
            log.error("recordings not dated", site=site, why=type(error).__name__)
            continue
        entries, dates = written
        await _keep(engine, dates)
        if entries:
            await ChainHeads(engine).advance(chains.root, site, now.wall)
            found += entries
    return found


def _write(
    chains: Chains, site: str, now: Instant, months: int, head: str | None
) -> tuple[list[Redated], dict[str, datetime]]:
    """Append a line for each recording of a site that is dated now; none to a chain that is not whole. Return them, and
    the dates of all recordings that were ever dated."""
    with open_chain(chains.root, site) as chain:
        if why := fault(chain.lines, chains.keys, head):
            raise BrokenSiteChain(why)
        facts = ChainFacts()
        facts.take(site, chain.lines, None)
        entries = list(redated(facts, visits_of_boot(chain.lines, boot_id()), now))
        dates = {session: dated.due for session, dated in facts.dated.items()}
        for entry in entries:
            visit = chain.find(entry.session, VISIT) or {}
            dates[entry.session] = due = due_at(entry.since, months)
            line = {"kind": DUE, "session": entry.session, "since": entry.since.isoformat(), "why": entry.why}
            line |= {"number": visit.get("number", 0), "manifest": visit.get("manifest", "")}
            line |= {"due_at": in_shanghai(due).isoformat(), "at": now.wall.isoformat()}
            chain.append(line, chains.signer)
        return entries, dates


async def _keep(engine: AsyncEngine, dates: Mapping[str, datetime]) -> None:
    """Write dates into the catalog, also those that a lost one has forgotten. None becomes earlier."""
    row = RECORDINGS.c
    with storage_errors("The due dates cannot be written.", errors=SQL_ERRORS):
        async with writing(engine) as db:
            for session, due in dates.items():
                earlier = (row.session == session) & (row.due_at.is_(None) | (row.due_at < due))
                await db.execute(RECORDINGS.update().where(earlier).values(due_at=due))
