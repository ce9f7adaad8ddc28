"""Identities: which person of the provincial identity service has which account. Only a digest is stored; no account
is ever made from it."""

from hashlib import sha256

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.sign_in.tables import linked_identities


class Identities(StorePart):
    """The part of the store for identities of another service."""

    async def link_identity(self, issuer: str, subject: str, user: str) -> None:
        """Link a person of a service to an account, instead of the one before. Raises Conflict where that person is
        linked to another account."""
        values = {"hash": _hash(issuer, subject), "user": user, "created_at": self.clock.now().wall}
        async with self._writing() as db:
            await clear_identity(db, user)
            await db.execute(insert(linked_identities).values(values))

    async def unlink_identity(self, user: str) -> bool:
        """Undo the link of an account; return whether there was any."""
        async with self._writing() as db:
            return await clear_identity(db, user)

    async def user_of_identity(self, issuer: str, subject: str) -> str:
        """Return the account that a person of a service is linked to, "" for none."""
        query = select(linked_identities.c.user).where(linked_identities.c.hash == _hash(issuer, subject))
        async with self._reading() as db:
            return (await db.execute(query)).scalar_one_or_none() or ""

    async def has_identity(self, user: str) -> bool:
        """Whether an account is linked to a person of a service."""
        mine = select(linked_identities.c.hash).where(linked_identities.c.user == user)
        async with self._reading() as db:
            return (await db.execute(mine)).first() is not None


async def clear_identity(db: AsyncConnection, user: str) -> bool:
    """Undo the link of an account, in the caller's transaction; return whether there was any."""
    return (await db.execute(delete(linked_identities).where(linked_identities.c.user == user))).rowcount > 0


def _hash(issuer: str, subject: str) -> str:
    return sha256(f"{issuer}\n{subject}".encode()).hexdigest()
