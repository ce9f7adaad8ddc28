"""The deletion of what is due, in steps that can be broken off at any point.

Every recording of the approved plan is marked (`purging`). When the marks are exactly the plan, the approval is used,
in one transaction. From then on each recording is deleted by itself: a last check of holds and dates, a line in the
site's chain, the files, the tombstone in the journal, the row. After a kill, the next run takes back marks whose
approval was not used, and goes on with the others. A failed deletion keeps its mark and is tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from errno import EBUSY
from pathlib import Path
from typing import Any, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.clock import Clock
from broker.kernel.database import DATABASE_ERRORS, SQL_ERRORS, reading, storage_errors, writing
from broker.kernel.errors import Conflict, StorageUnavailable
from recorder.archive.catalog import PURGED, PURGING
from recorder.archive.tables import EXPORTS, RECORDINGS, VIEWS
from recorder.evidence.chain_facts import fault
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import KeyProblem, Keys, Signer
from recorder.evidence.site_chain import PURGE, VISIT, BrokenSiteChain, lines_of_site, open_chain
from recorder.export.queue import State
from recorder.retention import approvals, removal
from recorder.retention.approvals import Approval, Lock
from recorder.retention.due_proof import Held, NotDue, Proof, Unproven, proof
from recorder.retention.holds import HELD
from recorder.retention.plan import Plan, Scope, due, verdict
from recorder.retention.rules import Why
from recorder.viewcopy.queue import MAKING

log = structlog.get_logger()
BATCH = 500
_ROW = RECORDINGS.c
_PASSABLE = (*DATABASE_ERRORS, ValueError, BrokenSiteChain, NotDue, Held, Unproven, KeyProblem, StorageUnavailable)
"""Errors that keep one recording from being deleted, but not the others."""
Mark = tuple[str, str, dict[str, Any]]
"""A session, its state before, and the facts of its deletion."""


class _ChainCut(BrokenSiteChain):
    """The chain of `site` has lost its end, and perhaps holds with it, so that none of its recordings may go."""

    def __init__(self, site: str, why: str) -> None:
        super().__init__(f"the chain of the site: {why}; verify the archive")
        self.site = site


class Tombstones(Protocol):
    """The journal, as far as a purge needs it."""

    async def known(self, session: str) -> bool:
        """Whether the journal has the tombstone of a session."""
        ...

    async def write(self, session: str, author: str, data: dict[str, Any]) -> None:
        """Write a tombstone and return when it is on disk. Raises StorageUnavailable."""
        ...


@dataclass(slots=True)
class Outcome:
    """The result of one run. `failed`: sessions and reasons; they stay marked."""

    deleted: int = 0
    bytes: int = 0
    kept: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    withdrawn: int = 0


class Purge:
    """Carries out approved plans on one archive."""

    def __init__(
        self,
        engine: AsyncEngine,
        root: Path,
        clock: Clock,
        signer: Signer,
        tombstones: Tombstones,
        keys: Keys | None = None,
    ) -> None:
        """Prepare purges of one archive. `keys`: the trusted keys; the signer's alone where they are None."""
        self._engine, self._root, self._clock = engine, root, clock
        self._keys = keys or Keys([signer.public])
        self._signer, self._tombstones = signer, tombstones
        self._touched: set[str] = set()  # sites whose chains have new lines
        self._whole: set[str] = set()  # sites whose chains were found whole

    async def apply(
        self, approval: Approval, scope: Scope, rules: dict[str, str], by: str, outcome: Outcome | None = None
    ) -> Outcome:
        """Delete the recordings of an approved plan. `outcome` is counted up meanwhile, and returned. Raises NotDue
        where none is due, Conflict where the plan has changed or another purge runs."""
        if scope.as_of > self._clock.now().wall:
            raise NotDue("The plan is of a moment that has not come.", "销毁清单的时刻尚未到来。")
        async with Lock(self._engine, "purge", self._clock).held() as lock:
            outcome = await self._finish(lock, scope, outcome)
            try:
                await self._mark(lock, approval, scope, rules, by)
            except BaseException:
                await self._withdraw(approval.id)
                raise
            return await self._finish(lock, scope, outcome)

    async def resume(self, scope: Scope) -> Outcome:
        """Finish what was ordered and broken off, and try failed deletions again. Raises Conflict."""
        async with Lock(self._engine, "purge", self._clock).held() as lock:
            return await self._finish(lock, scope)

    async def _mark(self, lock: Lock, approval: Approval, scope: Scope, rules: dict[str, str], by: str) -> None:
        plan, now = Plan(scope), self._clock.now().wall
        batch: list[Mark] = []
        async for row, why in due(self._engine, scope):
            if why is None:
                plan.add(row)
                rule = rules.get(row.site, "")
                mark = {"permit": approval.id, "rule": rule, "by": by, "second": approval.by, "at": now.isoformat()}
                batch.append((row.session, row.state, mark))
            if len(batch) >= BATCH:
                await self._write_marks(lock, batch)
                batch = []
        await self._write_marks(lock, batch)
        async with self._writing() as db:
            await lock.check(db)
            if plan.recordings == 0:
                raise NotDue("Nothing is due.", "没有到期录像。")
            if plan.hash != approval.plan:
                raise Conflict("The plan has changed since the code was issued.", "销毁清单已变化，请重新签发确认码。")
            await approvals.use(db, approval, by, now)

    async def _write_marks(self, lock: Lock, batch: list[Mark]) -> None:
        async with self._writing() as db:
            await lock.check(db)
            for session, was, mark in batch:
                change = RECORDINGS.update().where(_ROW.session == session, _ROW.state == was)
                done = await db.execute(change.values(state=PURGING, purge={**mark, "was": was}))
                if done.rowcount == 0:
                    raise Conflict("A recording has changed in the meantime.", "录像状态已变化。")

    async def _withdraw(self, approval: str) -> int:
        """Take back the marks of a plan that was not ordered; return how many."""
        count = 0
        async for row in self._marked():
            if row.purge["permit"] == approval:
                await self._unmark(row)
                count += 1
        return count

    async def _finish(self, lock: Lock, scope: Scope, outcome: Outcome | None = None) -> Outcome:
        outcome = outcome or Outcome()
        ordered: dict[str, bool] = {}
        async for row in self._marked():
            approval = row.purge["permit"]
            if approval not in ordered:
                ordered[approval] = await approvals.used(self._engine, approval)
            if not ordered[approval]:
                await self._unmark(row)
                outcome.withdrawn += 1
            else:
                await self._delete_marked(lock, row, scope, outcome)
        await self._keep_heads(outcome)
        return outcome

    async def _keep_heads(self, outcome: Outcome) -> None:
        """Store where the chains end, after lines were added."""
        while self._touched:
            site = self._touched.pop()
            try:
                if not await ChainHeads(self._engine).advance(self._root, site, self._clock.now().wall):
                    outcome.failed.append((site, "its chain does not hold the stored head: verify the archive"))
            except (OSError, BrokenSiteChain, StorageUnavailable) as error:
                log.error("chain head not kept", site=site, why=type(error).__name__)

    async def _delete_marked(self, lock: Lock, row: Any, scope: Scope, outcome: Outcome) -> None:
        try:
            proven = await asyncio.to_thread(self._proven, row)
            await self._check_chain(row)
            if why := await self._begin(lock, row, scope, proven):
                outcome.kept.append((row.session, why))
                return
            await self._delete(row)
        except _PASSABLE as error:
            log.error("recording not deleted", session=row.session, why=type(error).__name__)
            kind = "OSError" if isinstance(error, OSError) else type(error).__name__
            reason = f"{kind}: {getattr(error, 'strerror', None) or error}"
            failed = (error.site, str(error)) if isinstance(error, _ChainCut) else (row.session, reason)
            if failed not in outcome.failed:  # a chain stands for all recordings of its site
                outcome.failed.append(failed)
            try:
                await self._fail(row.session, reason)
            except StorageUnavailable as missing:  # the mark stays
                log.error("failure not noted in the catalog", session=row.session, why=missing.code)
            return
        self._touched.add(removal.folder_of(row.path, row.session).parts[0])
        outcome.deleted += 1
        outcome.bytes += row.bytes or 0

    async def _check_chain(self, row: Any) -> None:
        """Raise BrokenSiteChain where the chain of the recording's site is not whole: a hold may be missing from it."""
        site = removal.folder_of(row.path, row.session).parts[0]
        if site not in self._whole:
            heads = await ChainHeads(self._engine).all()
            lines = await asyncio.to_thread(lines_of_site, self._root, site)
            if why := fault(lines, self._keys, None):
                raise BrokenSiteChain(f"the chain of {site}: {why}")
            if why := fault(lines, self._keys, heads.get(site)):
                raise _ChainCut(site, why)
            self._whole.add(site)

    def _proven(self, row: Any) -> Proof:
        return proof(self._root, removal.folder_of(row.path, row.session), row.session, self._keys)

    async def _begin(self, lock: Lock, row: Any, scope: Scope, proven: Proof) -> str:
        """Check holds and dates for the last time, in the transaction after which no hold can be set. Return why the
        recording stays, or empty. `proven`: what is signed; its due date corrects an earlier one in the catalog."""
        async with self._writing() as db:
            await lock.check(db)
            copy = (await db.execute(select(VIEWS.c.state).where(VIEWS.c.session == row.session))).scalar()
            if copy == MAKING:
                raise OSError(EBUSY, "its view copy is being made")  # the copy would appear after the deletion
            building = (EXPORTS.c.session == row.session) & (EXPORTS.c.state == State.BUILDING)
            if (await db.execute(select(EXPORTS.c.id).where(building))).first() is not None:
                raise OSError(EBUSY, "an export of it is being built")  # and so would the package
            held = bool((await db.execute(select(HELD).where(_ROW.session == row.session))).scalar())
            now = self._clock.now().wall
            why = verdict(row, held or proven.held, replace(scope, as_of=min(now, scope.as_of)))
            change = RECORDINGS.update().where(_ROW.session == row.session)
            if why is None and not proven.dated:
                why = Why.WRONG_CLOCK
            if why is None and now < proven.due:
                why = Why.NOT_DUE
                log.error("due date in the catalog is before the signed one", session=row.session)
                await db.execute(change.values(due_at=proven.due))
            if why is None:
                await db.execute(change.values(purge={**row.purge, "begun": now.isoformat()}))
            elif "begun" not in row.purge:
                await db.execute(change.values(state=row.purge["was"], purge=None))
            return why or ""

    async def _delete(self, row: Any) -> None:
        folder = removal.folder_of(row.path, row.session)
        number, head = await asyncio.to_thread(self._enter_in_chain, row)
        await asyncio.to_thread(removal.remove, self._root, folder, row.session, self._clock, self._keys)
        if not await self._tombstones.known(row.session):
            data = {"path": str(folder), "site": row.site, "number": number, "bytes": row.bytes, "head": head}
            data |= {"sha256": row.sha256, "manifest_sha256": row.manifest_sha256}
            data |= {"ended_at": row.ended_at.isoformat(), "due_at": row.due_at.isoformat()}
            data |= {key: row.purge[key] for key in ("rule", "by", "second", "permit")}
            await self._tombstones.write(row.session, f"user:{row.purge['by']}", data)
        async with self._writing() as db:
            await db.execute(VIEWS.delete().where(VIEWS.c.session == row.session))
            done = {**row.purge, "done": _iso(self._clock)}
            await db.execute(RECORDINGS.update().where(_ROW.session == row.session).values(state=PURGED, purge=done))

    def _enter_in_chain(self, row: Any) -> tuple[int, str]:
        """Append, once, the line to the site's chain that makes the recording's absence lawful. Return the visit's
        number and the new head of the chain."""
        folder = removal.folder_of(row.path, row.session)
        with open_chain(self._root, folder.parts[0]) as chain:
            proof(self._root, folder, row.session, self._keys, chain.lines).check(row.session, self._clock.now().wall)
            visit = chain.find(row.session, VISIT)
            number = int(visit["number"]) if visit else 0
            if chain.find(row.session, PURGE) is None:
                line = {"kind": PURGE, "session": row.session, "number": number, "manifest": row.manifest_sha256 or ""}
                mark = {key: row.purge[key] for key in ("rule", "by", "second")}
                due_at = {"due_at": row.due_at.isoformat(), "at": _iso(self._clock)}
                chain.append({**line, **mark, **due_at}, self._signer)
            return number, chain.head

    async def _unmark(self, row: Any) -> None:
        await self._set(row.session, state=row.purge["was"], purge=None)

    async def _fail(self, session: str, reason: str) -> None:
        async with self._writing() as db:
            purge = (await db.execute(select(_ROW.purge).where(_ROW.session == session))).scalar_one()
            change = RECORDINGS.update().where(_ROW.session == session)
            await db.execute(change.values(purge={**purge, "error": reason}))

    async def _set(self, session: str, **values: Any) -> None:
        async with self._writing() as db:
            await db.execute(RECORDINGS.update().where(_ROW.session == session).values(**values))

    async def _marked(self) -> AsyncIterator[Any]:
        query = select(RECORDINGS).where(_ROW.state == PURGING).order_by(_ROW.session).limit(BATCH)
        page = query
        while rows := await self._rows(page):
            for row in rows:
                yield row
            page = query.where(_ROW.session > rows[-1].session)

    async def _rows(self, query: Any) -> list[Any]:
        with storage_errors("The catalog does not answer.", errors=SQL_ERRORS):
            async with reading(self._engine) as db:
                return list((await db.execute(query)).all())

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """Open one transaction that writes. Raises StorageUnavailable."""
        with storage_errors("The catalog does not answer.", errors=SQL_ERRORS):
            async with writing(self._engine) as db:
                yield db


def _iso(clock: Clock) -> str:
    moment: datetime = clock.now().wall
    return moment.isoformat()
