"""Announcements in the store (Guangdong 36): each as it was made, and when the province put it on file. None is ever
removed."""

from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from broker.booking.announcement import Announcement
from broker.control.store.base import StorePart
from broker.control.store.tables import announcements
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import AnnouncementId, SessionId, SiteId, UserId
from config.articles.grounds import Issuer

MOST = 500
"""Announcements in one list, newest first."""


class Announcements(StorePart):
    """The part of the store for announcements."""

    async def add_announcement(self, made: Announcement) -> Announcement:
        """Store an announcement and return what is stored. The same of the same officer again changes nothing. Raises
        Conflict where its id is taken, or its session is none."""
        async with self._writing() as db:
            row = (await db.execute(select(announcements).where(announcements.c.id == made.id))).one_or_none()
            if row is None:
                await db.execute(insert(announcements).values(_columns(made)))
                return made
        kept = _announcement(row)
        if (kept.code, kept.text, kept.by, kept.session) != (made.code, made.text, made.by, made.session):
            raise Conflict("This announcement's id is taken.", "该公告编号已被使用。")
        return kept

    async def announcement(self, id: str) -> Announcement:
        """Return the announcement with this id. Raises NotFound."""
        found = await self._announcements(announcements.c.id == id)
        if not found:
            raise NotFound("There is no such announcement.", "没有该公告。")
        return found[0]

    async def announcements(self, session: str | None = None) -> list[Announcement]:
        """Return the newest announcements, of one session or of all."""
        return await self._announcements(*([] if session is None else [announcements.c.session == session]))

    async def file_announcement(self, filed: Announcement) -> None:
        """Store that an announcement is on file. Raises Conflict where another officer has filed it meanwhile."""
        mine = (announcements.c.id == filed.id, announcements.c.filed_at.is_(None))
        values = {"filed_by": filed.filed_by, "filed_site": filed.filed_site, "filed_at": filed.filed_at}
        async with self._writing() as db:
            if (await db.execute(update(announcements).where(*mine).values(values))).rowcount == 0:
                raise Conflict("This announcement is on file already.", "该公告已备案。")

    async def _announcements(self, *which: ColumnElement[bool]) -> list[Announcement]:
        query = select(announcements).where(*which).order_by(announcements.c.at.desc(), announcements.c.id).limit(MOST)
        async with self._reading() as db:
            return [_announcement(row) for row in await db.execute(query)]


def _columns(made: Announcement) -> dict[str, Any]:
    return {
        "id": made.id,
        "code": made.code,
        "cause": made.cause,
        "issuer": str(made.issuer),
        "article": made.article,
        "text": made.text,
        "by": made.by,
        "site": made.site,
        "at": made.at,
        "session": made.session,
        "filed_by": made.filed_by,
        "filed_site": made.filed_site,
        "filed_at": made.filed_at,
    }


def _announcement(row: Row[Any]) -> Announcement:
    return Announcement(
        AnnouncementId(row.id),
        row.code,
        row.cause,
        Issuer(row.issuer),
        row.article,
        row.text,
        UserId(row.by),
        SiteId(row.site),
        row.at,
        SessionId(row.session) if row.session else None,
        UserId(row.filed_by) if row.filed_by else None,
        SiteId(row.filed_site) if row.filed_site else None,
        row.filed_at,
    )
