"""The second officer's approval of a purge: a code that is bound to the hash of one plan, expires, and works once. Only
its hash is stored. Approvals and the lock are rows, so that any number of commands may run at once."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.clock import Clock, boot_id
from broker.kernel.database import SQL_ERRORS, reading, writing
from broker.kernel.errors import Conflict, Forbidden
from broker.kernel.ids import new_id
from recorder.archive.tables import APPROVALS, LOCKS

log = structlog.get_logger()
LIFE = timedelta(hours=24)
LEASE, RENEW = timedelta(minutes=2), 30.0
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without letters and digits that look alike


@dataclass(frozen=True, slots=True)
class Approval:
    """The approval behind a code: of the plan with this hash, as of that moment, for any officer but `by`."""

    id: str
    plan: str
    as_of: datetime
    site: str | None
    by: str


async def issue(engine: AsyncEngine, plan: str, as_of: datetime, site: str | None, by: str, now: datetime) -> str:
    """Store an approval and return its code, which is shown once."""
    code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
    row = {"code_hash": _hash(code), "plan": plan, "as_of": as_of, "site": site, "by": by}
    async with writing(engine) as db:
        await db.execute(APPROVALS.insert().values(**row, issued_at=now, expires_at=now + LIFE))
    return code


async def approval_of(engine: AsyncEngine, code: str, user: str, now: datetime) -> Approval:
    """Return the approval of a code for `user`. Raises Forbidden (unknown, expired, same person) or Conflict (used)."""
    async with reading(engine) as db:
        row = (await db.execute(select(APPROVALS).where(APPROVALS.c.code_hash == _hash(code)))).one_or_none()
    if row is None:
        raise Forbidden("The confirmation code is not valid.", "确认码无效。")
    if row.used_at is not None:
        raise Conflict("The confirmation code was used already.", "确认码已使用。")
    if not row.issued_at <= now < row.expires_at:
        raise Forbidden("The confirmation code has expired.", "确认码已过期。")
    if row.by == user:
        raise Forbidden("Two different people are needed.", "销毁须由两人分别确认。")
    return Approval(row.code_hash, row.plan, row.as_of, row.site, row.by)


async def use(db: AsyncConnection, approval: Approval, user: str, now: datetime) -> None:
    """Use up an approval, in the caller's transaction. Raises Conflict where another command has used it."""
    unused = (APPROVALS.c.code_hash == approval.id) & APPROVALS.c.used_at.is_(None)
    done = await db.execute(APPROVALS.update().where(unused).values(used_at=now, used_by=user))
    if done.rowcount == 0:
        raise Conflict("The confirmation code was used already.", "确认码已使用。")


async def used(engine: AsyncEngine, approval: str) -> bool:
    """Whether an approval was used, that is, whether its whole plan was ordered."""
    async with reading(engine) as db:
        row = (await db.execute(select(APPROVALS.c.used_at).where(APPROVALS.c.code_hash == approval))).one_or_none()
    return row is not None and row.used_at is not None


class Lock:
    """A named lock in the database that one process at a time may own."""

    def __init__(self, engine: AsyncEngine, name: str, clock: Clock) -> None:
        self._engine, self._name, self._clock = engine, name, clock
        self._owner = new_id("own")

    @asynccontextmanager
    async def held(self) -> AsyncIterator["Lock"]:
        """Own the lock while the context is open. Raises Conflict while another live process owns it; the lock of a
        dead process is taken over."""
        async with writing(self._engine) as db:
            row = (await db.execute(select(LOCKS).where(LOCKS.c.name == self._name))).one_or_none()
            if row is not None and self._lives(row):
                raise Conflict("Another purge is running.", "另一项销毁正在进行。")
            await db.execute(delete(LOCKS).where(LOCKS.c.name == self._name))
            mine = {"name": self._name, "owner": self._owner, "boot": boot_id(), "pid": os.getpid()}
            mine |= {"until": self._until(), "begun": _start_of(os.getpid())}
            await db.execute(LOCKS.insert().values(**mine))
        renewing = asyncio.create_task(self._renew())
        try:
            yield self
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            async with writing(self._engine) as db:
                await db.execute(delete(LOCKS).where(LOCKS.c.owner == self._owner))

    async def check(self, db: AsyncConnection) -> None:
        """Renew the lock in the caller's transaction. Raises Conflict where another process has taken it over."""
        done = await db.execute(LOCKS.update().where(LOCKS.c.owner == self._owner).values(until=self._until()))
        if done.rowcount == 0:
            raise Conflict("Another purge has taken over.", "另一项销毁已接管。")

    async def _renew(self) -> None:
        """Renew the lease regularly: a process on another machine can only see by it that this one lives."""
        while True:
            await asyncio.sleep(RENEW)
            try:
                async with writing(self._engine) as db:
                    await self.check(db)
            except SQL_ERRORS as error:
                log.warning("lock not renewed", why=type(error).__name__)
            except Conflict:
                return  # the next step finds it out

    def _until(self) -> datetime:
        return self._clock.now().wall + LEASE

    def _lives(self, row: Any) -> bool:
        """Whether the owner of the lock lives: by its process on this run of this machine, elsewhere by its lease."""
        if row.boot == boot_id() and row.begun is not None:
            return bool(row.begun == _start_of(row.pid))
        return bool(row.until > self._clock.now().wall)


def _start_of(pid: int) -> int | None:
    """Return when a process began, in ticks since the start of the machine (proc(5), stat, field 22); None where there
    is no such process. With its number it identifies one process."""
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = status.rpartition(b")")[2].split()  # the name may contain blanks and brackets
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()
