"""Credentials of synthetic officers (`broker.booking.drill`): tokens that exist while their drill runs, open that drill
and nothing else, and belong to no account."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.drill import officer_id
from broker.booking.slot import Slot
from broker.control.store.base import StorePart
from broker.control.store.secrets import new_token, token_hash
from broker.control.store.tables import drill_officers
from broker.kernel.ids import SessionId, Side


@dataclass(frozen=True, slots=True)
class DrillOfficer:
    """A synthetic officer: its id, the site for which it watches, and the session of its drill."""

    id: str
    site: str
    session: SessionId


class DrillOfficers(StorePart):
    """The part of the store for synthetic officers. Of tokens it stores hashes only."""

    async def open_drill_officers(self, slot: Slot, each: int, life: timedelta) -> dict[Side, list[str]]:
        """Make `each` officers of both sides of a drill for at most `life`; return their tokens by side."""
        tokens: dict[Side, list[str]] = {side: [] for side in Side}
        rows: list[dict[str, Any]] = []
        for side in Side:
            for _ in range(each):
                token = new_token("drl")
                tokens[side].append(token)
                user = officer_id(slot.session, len(rows) + 1)
                values = {"hash": token_hash(token), "session": slot.session, "user": user}
                rows.append({**values, "site": slot.place(side).site, "expires_at": self.clock.now().wall + life})
        async with self._writing() as db:
            await db.execute(delete(drill_officers).where(drill_officers.c.expires_at <= self.clock.now().wall))
            await db.execute(insert(drill_officers), rows)
        return tokens

    async def close_drill_officers(self, session: str | None = None) -> None:
        """Remove the officers of a drill, of all drills without one."""
        which = drill_officers.c.session == session if session is not None else drill_officers.c.hash.is_not(None)
        async with self._writing() as db:
            await db.execute(delete(drill_officers).where(which))

    async def drill_officer_by_token(self, token: str) -> DrillOfficer | None:
        """Return the synthetic officer with this token; None where its drill is over."""
        async with self._reading() as db:
            found = await self._drill_officers_of(db, [token_hash(token)])
        return found.get(token_hash(token))

    async def _drill_officers_of(self, db: AsyncConnection, hashes: Collection[str]) -> dict[str, DrillOfficer]:
        """Return the synthetic officers whose tokens have these hashes."""
        valid = drill_officers.c.expires_at > self.clock.now().wall
        query = select(drill_officers).where(drill_officers.c.hash.in_(hashes), valid)
        return {row.hash: _officer(row) for row in await db.execute(query)}

    async def _drill_tokens(self, db: AsyncConnection) -> dict[str, str]:
        """Return the valid tokens of synthetic officers, by their digests, with their authors as the journal has
        them."""
        query = select(drill_officers).where(drill_officers.c.expires_at > self.clock.now().wall)
        return {row.hash: f"user:{row.user}" for row in await db.execute(query)}


def _officer(row: Row[Any]) -> DrillOfficer:
    return DrillOfficer(row.user, row.site, SessionId(row.session))
