"""The comparison of holds in rows and in chains, and its repair: after the loss of a database the rows are made again
from the chains, and what a crash or version 0.1.0 has left out of a chain is entered. Whatever differs, the recording
stays held; a row that was lifted by hand stands again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import reading, storage_errors, writing
from broker.kernel.ids import new_id
from recorder.archive.tables import HOLDS, RECORDINGS
from recorder.evidence.chain_facts import ChainFacts, ChainHold
from recorder.retention.holds import Holds, hold_line

ROW_MISSING, LIFTED_BY_HAND = "hold_row_missing", "hold_lifted_by_hand"
NOT_ENTERED, UNFINISHED_LIFT = "hold_not_in_chain", "hold_lift_unfinished"


@dataclass(frozen=True, slots=True)
class HoldDifference:
    """A hold on which row and chain do not agree. `hold`: the chain's id of it, empty where it has none."""

    kind: str
    session: str
    hold: str = ""


def differences(rows: Iterable[Mapping[str, Any]], facts: ChainFacts) -> list[HoldDifference]:
    """Return where rows and chains differ, in a fixed order. Pure.

    Rows of version 0.1.0 that were lifted before their entry was possible are no difference.
    """
    found = []
    by_entry = {str(row["entry"]): row for row in rows if row["entry"] is not None}
    for row in rows:
        hold = facts.holds.get(str(row["entry"]))
        standing = row["lifted_at"] is None
        if hold is None and (standing or row["entry"] is not None):
            found.append(HoldDifference(NOT_ENTERED, row["session"], row["entry"] or ""))
        elif hold is not None and hold.lifted is None and not standing:
            found.append(HoldDifference(LIFTED_BY_HAND, row["session"], hold.id))
        elif hold is not None and hold.lifted is not None and standing:
            found.append(HoldDifference(UNFINISHED_LIFT, row["session"], hold.id))
    found += [HoldDifference(ROW_MISSING, hold.session, id) for id, hold in facts.holds.items() if id not in by_entry]
    return sorted(found, key=lambda difference: (difference.session, difference.hold, difference.kind))


async def repair(engine: AsyncEngine, holds: Holds, now: datetime) -> list[HoldDifference]:
    """Bring rows and chains into agreement; return what differed. Nothing is entered into a chain that is not whole.
    Raises StorageUnavailable."""
    rows, facts = await holds.listed(all=True), await holds.facts()
    found = differences(rows, facts)
    by_entry = {str(row["entry"]): row for row in rows if row["entry"] is not None}
    for difference in found:
        hold = facts.holds.get(difference.hold)
        if difference.kind == ROW_MISSING and hold is not None:
            await _insert(engine, hold)
        elif difference.kind in (LIFTED_BY_HAND, UNFINISHED_LIFT) and hold is not None:
            await _set(engine, by_entry[hold.id]["id"], **_lifted(hold))
    for row in rows:
        if str(row["entry"]) not in facts.holds and (row["lifted_at"] is None or row["entry"] is not None):
            await _enter(engine, holds, facts, row, now)
    return found


async def _enter(engine: AsyncEngine, holds: Holds, facts: ChainFacts, row: dict[str, Any], now: datetime) -> None:
    """Enter the hold of a row into the chain of its recording's site. Its id is written first, so that a crash leaves
    no second entry."""
    with storage_errors("The catalog does not answer."):
        async with reading(engine) as db:
            query = select(RECORDINGS.c.site).where(RECORDINGS.c.session == row["session"])
            site = (await db.execute(query)).scalar()
    if site is None or site in facts.broken:
        return
    entry = row["entry"] or new_id("hld")
    await _set(engine, row["id"], entry=entry, lifted_at=None, lifted_by=None, lifted_why=None)
    await holds.enter(str(site), [hold_line(entry, row["session"], row["reason"], row["by"], row["at"])], now)


async def _insert(engine: AsyncEngine, hold: ChainHold) -> None:
    at = datetime.fromisoformat(hold.set.at)
    values = {"session": hold.session, "reason": hold.set.reason, "by": hold.set.by, "at": at, "entry": hold.id}
    with storage_errors("The holds cannot be written."):
        async with writing(engine) as db:
            if (await db.execute(select(HOLDS.c.id).where(HOLDS.c.entry == hold.id))).first() is None:
                await db.execute(HOLDS.insert().values(**values, **_lifted(hold)))


async def _set(engine: AsyncEngine, id: int, **values: Any) -> None:
    with storage_errors("The holds cannot be written."):
        async with writing(engine) as db:
            await db.execute(HOLDS.update().where(HOLDS.c.id == id).values(**values))


def _lifted(hold: ChainHold) -> dict[str, Any]:
    """Return the columns of a row that say whether a hold is lifted, as the chain has it."""
    if hold.lifted is None:
        return {"lifted_at": None, "lifted_by": None, "lifted_why": None}
    at = datetime.fromisoformat(hold.lifted.at)
    return {"lifted_at": at, "lifted_by": hold.lifted.by, "lifted_why": hold.lifted.reason}
