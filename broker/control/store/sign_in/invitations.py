"""Invitations: a link by which a new officer sets the own password, so that no other person ever knows it. It counts
once, for some days from the moment when the account exists, and only its hash is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.authority import passwords
from broker.authority.persons import ChangeKind
from broker.control.store.accounts import change_user, knows, named
from broker.control.store.base import StorePart
from broker.control.store.records import ChangeState, User
from broker.control.store.secrets import hash_password, new_token, token_hash
from broker.control.store.sign_in.tables import invitations
from broker.control.store.tables import account_changes, users
from broker.kernel.errors import Conflict, InvitationRefused, NotFound

NO_PASSWORD = ""
"""In place of the hash, while the officer has not set a password."""


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """A link that was not used yet. `by`: its author, as in the journal; after `expires_at` it counts no more."""

    by: str
    created_at: datetime
    expires_at: datetime


class Invitations(StorePart):
    """The part of the store for invitations."""

    async def invite(self, user: str, life: timedelta, by: str) -> str:
        """Return the token of a new invitation for an account without a password, or for one that waits for a second
        officer's word; those before it count no more. Raises NotFound where no such officer was invited, and Conflict
        where the account has a password and waits for no new one."""
        token, now = new_token("inv"), self.clock.now().wall
        async with self._writing() as db:
            stored = (await db.execute(select(users.c.password_hash).where(users.c.id == user))).scalar_one_or_none()
            waits = await _waits(db, user)
            if stored and not waits:
                raise Conflict(f"{user} has a password already.", f"用户 {user} 已设置密码。")
            if stored is None and not waits:
                raise NotFound(f"No officer {user} was invited.", f"没有受邀用户 {user}。")
            await db.execute(delete(invitations).where(invitations.c.user == user))
            values = {"hash": token_hash(token), "user": user, "by": by, "created_at": now, "expires_at": now + life}
            await db.execute(insert(invitations).values(values))
        return token

    async def open_invitations(self) -> dict[str, OpenInvitation]:
        """Return the links that were not used, also those that are too old, by the users that they are for."""
        query = select(invitations).where(invitations.c.used_at.is_(None))
        async with self._reading() as db:
            rows = await db.execute(query)
            return {row.user: OpenInvitation(row.by, row.created_at, row.expires_at) for row in rows}

    async def withdraw_invitation(self, user: str) -> None:
        """Make the link of an officer worthless. Raises NotFound where there is none that was not used."""
        async with self._writing() as db:
            if not await end_invitations(db, user):
                raise NotFound(f"No invitation of {user} is open.", f"用户 {user} 没有未使用的邀请链接。")

    async def redeem_invitation(self, token: str, password: str) -> User:
        """Set the password of the officer who was invited, and return the account. It then stands on the word of the
        link's author, too, who could have used the link. Raises InvitationRefused (unknown, used, too old, or not
        confirmed yet) or BadRequest (a weak password; the invitation then still counts)."""
        invited, by = await self._invited(token)
        passwords.check(password, invited.id, invited.name)
        hashed, now = await hash_password(password), self.clock.now().wall
        unused = (invitations.c.hash == token_hash(token), invitations.c.used_at.is_(None))
        async with self._writing() as db:
            if (await db.execute(update(invitations).where(*unused).values(used_at=now))).rowcount == 0:
                raise InvitationRefused()
            vouchers = sorted({*(await named(db, invited.id)).vouchers, *await knows(db, by)} - {invited.id})
            values = {"credential_at": now, "credential_by": f"user:{invited.id}", "vouchers": vouchers}
            await change_user(db, invited.id, password_hash=hashed, **values)
            return await named(db, invited.id)

    async def _invited(self, token: str) -> tuple[User, str]:
        """Return the officer whom a link is for, and the link's author. Raises InvitationRefused."""
        now = self.clock.now().wall
        query = select(invitations.c.user, invitations.c.by).where(
            invitations.c.hash == token_hash(token), invitations.c.used_at.is_(None), invitations.c.expires_at > now
        )
        async with self._reading() as db:
            link = (await db.execute(query)).one_or_none()
            row = (await db.execute(select(users).where(users.c.id == link.user))).one_or_none() if link else None
            if link is None or row is None or row.disabled or row.password_hash != NO_PASSWORD:
                raise InvitationRefused()
            return await named(db, row.id), str(link.by)


async def _waits(db: AsyncConnection, user: str) -> bool:
    """Whether an officer was invited, to a new account or a new password, that waits for a second officer's word."""
    waiting = (account_changes.c.user == user, account_changes.c.state == str(ChangeState.WAITING))
    kinds = (str(ChangeKind.ADD), str(ChangeKind.PASSWORD))
    invited = (account_changes.c.kind.in_(kinds), account_changes.c.password_hash == NO_PASSWORD)
    return (await db.execute(select(account_changes.c.id).where(*waiting, *invited))).first() is not None


async def end_invitations(db: AsyncConnection, user: str) -> bool:
    """Remove the links of an officer that were not used, in the caller's transaction; return whether there were any."""
    mine = (invitations.c.user == user, invitations.c.used_at.is_(None))
    return bool((await db.execute(delete(invitations).where(*mine))).rowcount)


async def begin_invitation(db: AsyncConnection, user: str, at: datetime) -> None:
    """Let the time of an account's invitation run from now on, when the account begins to exist, in the caller's
    transaction."""
    for row in (await db.execute(select(invitations).where(invitations.c.user == user))).all():
        life = row.expires_at - row.created_at
        values = {"created_at": at, "expires_at": at + life}
        await db.execute(update(invitations).where(invitations.c.hash == row.hash).values(values))
