"""Approvals of longer visits (Yunnan 14). An approval is stored before the session takes it, so that a restart cannot
lose it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from broker.control.store.base import StorePart
from broker.control.store.tables import extensions
from broker.kernel.errors import Conflict
from broker.kernel.ids import ApprovalId, SessionId, SiteId, UserId
from broker.session.events import ExtensionApproved


class Extensions(StorePart):
    """The part of the store for extensions. None is ever removed."""

    async def add_extension(self, approval: ExtensionApproved) -> None:
        """Store an approval; storing it again changes nothing. Raises Conflict where its id is taken by another one."""
        async with self._writing() as db:
            row = (await db.execute(select(extensions).where(extensions.c.id == approval.id))).one_or_none()
            if row is None:
                await db.execute(insert(extensions).values(created_at=self.clock.now().wall, **_columns(approval)))
            elif row.refused is not None or _approval(row) != approval:
                raise Conflict("This approval's id is taken.", "该批准编号已被使用。")

    async def refuse_extension(self, id: ApprovalId, code: str) -> None:
        """Mark an approval as refused by its session with `code`. The session does not take it later either."""
        async with self._writing() as db:
            await db.execute(update(extensions).where(extensions.c.id == id).values(refused=code))

    async def extensions_of(self, session: str) -> list[ExtensionApproved]:
        """Return the approvals of a session that it has not refused, oldest first."""
        mine = (extensions.c.session == session, extensions.c.refused.is_(None))
        query = select(extensions).where(*mine).order_by(extensions.c.created_at, extensions.c.id)
        async with self._reading() as db:
            return [_approval(row) for row in await db.execute(query)]


def _columns(approval: ExtensionApproved) -> dict[str, Any]:
    return {
        "id": approval.id,
        "session": approval.session,
        "by": approval.by,
        "site": approval.site,
        "role": approval.role,
        "seconds": int(approval.added.total_seconds()),
        "article": approval.article,
        "reason": approval.reason,
    }


def _approval(row: Row[Any]) -> ExtensionApproved:
    return ExtensionApproved(
        ApprovalId(row.id),
        SessionId(row.session),
        UserId(row.by),
        SiteId(row.site),
        row.role,
        timedelta(seconds=row.seconds),
        row.article,
        row.reason,
    )
