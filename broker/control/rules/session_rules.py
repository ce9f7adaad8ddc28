"""The rules of each session: until its check-in opens, the pack in force at its site; from then on the one it has
frozen, whatever becomes of the file, the site or the program meanwhile."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog
from sqlalchemy import func, insert, select

from broker.control.store.base import StorePart
from broker.control.store.history.tables import visits
from broker.control.store.tables import packs, slots
from broker.kernel.errors import NotFound
from broker.session.state import Session, State
from config.pack_loader import frozen_pack, load_pack
from config.policy import Policy

log = structlog.get_logger()
_NOT_YET = (State.SCHEDULED, State.ENDED)
Note = Callable[[str, str, dict[str, str]], None]
"""Called with the kind of a journal entry, the session and the data."""


@dataclass(frozen=True, slots=True)
class FrozenPack:
    """A pack as visits froze it: its hash, name and version, how many of them began since a moment, and the latest."""

    sha256: str
    name: str
    version: str
    visits: int
    latest: datetime


class Packs(StorePart):
    """The part of the store for frozen packs, each once under the hash of its one spelling. None is ever removed."""

    async def keep_pack(self, policy: Policy) -> None:
        """Store the content of a pack; storing it again changes nothing."""
        async with self._writing() as db:
            mine = select(packs.c.sha256).where(packs.c.sha256 == policy.sha256)
            if (await db.execute(mine)).one_or_none() is None:
                row = {"sha256": policy.sha256, "name": policy.name, "version": policy.version}
                await db.execute(insert(packs).values(canonical=policy.canonical, kept_at=self.clock.now().wall, **row))

    async def frozen_since(self, since: datetime, site: str | None = None) -> list[FrozenPack]:
        """Return the packs of the visits that began at `since` or later, of a prison or of all."""
        count, last = func.count(visits.c.id), func.max(visits.c.moment)
        query = (
            select(packs.c.sha256, packs.c.name, packs.c.version, count, last)
            .join(visits, visits.c.pack == packs.c.sha256)
            .join(slots, slots.c.session == visits.c.session)
            .where(visits.c.moment >= int(since.timestamp()))
            .group_by(packs.c.sha256, packs.c.name, packs.c.version)
            .order_by(last.desc())
        )
        if site is not None:
            query = query.where(slots.c.prison_site == site)
        async with self._reading() as db:
            rows = (await db.execute(query)).all()
        return [FrozenPack(a, b, c, n, datetime.fromtimestamp(at, UTC)) for a, b, c, n, at in rows]

    async def frozen_at(self, sha256: str) -> datetime | None:
        """Return when the first visit under a pack began, None where none was held under it."""
        query = select(func.min(visits.c.moment)).where(visits.c.pack == sha256)
        async with self._reading() as db:
            found: int | None = (await db.execute(query)).scalar_one_or_none()
        return None if found is None else datetime.fromtimestamp(found, UTC)

    async def kept_at(self, sha256: str) -> datetime | None:
        """Return since when this installation has known a pack, None where it has not been kept yet."""
        async with self._reading() as db:
            found: datetime | None = (
                await db.execute(select(packs.c.kept_at).where(packs.c.sha256 == sha256))
            ).scalar_one_or_none()
        return found

    async def keep_in_force(self, names: Iterable[str]) -> None:
        """Store the text of packs that are in force from now on, so that it is known since when. One that cannot be
        read is left out: `SessionRules` says so."""
        for name in sorted(set(names)):
            try:
                policy = load_pack(name)
            except (ValueError, OSError):
                continue
            await self.keep_pack(policy)

    async def pack(self, sha256: str) -> str:
        """Return the content of a frozen pack in its one spelling. Raises NotFound."""
        async with self._reading() as db:
            query = select(packs.c.canonical).where(packs.c.sha256 == sha256)
            found: str | None = (await db.execute(query)).scalar_one_or_none()
        if found is None:
            raise NotFound("There is no such policy pack.", "没有该规则包。")
        return found


class SessionRules:
    """Finds the rules of sessions. A pack whose file can no longer be read stays in force as it was read last."""

    def __init__(self, store: Packs, note: Note) -> None:
        self._store, self._note = store, note
        self._read: dict[str, Policy] = {}
        self._unread: dict[str, str] = {}  # why a pack's file cannot be read at present

    def in_force(self, name: str) -> Policy:
        """Return the pack of that name as its file has it now. Raises PackError or LooserThanLaw where it never could
        be read."""
        try:
            self._read[name] = load_pack(name)
            self._unread.pop(name, None)
        except (ValueError, OSError) as error:
            if name not in self._read:
                raise
            if self._unread.get(name) != str(error):
                log.error("the pack in force stays, its file cannot be read", pack=name, error=error)
            self._unread[name] = str(error)
        return self._read[name]

    async def found(self, session: Session) -> tuple[Session, Policy]:
        """Return a session that is taken up after a start, and its rules: the frozen pack, where it froze one.

        Where this version cannot read that pack, or today's law forbids it, the law goes before: the session goes on
        under the pack in force, which is noted in the journal. Sessions of former versions freeze theirs now.
        """
        name = session.slot.policy
        if not session.pack:
            policy = self.in_force(name)
            return (session if session.state in _NOT_YET else replace(session, pack=policy.sha256)), policy
        try:
            return session, frozen_pack(await self._store.pack(session.pack))
        except (NotFound, ValueError) as error:
            policy = self.in_force(name)
            log.error("a frozen pack is not used any more", session=session.id, pack=session.pack, error=error)
        if session.state is State.ENDED:
            return session, policy
        self._note("PackReplaced", session.id, {"was": session.pack, **pack_facts(policy)})
        return replace(session, pack=policy.sha256), policy


def pack_facts(policy: Policy) -> dict[str, str]:
    """Return name, version and hash of a pack, as journal and manifest have them."""
    return {"name": policy.name, "version": policy.version, "sha256": policy.sha256}
