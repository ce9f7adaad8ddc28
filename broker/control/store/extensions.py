"""The approvals of longer visits, as objects that were there before the limit (Yunnan 14): stored first, then taken."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from broker.control.store.base import StorePart
from broker.control.store.tables import extensions
from broker.kernel.errors import Conflict
from broker.kernel.ids import ApprovalId, SessionId, SiteId, UserId
from broker.session.events import ExtensionApproved


class Extensions(StorePart):
    """The part of the store that keeps them. None is ever removed."""

    async def add_extension(self, approval: ExtensionApproved) -> None:
        """Store an approval; the same one again changes nothing. Raises Conflict for another one under its id."""
        async with self._writing() as db:
            row = (await db.execute(select(extensions).where(extensions.c.id == approval.id))).one_or_none()
            if row is None:
                await db.execute(insert(extensions).values(created_at=self.clock.now().wall, **_columns(approval)))
            elif row.refused is not None or _approval(row) != approval:
                raise Conflict("This approval's id is taken.", "该批准编号已被使用。")

    async def refuse_extension(self, id: ApprovalId, code: str) -> None:
        """The session did not take it, for this reason; nor will it later."""
        async with self._writing() as db:
            await db.execute(update(extensions).where(extensions.c.id == id).values(refused=code))

    async def extensions_of(self, session: str) -> list[ExtensionApproved]:
        """What was approved for a session and not refused by it, in the order of time."""
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
