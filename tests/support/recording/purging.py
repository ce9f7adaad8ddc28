"""What tests of retention need: a real archive, a real database, a clock to be moved, tombstones in a list."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.clock import Instant
from recorder.archive.catalog import Catalog, columns
from recorder.evidence.signing import Keys
from recorder.retention import approvals
from recorder.retention.plan import Plan, Scope, plan_of
from recorder.retention.purge import Outcome, Purge
from recorder.retention.rules import due_at
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL

DUE = due_at(WALL, 6)
SECOND = timedelta(seconds=1)


@dataclass
class Tombstones:
    """The tombstones that a journal would keep."""

    written: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    async def known(self, session: str) -> bool:
        return any(entry[0] == session for entry in self.written)

    async def write(self, session: str, author: str, data: dict[str, Any]) -> None:
        self.written.append((session, author, data))


@dataclass
class PurgeSetup:
    """One archive with its database. `wall` is the present time, which tests move; `keys` are the trusted keys."""

    engine: AsyncEngine
    root: Path
    wall: datetime = DUE
    tombstones: Tombstones = field(default_factory=Tombstones)
    keys: Keys | None = None

    def now(self) -> Instant:
        return Instant(self.wall, 5000.0)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.engine)

    @property
    def purge(self) -> Purge:
        return Purge(self.engine, self.root, self, signer(self.root), self.tombstones, self.keys)

    async def recording(self, session: str, started: datetime = WALL, seconds: float = 3.0, **plan: Any) -> Path:
        """Archive a recording, enter it in the catalog and return its folder."""
        done = archived(make_work(self.root, session, started, seconds, **plan), self.root, started)
        row = {"session": session, "site": done["site"], "announced": True, "created_at": started}
        await self.catalog.put(row | columns(done))
        return (self.root / done["path"]).parent

    def scope(self, **months: int) -> Scope:
        """Return the scope of all sites, now."""
        return Scope(self.wall, None, {name.replace("_", "-"): count for name, count in months.items()})

    async def plan(self, **months: int) -> Plan:
        return await plan_of(self.engine, self.scope(**months))

    async def code(self, plan: Plan, by: str = "shen") -> str:
        return await approvals.issue(self.engine, plan.hash, plan.scope.as_of, None, by, self.wall)

    async def approval(self, code: str, user: str = "li") -> approvals.Approval:
        return await approvals.approval_of(self.engine, code, user, self.wall)

    async def apply(self, **months: int) -> Outcome:
        """Plan, approve and delete, as two officers would."""
        plan = await self.plan(**months)
        return await self.order(await self.approval(await self.code(plan)), plan.scope)

    async def order(self, approval: approvals.Approval, scope: Scope) -> Outcome:
        return await self.purge.apply(approval, scope, {"prison-site": "云南 第十三条"}, "li")

    async def state(self, session: str) -> str:
        row = await self.catalog.row(session)
        assert row is not None
        return str(row["state"])
