"""The last report of each terminal and when it was last seen, and the orders that wait for terminals which are off
line. What comes on a socket is in memory; it is written here once a minute at most."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.tables import terminal_orders, terminal_reports
from broker.kernel.ids import TerminalId, new_id

KEPT = timedelta(days=1)
"""How long an order is remembered once it is too old; the journal has it for good."""


@dataclass(frozen=True, slots=True)
class Kept:
    """When a terminal was last seen, and its last report with its moment; None where it has sent none."""

    seen_at: datetime
    reported_at: datetime | None = None
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class WaitingOrder:
    """An order to a terminal that is not known to be carried out. `sent_to`: the running program that it was first sent
    to, "" where it was sent to none."""

    id: str
    terminal: TerminalId
    order: str
    by: str
    created_at: datetime
    expires_at: datetime
    sent_to: str = ""


class Reports(StorePart):
    """The part of the store for reports and orders of terminals."""

    async def keep_reports(self, reports: Mapping[TerminalId, Kept]) -> None:
        """Store what came of terminals, each in the place of what was stored of it."""
        if not reports:
            return
        async with self._writing() as db:
            for id, kept in reports.items():
                await _keep(db, id, kept)

    async def kept_reports(self) -> dict[TerminalId, Kept]:
        """Return what is stored of all terminals."""
        async with self._reading() as db:
            rows = await db.execute(select(terminal_reports))
            return {TerminalId(row.terminal): Kept(row.seen_at, row.reported_at, row.report) for row in rows}

    async def add_terminal_order(self, terminal: str, order: str, by: str, life: timedelta) -> WaitingOrder:
        """Store an order and return it; one of the same kind that waits already is returned instead."""
        now = self.clock.now().wall
        async with self._writing() as db:
            same = _waiting(now) & (terminal_orders.c.terminal == terminal) & (terminal_orders.c.order == order)
            row = (await db.execute(select(terminal_orders).where(same))).first()
            if row is not None:
                return _order(row)
            await db.execute(delete(terminal_orders).where(terminal_orders.c.expires_at < now - KEPT))
            values = {"id": new_id("tor"), "terminal": terminal, "order": order, "by": by}
            made = insert(terminal_orders).values(created_at=now, expires_at=now + life, **values)
            await db.execute(made)
        return WaitingOrder(values["id"], TerminalId(terminal), order, by, now, now + life)

    async def waiting_orders(self) -> list[WaitingOrder]:
        """Return the orders that are neither done nor too old, the oldest first."""
        query = select(terminal_orders).where(_waiting(self.clock.now().wall)).order_by(terminal_orders.c.created_at)
        async with self._reading() as db:
            return [_order(row) for row in await db.execute(query)]

    async def note_orders(self, sent: Mapping[str, str], done: Collection[str]) -> None:
        """Note to which running programs orders were first sent, by the orders' ids, and which are done."""
        if not (sent or done):
            return
        async with self._writing() as db:
            for id, instance in sent.items():
                first = (terminal_orders.c.id == id) & terminal_orders.c.sent_to.is_(None)
                await db.execute(update(terminal_orders).where(first).values(sent_to=instance))
            finished = terminal_orders.c.id.in_(list(done)) & terminal_orders.c.done_at.is_(None)
            await db.execute(update(terminal_orders).where(finished).values(done_at=self.clock.now().wall))


async def _keep(db: AsyncConnection, id: str, kept: Kept) -> None:
    values: dict[str, Any] = {"seen_at": kept.seen_at}
    if kept.report is not None:
        values |= {"reported_at": kept.reported_at, "report": dict(kept.report)}
    done = await db.execute(update(terminal_reports).where(terminal_reports.c.terminal == id).values(values))
    if done.rowcount == 0:
        await db.execute(insert(terminal_reports).values(terminal=id, **values))


def _waiting(now: datetime) -> ColumnElement[bool]:
    return terminal_orders.c.done_at.is_(None) & (terminal_orders.c.expires_at > now)


def _order(row: Row[Any]) -> WaitingOrder:
    created, expires = row.created_at, row.expires_at
    return WaitingOrder(row.id, TerminalId(row.terminal), row.order, row.by, created, expires, row.sent_to or "")
