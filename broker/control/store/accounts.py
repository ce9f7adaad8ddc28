"""Users, the tokens that they are signed in with, and the keys of other systems."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.authority import passwords
from broker.control.store.base import StorePart, check_name
from broker.control.store.records import ApiKey, Role, User
from broker.control.store.secrets import hash_password, new_token, token_hash
from broker.control.store.sign_in.identities import clear_identity
from broker.control.store.sign_in.sessions import idle_values, is_valid, remove_ended
from broker.control.store.tables import api_keys, sites, user_tokens, users
from broker.kernel.errors import BadRequest, Conflict, NotFound
from broker.kernel.ids import new_id

KeyKind = Literal["key", "obs"]
"""The kinds of keys: `key` may post approved slots, `obs` may read metrics."""


class Accounts(StorePart):
    """The part of the store for accounts. Of tokens and keys it stores hashes only."""

    async def add_user(
        self, id: str, name: str, role: Role, password: str, site: str | None = None, by: str = ""
    ) -> User:
        """Add an officer and return the new user. Commands and pages go through `AccountChanges.change_account`, which
        asks for a second officer's word where one is needed.

        Raises BadRequest (weak password, or no site for a role that needs one), NotFound (no such site) or Conflict
        (the id is taken).
        """
        hashed = await hashed_password(password, id, name)
        async with self._writing() as db:
            await check_new(db, id, role, site)
            await insert_user(db, id, name, role, site, hashed, self.clock.now().wall, by)
            return await named(db, id)

    async def user_named(self, id: str) -> User | None:
        """Return the user with this id, disabled or not, or None."""
        async with self._reading() as db:
            row = (await db.execute(select(users).where(users.c.id == id))).one_or_none()
        return _user(row) if row is not None else None

    async def users(self) -> list[User]:
        """Return all users in the order of their ids."""
        async with self._reading() as db:
            return [_user(row) for row in await db.execute(select(users).order_by(users.c.id))]

    async def set_password(self, id: str, password: str, by: str = "") -> None:
        """Set a new password, sign the user out everywhere, and undo the link to the identity service. Raises
        BadRequest (weak password) or NotFound."""
        found = await self.user_named(id)
        hashed = await hashed_password(password, id, found.name if found else "")
        async with self._writing() as db:
            values = {"credential_at": self.clock.now().wall, "credential_by": by}
            await change_user(db, id, password_hash=hashed, **values)
            await clear_identity(db, id)

    async def disable_user(self, id: str, disabled: bool = True) -> bool:
        """Bar a user from signing in, or no longer, sign the user out everywhere, and undo the link to the identity
        service; return whether there was any. Raises NotFound. Enabled again, the account is as new for permits as one
        with a new password."""
        values = {} if disabled else {"credential_at": self.clock.now().wall}
        async with self._writing() as db:
            await change_user(db, id, disabled=disabled, **values)
            return await clear_identity(db, id)

    async def issue_user_token(
        self, user: str, ttl: timedelta, *, idle: int = 0, device: str = "", must_enrol: bool = False
    ) -> str:
        """Sign a user in for `ttl` and return the token, which is stored nowhere. Expired tokens are removed.

        `idle`: seconds without use after which it ends, 0 for none; `device`: browser and system in words;
        `must_enrol`: it is for setting up a second factor alone. Raises NotFound where there is no such user or the
        user is disabled.
        """
        token, now = new_token("usr"), self.clock.now().wall
        async with self._writing() as db:
            await remove_ended(db, now)
            enabled = select(users.c.id).where(users.c.id == user, users.c.disabled.is_(False))
            if (await db.execute(enabled)).first() is None:
                raise NotFound(f"There is no user {user}.", f"没有用户 {user}。")
            values = {"hash": token_hash(token), "user": user, "expires_at": now + ttl, "must_enrol": must_enrol}
            values |= {"id": new_id("sgn"), "created_at": now, "seen_at": now, "device": device or None}
            await db.execute(insert(user_tokens).values(values | idle_values(idle, now)))
        return token

    async def user_by_token(self, token: str) -> User | None:
        """Return the user signed in with this token; None where it is expired or revoked, or the user is disabled."""
        async with self._reading() as db:
            found = await self._users_of(db, [token_hash(token)])
        return next(iter(found.values()), None)

    async def _account_tokens(self, db: AsyncConnection) -> dict[str, str]:
        """Return the valid tokens of users and keys, by their digests, with their authors as the journal has them."""
        signed_in = (
            select(user_tokens.c.hash, user_tokens.c.user)
            .join(users, users.c.id == user_tokens.c.user)
            .where(is_valid(self.clock.now().wall), users.c.disabled.is_(False))
        )
        keys = select(api_keys.c.hash, api_keys.c.id).where(api_keys.c.revoked_at.is_(None))
        found = {hash: f"user:{id}" for hash, id in await db.execute(signed_in)}
        kinds = {"key": "integrator", "obs": "observer"}
        return found | {hash: f"{kinds[id[:3]]}:{id}" for hash, id in await db.execute(keys)}

    async def _users_of(self, db: AsyncConnection, hashes: list[str]) -> dict[str, User]:
        """Return the users signed in with the tokens of these hashes."""
        query = (
            select(users, user_tokens.c.hash, user_tokens.c.must_enrol)
            .join(user_tokens, user_tokens.c.user == users.c.id)
            .where(user_tokens.c.hash.in_(hashes), is_valid(self.clock.now().wall), users.c.disabled.is_(False))
        )
        return {row.hash: replace(_user(row), must_enrol=row.must_enrol) for row in await db.execute(query)}

    async def _keys_of(self, db: AsyncConnection, hashes: list[str]) -> dict[str, ApiKey]:
        """Return the keys in use with these hashes."""
        query = select(api_keys).where(api_keys.c.hash.in_(hashes), api_keys.c.revoked_at.is_(None))
        return {row.hash: _key(row) for row in await db.execute(query)}

    async def revoke_user_token(self, token: str) -> None:
        """Remove a token, which signs its user out. An unknown token is no error: it is signed out already."""
        async with self._writing() as db:
            gone = user_tokens.c.hash == token_hash(token)
            await db.execute(delete(user_tokens).where(gone))

    async def add_api_key(self, name: str, kind: KeyKind = "key") -> str:
        """Add a key for another system and return it; it is stored nowhere.

        It begins with its kind, so that the stored hash covers the kind too, and with a word that its id has not:
        `key_secret_…` is never taken for `key_…`.
        """
        key = new_token(f"{kind}_secret")
        values = {"id": new_id(kind), "name": name, "hash": token_hash(key)}
        async with self._writing() as db:
            created = self.clock.now().wall
            await db.execute(insert(api_keys).values(created_at=created, **values))
        return key

    async def api_key_by_token(self, token: str) -> ApiKey | None:
        """Return the record of a key, or None where it is unknown or revoked."""
        query = select(api_keys).where(api_keys.c.hash == token_hash(token), api_keys.c.revoked_at.is_(None))
        async with self._reading() as db:
            row = (await db.execute(query)).one_or_none()
        return _key(row) if row is not None else None

    async def api_keys(self) -> list[ApiKey]:
        """Return all keys that were ever added, oldest first."""
        query = select(api_keys).order_by(api_keys.c.created_at)
        async with self._reading() as db:
            return [_key(row) for row in await db.execute(query)]

    async def revoke_api_key(self, id: str) -> None:
        """Revoke a key for good. Raises NotFound where no such key is in use."""
        live = (api_keys.c.id == id) & api_keys.c.revoked_at.is_(None)
        async with self._writing() as db:
            now = self.clock.now().wall
            done = await db.execute(update(api_keys).where(live).values(revoked_at=now))
            if done.rowcount == 0:
                raise NotFound(f"There is no key {id} in use.", f"没有在用密钥 {id}。")


async def hashed_password(password: str, user: str, name: str) -> str:
    """Return the hash of a new password of an account. Raises BadRequest for a weak one."""
    passwords.check(password, user, name)
    return await hash_password(password)


async def named(db: AsyncConnection, id: str) -> User:
    """Return the user with this id, in the caller's transaction. Raises NotFound."""
    row = (await db.execute(select(users).where(users.c.id == id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no user {id}.", f"没有用户 {id}。")
    return _user(row)


async def knows(db: AsyncConnection, author: str) -> frozenset[str]:
    """Return the accounts that may know what an author of the journal knows, in the caller's transaction; none where
    the author is no officer, as a command of the operating system's user."""
    kind, _, id = author.partition(":")
    row = (await db.execute(select(users).where(users.c.id == id))).one_or_none() if kind == "user" else None
    return _user(row).standing.knows if row is not None else frozenset()


async def check_new(db: AsyncConnection, id: str, role: Role, site: str | None) -> None:
    """Check that an account may be added. Raises BadRequest, NotFound (no such site) or Conflict (the id is taken, or
    the site is closed)."""
    check_name("user", id)
    if Role(role).needs_site and site is None:
        raise BadRequest(f"A {role} belongs to a site.", "该角色必须属于某个单位。")
    if site:
        await _check_open_site(db, site)
    if (await db.execute(select(users).where(users.c.id == id))).first() is not None:
        raise Conflict(f"There is already a user {id}.", f"用户 {id} 已存在。")


async def _check_open_site(db: AsyncConnection, site: str) -> None:
    row = (await db.execute(select(sites).where(sites.c.id == site))).one_or_none()
    if row is None:
        raise NotFound(f"There is no site {site}.", f"没有单位 {site}。")
    if row.closed_at is not None:
        raise Conflict(f"Site {site} is closed.", f"单位 {site} 已停用。")


async def insert_user(
    db: AsyncConnection,
    id: str,
    name: str,
    role: Role,
    site: str | None,
    hashed: str,
    at: datetime,
    by: str,
    vouchers: Collection[str] = (),
) -> None:
    """Add an account, in the caller's transaction."""
    values = {"id": id, "name": name, "site": site or None, "role": str(role), "disabled": False}
    credential = {"password_hash": hashed, "credential_at": at, "credential_by": by, "vouchers": sorted(vouchers)}
    await db.execute(insert(users).values(**values, **credential))


async def change_user(db: AsyncConnection, id: str, **values: Any) -> None:
    """Change an account and sign its user out everywhere, in the caller's transaction. Raises NotFound."""
    done = await db.execute(update(users).where(users.c.id == id).values(values))
    if done.rowcount == 0:
        raise NotFound(f"There is no user {id}.", f"没有用户 {id}。")
    await db.execute(delete(user_tokens).where(user_tokens.c.user == id))


def _user(row: Row[Any]) -> User:
    credential = (row.credential_at, row.credential_by or "", tuple(row.vouchers or ()))
    return User(row.id, row.name, row.site, Role(row.role), row.disabled, row.password_hash, *credential)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(row.id, row.name, row.created_at, row.revoked_at)
