"""Years of an archive in simulated time: recordings end, officers set and lift legal holds, policies change, a clock is
set back and right again, and again and again a purge is planned and carried out as planned. The real catalog, holds and
plan decide; what may go is reckoned here anew, from true time."""

import asyncio
import calendar
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from broker.kernel.database import engine_for
from broker.kernel.errors import VisitError
from recorder.archive.catalog import Catalog
from recorder.retention.holds import Holds
from recorder.retention.plan import Scope, due, newest
from recorder.retention.rules import due_at
from tests.simulation.oracles.findings import Finding
from tests.simulation.world.world import World, made

SHANGHAI = timezone(timedelta(hours=8))
SITES = ("first-prison", "panyu-prison")
DAY = 86_400.0
DAYS = 500


@dataclass
class Years:
    """What truly happened to the recordings of one archive."""

    ended: dict[str, datetime] = field(default_factory=dict)
    held: dict[str, bool] = field(default_factory=dict)
    months: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SITES, 6))
    deleted: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def simulate_years(seed: int) -> Years:
    """Let an archive grow old under a seed, and return what became of it."""
    with made(seed) as world:
        years, chance = Years(), random.Random(f"years {seed}")
        world.loop.create_task(_live(world, years, chance))
        world.scheduler.run(DAYS * DAY)
        world.over = True
        for event in world.story.of("fault"):
            years.findings.append(Finding("no fault", event.at, event.about, str(event.data)))
    return years


async def _live(world: World, years: Years, chance: random.Random) -> None:
    engine = engine_for(world.settings.database_url)
    catalog, holds = Catalog(engine), Holds(engine)
    while not world.over:
        await asyncio.sleep(chance.expovariate(1.0) * 1.5 * DAY)
        deed = chance.choices((_record, _hold, _lift, _policy, _clock, _purge), (10, 3, 2, 1, 1, 6))[0]
        await deed(world, years, chance, catalog, holds)


async def _record(world: World, years: Years, chance: random.Random, catalog: Catalog, holds: Holds) -> None:
    """A visit ends and is archived, dated as `finalise` does."""
    session, site = f"ses_{len(years.ended)}", chance.choice(SITES)
    wall, witnessed = world.clocks.wall(), await newest(catalog.engine)
    latest = max(wall, witnessed) if witnessed is not None else wall
    years.ended[session] = world.clocks.true_wall()
    row = {"session": session, "site": site, "state": "archived", "announced": True, "created_at": wall}
    row |= {"path": f"{site}/2026/03/02/{session}/session.mp4", "bytes": 1, "manifest_sha256": "0" * 64}
    row |= {"ended_at": wall, "due_at": due_at(latest, years.months[site])}
    await catalog.put(row)


async def _hold(world: World, years: Years, chance: random.Random, catalog: Catalog, holds: Holds) -> None:
    session = chance.choice(sorted(years.ended.keys() - years.deleted.keys()) or ["ses_none"])
    try:
        await holds.add(session, "证据", "auditor", world.clocks.wall())
        years.held[session] = True
    except VisitError:
        return


async def _lift(world: World, years: Years, chance: random.Random, catalog: Catalog, holds: Holds) -> None:
    standing = sorted(session for session, held in years.held.items() if held)
    if standing:
        session = chance.choice(standing)
        await holds.lift(session, "结案", "auditor", world.clocks.wall())
        years.held[session] = False


async def _policy(world: World, years: Years, chance: random.Random, catalog: Catalog, holds: Holds) -> None:
    years.months[chance.choice(SITES)] = chance.choice((6, 6, 7, 12))


async def _clock(world: World, years: Years, chance: random.Random, catalog: Catalog, holds: Holds) -> None:
    """The clock is set back by a mistake for some hours, in which a purge is planned, too."""
    world.clocks.error = -chance.uniform(1.0, 300.0) * DAY
    await _purge(world, years, chance, catalog, holds)
    await asyncio.sleep(chance.uniform(0.0, 0.5) * DAY)
    world.clocks.error = 0.0


async def _purge(world: World, years: Years, chance: random.Random, catalog: Catalog, holds: Holds) -> None:
    """A purge deletes exactly what its plan names."""
    engine = catalog.engine
    scope = Scope(world.clocks.wall(), None, dict(years.months), await newest(engine))
    async for row, why in due(engine, scope):
        if why is None:
            _judge(world, years, row.session)
            await catalog.set(row.session, state="purged")
            years.deleted[row.session] = world.scheduler.now


def _judge(world: World, years: Years, session: str) -> None:
    now, ended = world.clocks.true_wall(), years.ended[session]
    if now < keeps_until(ended):
        words = f"deleted {keeps_until(ended) - now} before six months were over"
        years.findings.append(Finding("deleted early", world.scheduler.now, session, words))
    if years.held.get(session):
        years.findings.append(Finding("hold", world.scheduler.now, session, "deleted under a legal hold"))


def keeps_until(ended: datetime) -> datetime:
    """Return the first moment at which six calendar months since the day of an end are over, in Shanghai."""
    day = ended.astimezone(SHANGHAI).date()
    year, month = day.year + (day.month + 5) // 12, (day.month + 5) % 12 + 1
    last = calendar.monthrange(year, month)[1]
    due_day = date(year, month, min(day.day, last))
    return datetime.combine(due_day + timedelta(days=1), datetime.min.time(), SHANGHAI)


__all__ = ["Years", "keeps_until", "simulate_years"]
