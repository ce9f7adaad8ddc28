"""The health of the whole service as one answer, with words and with what to do, for officers who look after it."""

import asyncio
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

from broker.control.store.records import User as Account
from broker.kernel.errors import VisitError
from recorder.evidence.site_chain import VISIT, WITNESS, newest_in_all
from recorder.export.queue import State
from recorder.viewcopy.queue import FAILED, MAKING, QUEUED
from signaling.api.accounts.factors import account_of
from signaling.api.administration import health_parts as parts
from signaling.api.administration.access import READERS
from signaling.api.administration.messages import HealthPart, HealthReport
from signaling.api.administration.packs import read_pack
from signaling.api.terminals.routes import in_use
from signaling.auth.scope import scope
from signaling.budgets.allowance import LIST
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("health")
FORCED = timedelta(days=31)
DAY = timedelta(days=1)


@table.add("GET", "/api/v1/health", cost=LIST, roles=READERS, zh="运行状况", en="Health of the service, in words")
async def get_health(call: Call) -> HealthReport:
    """Processes, disk, clock, journal, drills, terminals and accounts; those of the caller's site, where they have
    one."""
    context, own = call.context, scope(call.user)
    found = [*_service(context), await _disk(context), await _witness(context, own)]
    try:
        await context.store.health()
        found += [parts.database(True, context.broker.figures().storage)]
        found += await _stored(context, own, await account_of(call))
    except VisitError:
        found += [parts.database(False, False)]
    found.sort(key=lambda part: parts.ORDER.index(part.level))
    return HealthReport(server_time=context.now().wall, version=context.version, level=found[0].level, parts=found)


def _service(context: Context) -> list[HealthPart]:
    """Return the parts that are known without the database."""
    figures, moved = context.broker.figures(), context.broker.clock_watch.status().moved
    ready = sum(worker.ready for worker in figures.workers)
    overloaded = sum(worker.status is not None and worker.status.overload > 0 for worker in figures.workers)
    return [
        parts.relays(ready, len(figures.workers), figures.waiting, overloaded),
        parts.recorder(figures.recorder),
        parts.journal(context.journal.healthy(context.mono()), context.journal.checkpoints.trouble),
        parts.clock(None if moved is None else moved.total_seconds()),
        parts.ingress(context.ingress),
        parts.tls(context.settings.tls_certificate is not None, context.ingress, context.now().wall),
    ]


async def _disk(context: Context) -> HealthPart:
    free = await asyncio.to_thread(_free, context.settings.archive_dir)
    return parts.disk(free, context.settings.disk_reserve_bytes)


async def _witness(context: Context, own: str | None) -> HealthPart:
    """Return the part of the nights' statements, of the caller's site or of all."""
    settings, site = context.settings, own or "*"
    visit = await asyncio.to_thread(newest_in_all, settings.archive_dir, (VISIT,), site)
    last = await asyncio.to_thread(newest_in_all, settings.archive_dir, (WITNESS,), site)
    return parts.witness(settings.witness_time, visit, last, context.now().wall)


def _free(folder: Path) -> int | None:
    """Return the free bytes of the disk of a folder, None where it cannot be read."""
    try:
        return shutil.disk_usage(folder if folder.exists() else folder.parent).free
    except OSError:
        return None


async def _stored(context: Context, own: str | None, officer: Account) -> list[HealthPart]:
    """Return the parts that are read from the database, of a site or of all."""
    store, now = context.store, context.now().wall
    outcomes = Counter(str(drill.state) for drill in await store.drills_since(now - DAY, own))
    views = await in_use(context, own)
    forced = await store.forced_since(now - FORCED) if own is None else 0
    copies, packages = await context.views.counts(own), await context.exports.counts(own)
    building = packages.get(State.APPROVED, 0) + packages.get(State.BUILDING, 0)
    policies = {site.policy for site in await store.sites() if own in (None, site.id)}
    return [
        parts.drills(outcomes["failed"], outcomes["passed"]),
        parts.terminals(
            sum(bool(view.troubles) for view in views), len(views), sum(view.state == "conflicted" for view in views)
        ),
        parts.accounts(len(await store.seen_changes(officer)), forced),
        parts.view_copies(copies.get(QUEUED, 0) + copies.get(MAKING, 0), copies.get(FAILED, 0)),
        parts.exports(packages.get(State.REQUESTED, 0), building, packages.get(State.FAILED, 0)),
        parts.packs(sum(read_pack(name)[0] is None for name in policies)),
    ]
