"""Where an officer is signed in: the list that the officer sees, its end by hand, and the moments of use from which
sign-ins end by themselves. No address is kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from broker.control.store.base import StorePart
from broker.control.store.secrets import token_hash
from broker.control.store.tables import user_tokens
from broker.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class SignInSession:
    """A sign-in that goes on. `device`: browser and system in words; `current`: the sign-in of the request itself."""

    id: str
    device: str
    created_at: datetime | None
    seen_at: datetime | None
    expires_at: datetime
    current: bool


class SignInSessions(StorePart):
    """The part of the store for sign-ins that go on."""

    async def sign_in_sessions(self, user: str, token: str) -> list[SignInSession]:
        """Return the sign-ins of an account, the latest first; `token` is that of the request. Those of a former
        version have no id, and end by themselves within hours."""
        now, own = self.clock.now().wall, token_hash(token)
        query = select(user_tokens).where(user_tokens.c.user == user, is_valid(now))
        async with self._reading() as db:
            rows = await db.execute(query.order_by(user_tokens.c.created_at.desc(), user_tokens.c.hash))
            return [
                SignInSession(
                    row.id or "", row.device or "", row.created_at, row.seen_at, row.expires_at, row.hash == own
                )
                for row in rows
            ]

    async def end_sign_in_session(self, user: str, id: str) -> None:
        """End one sign-in of an account. Raises NotFound, also for those of others."""
        mine = (user_tokens.c.user == user, user_tokens.c.id == id)
        async with self._writing() as db:
            if (await db.execute(delete(user_tokens).where(*mine))).rowcount == 0:
                raise NotFound()

    async def end_other_sign_ins(self, user: str, token: str) -> int:
        """End all sign-ins of an account but that of `token`; return how many there were."""
        others = (user_tokens.c.user == user, user_tokens.c.hash != token_hash(token))
        async with self._writing() as db:
            return int((await db.execute(delete(user_tokens).where(*others))).rowcount)

    async def lift_enrolment(self, user: str, token: str, ttl: timedelta, idle: int) -> datetime:
        """Let a sign-in that was for setting up a second factor go on as a full one, and end the account's others.
        Return when it expires."""
        now = self.clock.now().wall
        own = (user_tokens.c.user == user, user_tokens.c.hash == token_hash(token))
        values = {"must_enrol": False, "expires_at": now + ttl} | idle_values(idle, now)
        async with self._writing() as db:
            await db.execute(update(user_tokens).where(*own).values(values))
            await db.execute(delete(user_tokens).where(*_enrolling(user)))
        return now + ttl

    async def end_enrolments(self, user: str) -> None:
        """End the sign-ins of an account that are for setting up a second factor: it has one."""
        async with self._writing() as db:
            await db.execute(delete(user_tokens).where(*_enrolling(user)))

    async def touch_sign_ins(self, tokens: Collection[str]) -> None:
        """Note that these tokens are in use now. `tokens` are few hundreds at the most."""
        hashes, now = [token_hash(token) for token in tokens], self.clock.now().wall
        async with self._writing() as db:
            chosen, idle = user_tokens.c.hash.in_(hashes), user_tokens.c.idle_seconds
            for seconds in (await db.execute(select(idle).where(chosen).distinct())).scalars().all():
                same = idle.is_(None) if seconds is None else idle == seconds
                values = {"seen_at": now} | idle_values(seconds, now)
                await db.execute(update(user_tokens).where(chosen, same).values(values))


def _enrolling(user: str) -> tuple[ColumnElement[bool], ...]:
    return user_tokens.c.user == user, user_tokens.c.must_enrol.is_(True)


def idle_values(seconds: int | None, now: datetime) -> dict[str, object]:
    """Return the columns of a token that ends after so many seconds without use; None or 0: it does not."""
    return {"idle_seconds": seconds or None, "idle_at": now + timedelta(seconds=seconds) if seconds else None}


def is_valid(now: datetime) -> ColumnElement[bool]:
    """The condition that a token has neither expired nor been left unused for too long."""
    return (user_tokens.c.expires_at > now) & or_(user_tokens.c.idle_at.is_(None), user_tokens.c.idle_at > now)


async def remove_ended(db: AsyncConnection, now: datetime) -> None:
    """Remove tokens that have ended, in the caller's transaction."""
    await db.execute(delete(user_tokens).where(~is_valid(now)))
