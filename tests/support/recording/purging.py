"""A catalog, an archive and a clock for the tests of deleting: real files, a real database, tombstones in a list."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.clock import Instant
from recorder.archive.catalog import Catalog, columns
from recorder.retention import approvals
from recorder.retention.plan import Plan, Scope, plan_of
from recorder.retention.purge import Outcome, Purge
from recorder.retention.rules import due_at
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL

DUE = due_at(WALL, 6)
SECOND = timedelta(seconds=1)


@dataclass
class Stones:
    """The journal's part."""

    written: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def known(self, session: str) -> bool:
        return any(one[0] == session for one in self.written)

    async def write(self, session: str, author: str, data: dict[str, Any]) -> None:
        self.written.append((session, author, data))


@dataclass
class Yard:
    """Everything together. `wall` is the time of day, to be moved."""

    engine: AsyncEngine
    root: Path
    wall: datetime = DUE
    stones: Stones = field(default_factory=Stones)

    def now(self) -> Instant:
        return Instant(self.wall, 5000.0)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.engine)

    @property
    def purge(self) -> Purge:
        return Purge(self.engine, self.root, self, signer(self.root), self.stones)

    async def recording(self, session: str, started: datetime = WALL, **plan: Any) -> Path:
        """Archive a recording and catalog it; its folder."""
        done = archived(make_work(self.root, session, started, **plan), self.root, started)
        row = {"session": session, "site": done["site"], "announced": True, "created_at": started}
        await self.catalog.put(row | columns(done))
        return (self.root / done["path"]).parent

    def scope(self, **months: int) -> Scope:
        """Of all sites, now."""
        return Scope(self.wall, None, {name.replace("_", "-"): count for name, count in months.items()})

    async def plan(self, **months: int) -> Plan:
        return await plan_of(self.engine, self.scope(**months))

    async def code(self, plan: Plan, by: str = "shen") -> str:
        return await approvals.issue(self.engine, plan.hash, plan.scope.as_of, None, by, self.wall)

    async def permit(self, code: str, user: str = "li") -> approvals.Approval:
        return await approvals.approval_of(self.engine, code, user, self.wall)

    async def apply(self, **months: int) -> Outcome:
        """Plan, permit, delete: as two people would."""
        plan = await self.plan(**months)
        return await self.order(await self.permit(await self.code(plan)), plan.scope)

    async def order(self, permit: approvals.Approval, scope: Scope) -> Outcome:
        return await self.purge.apply(permit, scope, {"prison-site": "云南 第十三条"}, "li")

    async def state(self, session: str) -> str:
        row = await self.catalog.row(session)
        assert row is not None
        return str(row["state"])
