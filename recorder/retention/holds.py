"""Legal holds (证据保全): while a recording is held, nothing deletes it, even when it is due or being purged.

A hold stands in two places: in a row of the database, and as a signed line in the chain of the recording's site. It
stands where either of them says so, and is lifted where the chain says so. Setting writes the row first, under the lock
that a purge takes, and then the line; lifting writes the line first. So a crash between the two keeps the recording,
and `recorder.retention.hold_repair` completes what is missing."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import SQL_ERRORS, reading, storage_errors, writing
from broker.kernel.errors import BadRequest, Conflict, NotFound, StorageUnavailable
from broker.kernel.ids import new_id
from recorder.archive.catalog import PURGED, PURGING
from recorder.archive.tables import HOLDS, RECORDINGS
from recorder.evidence.chain_facts import ChainFacts, facts_in
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import Keys, Signer
from recorder.evidence.site_chain import HOLD, LIFT, VISIT, BrokenSiteChain, SiteChain, open_chain

HELD = exists().where(HOLDS.c.session == RECORDINGS.c.session, HOLDS.c.lifted_at.is_(None))
"""Condition that a row of RECORDINGS is held by a row, for queries on that table."""


@dataclass(frozen=True, slots=True)
class Chains:
    """The chains of all sites under `root`, with the key that signs new lines and the keys that are trusted."""

    root: Path
    signer: Signer
    keys: Keys


class Holds:
    """The legal holds, in rows and in chains. Every method raises StorageUnavailable where the database or a chain
    cannot be read or written. `chains` None: of the rows alone."""

    def __init__(self, engine: AsyncEngine, chains: Chains | None = None) -> None:
        self._engine, self._chains = engine, chains

    async def add(self, session: str, reason: str, by: str, at: datetime) -> int:
        """Hold a recording, also one that is still being made; return the number of the hold.

        Raises NotFound, BadRequest, and Conflict where its files are removed or being removed. After StorageUnavailable
        for the chain the hold stands in the database, and is entered at the next start or order.
        """
        if not reason.strip():
            raise BadRequest("A hold needs a reason.", "保全必须写明理由。")
        query = select(RECORDINGS.c.site, RECORDINGS.c.state, RECORDINGS.c.purge)
        query = query.where(RECORDINGS.c.session == session)
        entry = new_id("hld") if self._chains else None
        with storage_errors("The holds cannot be written."):
            async with writing(self._engine) as db:
                row = (await db.execute(query)).one_or_none()
                if row is None:
                    raise NotFound(f"There is no recording of {session}.", f"没有 {session} 的录像。")
                if row.state == PURGED or (row.state == PURGING and "begun" in row.purge):
                    raise Conflict("The recording is already deleted.", "录像已按期销毁。")
                values = {"session": session, "reason": reason, "by": by, "at": at, "entry": entry}
                key = (await db.execute(HOLDS.insert().values(**values))).inserted_primary_key
                assert key is not None
        if entry is not None:
            await self.enter(str(row.site), [hold_line(entry, session, reason, by, at)], at)
        return int(key[0])

    async def lift(self, session: str, why: str, by: str, at: datetime) -> int:
        """Lift every hold of a recording; return how many there were. Raises NotFound, BadRequest."""
        if not why.strip():
            raise BadRequest("Lifting a hold needs a reason.", "解除保全必须写明理由。")
        if self._chains is not None:
            await self._lift_in_chains(session, why, by, at)
        standing = (HOLDS.c.session == session) & HOLDS.c.lifted_at.is_(None)
        with storage_errors("The holds cannot be written."):
            async with writing(self._engine) as db:
                values = {"lifted_at": at, "lifted_by": by, "lifted_why": why}
                done = await db.execute(HOLDS.update().where(standing).values(values))
        if done.rowcount == 0:
            raise NotFound(f"{session} is not held.", f"{session} 没有保全。")
        return int(done.rowcount)

    async def listed(self, all: bool = False) -> list[dict[str, Any]]:
        """Return the standing holds, or with `all` every hold ever set, oldest first."""
        query = select(HOLDS).order_by(HOLDS.c.id)
        with storage_errors("The holds cannot be read."):
            async with reading(self._engine) as db:
                rows = await db.execute(query if all else query.where(HOLDS.c.lifted_at.is_(None)))
                return [dict(row) for row in rows.mappings()]

    async def facts(self) -> ChainFacts:
        """Return what the chains say. Without chains they say nothing."""
        if self._chains is None:
            return ChainFacts()
        heads = await ChainHeads(self._engine).all()
        return await asyncio.to_thread(facts_in, self._chains.root, self._chains.keys, heads)

    async def enter(self, site: str, lines: Iterable[dict[str, Any]], now: datetime) -> None:
        """Append lines about holds to the chain of a site, each once, and keep the chain's new head."""
        assert self._chains is not None
        chains = self._chains

        def append() -> None:
            with open_chain(chains.root, site) as chain:
                for line in lines:
                    if not _has(chain, line):
                        visit = chain.find(line["session"], VISIT) or {}
                        link = {"number": visit.get("number", 0), "manifest": visit.get("manifest", "")}
                        chain.append({**line, **link}, chains.signer)

        try:
            await asyncio.to_thread(append)
            with storage_errors("The head of the chain cannot be kept.", errors=SQL_ERRORS):
                await ChainHeads(self._engine).advance(chains.root, site, now)
        except (OSError, BrokenSiteChain) as error:
            why = getattr(error, "strerror", None) or error
            raise StorageUnavailable(
                f"The chain of {site} cannot be written ({why}); the hold stays.",
                f"{site} 的单位链无法写入（{why}），保全仍然有效。",
            ) from error

    async def _lift_in_chains(self, session: str, why: str, by: str, at: datetime) -> None:
        facts = await self.facts()
        standing = [hold for hold in facts.holds.values() if hold.session == session and hold.lifted is None]
        for hold in standing:
            if hold.site in facts.broken:
                raise Conflict(
                    f"The chain of {hold.site} is not whole ({facts.broken[hold.site]}): verify the archive first.",
                    f"{hold.site} 的链不完整，请先校验存档。",
                )
            await self.enter(hold.site, [lift_line(hold.id, session, why, by, at)], at)


def hold_line(entry: str, session: str, reason: str, by: str, at: datetime) -> dict[str, Any]:
    """Return the line of the chain that sets a hold."""
    return {"kind": HOLD, "hold": entry, "session": session, "reason": reason, "by": by, "at": at.isoformat()}


def lift_line(entry: str, session: str, why: str, by: str, at: datetime) -> dict[str, Any]:
    """Return the line of the chain that lifts a hold."""
    return {"kind": LIFT, "hold": entry, "session": session, "reason": why, "by": by, "at": at.isoformat()}


def _has(chain: SiteChain, line: dict[str, Any]) -> bool:
    """Whether a chain has an order of the same kind about the same hold."""
    mark = f'"hold":"{line["hold"]}"'.encode()
    return any(mark in written for written in chain.of_kinds([line["kind"]]))
