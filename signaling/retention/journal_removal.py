"""The removal of the journal's beginning: what may go by the rule, and the steps in which it goes. Two officers order
it like a purge. The entry that says so is on disk and signed before the first row goes, and a removal that was broken
off is finished by `--resume` or by the next one."""

import asyncio
import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.control.journal import reader
from broker.control.journal.entry import digest_of
from broker.control.journal.removal import REMOVED
from broker.control.store.slots import ENDED
from broker.control.store.tables import journal, journal_removals, slots, snapshots
from broker.kernel import canonical_json
from broker.kernel.database import reading, storage_errors, writing
from broker.kernel.errors import Conflict
from recorder.archive.catalog import FAILED, NO_FILES, PURGED
from recorder.archive.tables import EXPORTS, HOLDS, RECORDINGS
from recorder.evidence.checkpoints import CheckpointChain
from recorder.export.queue import FINISHED
from recorder.retention import approvals
from recorder.retention.approvals import Approval, Lock
from recorder.retention.journal_rule import Holding, first_holding, months_of_journal, removable
from signaling.retention.purge_context import Installation, chains_of, scope_at

BATCH = 2_000
"""Rows of one transaction: other writers need the lock, too."""
_UNREADABLE = "The journal cannot be read or written ({error})."


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What may be removed at the moment `as_of`: `entries` up to `through`, whose hash is `head`, on the word of the
    checkpoint with this number; 0 where nothing may. `holding`: what holds back the rest, None where only its age
    does."""

    as_of: datetime
    months: int
    entries: int
    through: int
    head: str
    checkpoint: int
    holding: Holding | None

    @property
    def hash(self) -> str:
        """The hash to which the second officer's approval is bound."""
        facts = {"kind": "journal", "through": self.through, "head": self.head}
        return hashlib.sha256(canonical_json.sorted_utf8(facts)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the plan as values of JSON."""
        return {**asdict(self), "as_of": self.as_of.isoformat(), "plan": self.hash}


def checkpoints_of(installation: Installation) -> CheckpointChain:
    """Return the checkpoints of this installation's journal. Raises KeyProblem."""
    chains = chains_of(installation)
    return CheckpointChain(chains.root, installation.settings.keys_dir, chains.signer)


async def plan_of_journal(installation: Installation, as_of: datetime | None = None) -> RemovalPlan:
    """Return what may be removed now. Raises Conflict where this machine's clock is not trusted."""
    scope = await scope_at(installation, None, as_of)
    engine, now = installation.store.engine, scope.as_of
    months = months_of_journal(scope.months.values(), installation.settings.journal_months)
    holding = await _holding(engine, now)
    points = await asyncio.to_thread(checkpoints_of(installation).points)
    stored = await reader.hashes(engine, sorted({point.seq for point in points}))
    point = removable((point for point in points if stored.get(point.seq) == point.head), months, now, holding)
    if point is None:
        return RemovalPlan(now, months, 0, 0, "", 0, holding)
    return RemovalPlan(now, months, await _count(engine, point.seq), point.seq, point.head, point.number, holding)


async def check_entries(engine: AsyncEngine, through: int) -> None:
    """Check that the entries which may go are those that were written: one that was changed is evidence, and stays.
    Raises Conflict, StorageUnavailable."""
    after, head = 0, None
    while after < through and (page := await reader.entries(engine, after=after, limit=min(BATCH, through - after))):
        for entry in page:
            if entry.seq > through:
                return
            if digest_of(entry) != entry.hash or head not in (None, entry.prev_hash):
                raise Conflict(
                    f"Entry {entry.seq} is not what was written: nothing goes before that was looked into, see "
                    "`huijian admin journal verify`.",
                    f"第 {entry.seq} 条日志与写入时不同：查明之前不得清理，请先运行 huijian admin journal verify。",
                )
            head = entry.hash
        after = page[-1].seq


async def remove(installation: Installation, approval: Approval, by: str) -> RemovalPlan:
    """Remove what an approval is of, and return that. Raises Conflict where the plan has changed since, or where an
    entry was changed."""
    engine, clock = installation.store.engine, installation.store.clock
    async with Lock(engine, "purge", clock).held():
        plan = await plan_of_journal(installation, approval.as_of)
        if plan.hash != approval.plan or not plan.entries:
            raise Conflict("The plan has changed since the code was issued.", "清单已变化，请重新签发确认码。")
        await check_entries(engine, plan.through)
        with storage_errors(_UNREADABLE):
            async with writing(engine) as db:
                await approvals.use(db, approval, by, clock.now().wall)
        await _announce(installation, plan, approval, by)
        await finish(engine)
    return plan


async def finish(engine: AsyncEngine) -> int:
    """Remove the rows that a removal has announced and left, and return how many. Raises StorageUnavailable."""
    count = 0
    with storage_errors(_UNREADABLE):
        async with reading(engine) as db:
            through = (await db.execute(select(func.max(journal_removals.c.through)))).scalar() or 0
        while through and (removed := await _remove_some(engine, through)):
            count += removed
            await asyncio.sleep(0)
    return count


async def _announce(installation: Installation, plan: RemovalPlan, approval: Approval, by: str) -> None:
    """Write down, sign and allow the removal. After it every verifier knows why the beginning is not there."""
    facts = {"through": plan.through, "head": plan.head, "checkpoint": plan.checkpoint, "entries": plan.entries}
    facts |= {"months": plan.months, "second": approval.by}
    installation.journal.note(REMOVED, None, f"user:{by}", facts)
    await installation.journal.flush()
    now = installation.store.clock.now().wall
    seq, head = await reader.head(installation.store.engine)
    await asyncio.to_thread(checkpoints_of(installation).append, seq, head, now, REMOVED)
    row = {"through": plan.through, "head": plan.head, "checkpoint": plan.checkpoint, "at": now}
    with storage_errors(_UNREADABLE):
        async with writing(installation.store.engine) as db:
            await db.execute(insert(journal_removals).values(**row))


async def _remove_some(engine: AsyncEngine, through: int) -> int:
    """Remove the first entries of the journal, in their order, so that a torn removal leaves a beginning too."""
    async with writing(engine) as db:
        if db.dialect.name == "sqlite":  # their words are overwritten, and not only forgotten
            await db.exec_driver_sql("PRAGMA secure_delete=ON")
        first = (await db.execute(select(func.min(journal.c.seq)))).scalar() or 0
        last = min(through, first + BATCH - 1)
        return int((await db.execute(delete(journal).where(journal.c.seq <= last))).rowcount)


async def _count(engine: AsyncEngine, through: int) -> int:
    with storage_errors(_UNREADABLE):
        async with reading(engine) as db:
            query = select(func.count()).select_from(journal).where(journal.c.seq <= through)
            return int((await db.execute(query)).scalar() or 0)


async def _holding(engine: AsyncEngine, now: datetime) -> Holding | None:
    """Return what holds back the journal first, None where nothing stands. Raises StorageUnavailable."""
    going_on = select(snapshots.c.session).where(snapshots.c.state != ENDED)
    nothing = (RECORDINGS.c.state == FAILED) & (RECORDINGS.c.reason == NO_FILES)
    standing: dict[str, Select[Any]] = {
        "hold": select(HOLDS.c.session).where(HOLDS.c.lifted_at.is_(None)),
        "recording": select(RECORDINGS.c.session).where(
            RECORDINGS.c.state != PURGED, or_(RECORDINGS.c.reason.is_(None), ~nothing)
        ),
        "export": select(EXPORTS.c.session).where(EXPORTS.c.state.not_in(FINISHED)),
        "visit": select(slots.c.session).where(or_(slots.c.ends_at > now, slots.c.session.in_(going_on))),
    }
    found: dict[str, tuple[int, str] | None] = {}
    with storage_errors(_UNREADABLE):
        async with reading(engine) as db:
            for why, sessions in standing.items():
                query = select(journal.c.seq, journal.c.session).where(journal.c.session.in_(sessions))
                row = (await db.execute(query.order_by(journal.c.seq).limit(1))).first()
                found[why] = None if row is None else (row.seq, row.session)
    return first_holding(found)
