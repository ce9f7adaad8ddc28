"""Second factors and recovery codes in the store. What is secret about them arrives sealed or as a keyed digest; each
step of time, count and code is taken in one statement, so that none counts twice, also not in two processes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.sign_in.tables import recovery_codes, second_factors
from broker.control.store.tables import users
from broker.kernel.errors import Conflict, NotFound

FactorKind = Literal["totp", "webauthn"]
MOST = 8
"""Second factors of one account."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor of an account. `kind`: `totp` or `webauthn`; `secret`: sealed; `counter`: the latest time step
    that was used, or the count that the authenticator told last."""

    id: str
    user: str
    kind: FactorKind
    name: str
    secret: str = field(repr=False)
    counter: int
    created_at: datetime
    used_at: datetime | None = None


class Factors(StorePart):
    """The part of the store for second factors and recovery codes."""

    async def factors(self, user: str) -> list[Factor]:
        """Return the second factors of an account, the oldest first."""
        query = select(second_factors).where(second_factors.c.user == user)
        async with self._reading() as db:
            rows = await db.execute(query.order_by(second_factors.c.created_at, second_factors.c.id))
            return [_factor(row) for row in rows]

    async def factor_kinds(self) -> dict[str, list[str]]:
        """Return the kinds of second factors that accounts have, by account."""
        found: dict[str, list[str]] = {}
        async with self._reading() as db:
            query = select(second_factors.c.user, second_factors.c.kind).order_by(second_factors.c.created_at)
            for user, kind in await db.execute(query):
                found.setdefault(user, []).append(kind)
        return found

    async def add_factor(self, factor: Factor, first: bool = False) -> bool:
        """Add a second factor to its account; return whether it is the first one. `first`: it has to be. Raises
        Conflict where it is not, where it was added before, and where the account has as many as it may have."""
        async with self._writing() as db:
            have = await _ids(db, factor.user)
            if first:
                check_is_first(len(have))
            if factor.id in have:
                raise Conflict("This app was added before.", "该身份验证器已添加。")
            if len(have) >= MOST:
                raise Conflict(
                    f"An account has {MOST} second factors at the most: remove one first.",
                    f"一个账号最多设置 {MOST} 个验证方式，请先删除一个。",
                )
            values = {column.name: getattr(factor, column.name) for column in second_factors.c}
            await db.execute(insert(second_factors).values(values))
            return not have

    async def take_counter(self, id: str, counter: int) -> bool:
        """Note that a factor was used with this time step or count; False where it, or a later one, was used before."""
        unused = (second_factors.c.id == id, second_factors.c.counter < counter)
        values = {"counter": counter, "used_at": self.clock.now().wall}
        async with self._writing() as db:
            return (await db.execute(update(second_factors).where(*unused).values(values))).rowcount == 1

    async def note_use(self, id: str) -> None:
        """Note that a factor was used that counts nothing."""
        async with self._writing() as db:
            now = self.clock.now().wall
            await db.execute(update(second_factors).where(second_factors.c.id == id).values(used_at=now))

    async def remove_factor(self, user: str, id: str, keeps_one: bool = False) -> None:
        """Remove a second factor of an account. Raises NotFound, and Conflict where the last one would go of an account
        that `keeps_one`."""
        async with self._writing() as db:
            have = await _ids(db, user)
            if id not in have:
                raise NotFound()
            if keeps_one:
                check_not_last(len(have))
            await db.execute(delete(second_factors).where(second_factors.c.id == id))

    async def set_recovery_codes(self, user: str, hashes: Iterable[str]) -> None:
        """Give an account new recovery codes; those that it had are gone."""
        now = self.clock.now().wall
        rows = [{"hash": hash, "user": user, "created_at": now} for hash in hashes]
        async with self._writing() as db:
            await db.execute(delete(recovery_codes).where(recovery_codes.c.user == user))
            await db.execute(insert(recovery_codes), rows)

    async def take_recovery_code(self, user: str, hash: str) -> bool:
        """Use up a recovery code; False where the account has no such code left."""
        unused = (recovery_codes.c.user == user, recovery_codes.c.hash == hash, recovery_codes.c.used_at.is_(None))
        async with self._writing() as db:
            now = self.clock.now().wall
            return (await db.execute(update(recovery_codes).where(*unused).values(used_at=now))).rowcount == 1

    async def recovery_codes_left(self, user: str) -> int:
        """Return how many recovery codes an account has left."""
        unused = (recovery_codes.c.user == user, recovery_codes.c.used_at.is_(None))
        async with self._reading() as db:
            return int((await db.execute(select(func.count()).where(*unused))).scalar_one())


def check_is_first(have: int) -> None:
    """Check that an account has no second factor yet. Raises Conflict."""
    if have:
        raise Conflict(
            "The account has a second factor by now: sign in by it, and then add another one.",
            "该账号已设置两步验证：请先以其登录，再添加其他方式。",
        )


def check_not_last(have: int) -> None:
    """Check that an account that needs a second factor has another one. Raises Conflict."""
    if have == 1:
        raise Conflict(
            "Your role needs a second factor: add another one first.", "您的角色必须启用两步验证，请先添加另一种方式。"
        )


async def _ids(db: AsyncConnection, user: str) -> set[str]:
    """Return the ids of an account's second factors. None is added or removed by others until the caller's transaction
    ends: the account's row is locked where the database locks rows."""
    await db.execute(select(users.c.id).where(users.c.id == user).with_for_update())
    return set((await db.execute(select(second_factors.c.id).where(second_factors.c.user == user))).scalars())


async def clear_factors(db: AsyncConnection, user: str) -> None:
    """Remove all second factors and recovery codes of an account, in the caller's transaction."""
    await db.execute(delete(second_factors).where(second_factors.c.user == user))
    await db.execute(delete(recovery_codes).where(recovery_codes.c.user == user))


def _factor(row: Row[Any]) -> Factor:
    return Factor(row.id, row.user, row.kind, row.name, row.secret, row.counter, row.created_at, row.used_at)
