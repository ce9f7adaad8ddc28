"""Changes of accounts in the store: each takes effect at once or waits for a second officer's word, as
`broker/authority/persons.py` decides in the transaction that stores it. Rows are never removed; what is decided loses
its password hash."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.authority import persons
from broker.authority.persons import Change, ChangeKind, Waits
from broker.booking.packs import pack_named
from broker.control.store.accounts import change_user, check_new, hashed_password, insert_user, knows, named
from broker.control.store.base import StorePart
from broker.control.store.records import AccountChange, ChangeState, Role, User
from broker.control.store.sign_in.factors import clear_factors
from broker.control.store.sign_in.identities import clear_identity
from broker.control.store.sign_in.invitations import NO_PASSWORD, begin_invitation, end_invitations
from broker.control.store.tables import account_changes, api_keys, sites, users
from broker.kernel.errors import BadRequest, Conflict, NotFound, VisitError
from broker.kernel.ids import new_id

MOST = 200
"""Changes in one list, newest first."""


KINDS = {
    ChangeKind.ADD: "UserAdded",
    ChangeKind.PASSWORD: "PasswordSet",
    ChangeKind.ENABLE: "UserEnabled",
    ChangeKind.FACTORS: "SecondFactorsReset",
}
"""Journal kinds of changes that have taken effect."""
OUTCOMES = {
    ChangeState.WAITING: "AccountChangeProposed",
    ChangeState.REJECTED: "AccountChangeRejected",
    ChangeState.FORCED: "AccountChangeForced",
}


def entry_of(asked: AccountChange) -> tuple[str, dict[str, Any]]:
    """Return kind and data of the journal entry of what became of a change. Its author is the officer or the command
    that did it; `proposed_by` names the author of the change."""
    change = asked.change
    data: dict[str, Any] = {"user": change.user, "role": change.role, "site": change.site}
    if asked.state is not ChangeState.APPLIED:
        data |= {"change": change.id, "kind": str(change.kind), "proposed_by": change.author}
    if asked.reason:
        data["reason"] = asked.reason
    if asked.unlinked:
        data["identity_unlinked"] = True
    return OUTCOMES.get(asked.state, KINDS[change.kind]), data


class AccountChanges(StorePart):
    """The part of the store for changes of accounts and for the permits that accounts give."""

    async def change_account(
        self,
        kind: ChangeKind,
        user: str,
        *,
        author: str,
        proposer: str = "",
        password: str | None = None,
        name: str = "",
        role: Role | None = None,
        site: str | None = None,
        invited: bool = False,
    ) -> AccountChange:
        """Change an account, or keep the change until a second officer confirms it; an older one that waits for the
        same account is replaced. `name`, `role` and `site` are those of a new account; `invited`: it has no password
        from then on, until the officer sets one by the link of an invitation.

        Raises BadRequest, NotFound or Conflict.
        """
        if kind is not ChangeKind.ADD:
            async with self._reading() as db:
                name = (await named(db, user)).name
        hashed = NO_PASSWORD if invited else None
        if password is not None:
            hashed = await hashed_password(password, user, name)
        now = self.clock.now().wall
        async with self._writing() as db:
            if kind is ChangeKind.ADD:
                if role is None or hashed is None:
                    raise BadRequest("A new account has a role and a password.", "新账号须有角色和密码。")
                await check_new(db, user, role, site)
            else:
                found = await named(db, user)
                name, role, site = found.name, found.role, found.site
            change = Change(new_id("chg"), kind, user, str(role), site or None, author, proposer, now)
            asked = AccountChange(change, name, ChangeState.APPLIED)
            if not persons.needs_word(kind, change.role, await _confirmers(db)):
                by_account = frozenset({proposer} if proposer else ())
                unlinked = await _apply(db, asked, hashed, now, author, by_account)
                return replace(asked, unlinked=unlinked)
            waiting = replace(asked, state=ChangeState.WAITING)
            await _replace_older(db, user, now)
            await db.execute(insert(account_changes).values(_columns(waiting, hashed)))
        return waiting

    async def account_changes(self, waiting: bool = True) -> list[AccountChange]:
        """Return the changes that wait for a word, or every one that ever did, newest first."""
        query = select(account_changes).order_by(account_changes.c.at.desc(), account_changes.c.id).limit(MOST)
        if waiting:
            query = query.where(account_changes.c.state == str(ChangeState.WAITING))
        async with self._reading() as db:
            return [_change(row) for row in await db.execute(query)]

    async def seen_changes(self, officer: User, waiting: bool = True) -> list[AccountChange]:
        """Return the changes that are an officer's to know of."""
        async with self._reading() as db:
            provincial = await _provincial(db)
        found = await self.account_changes(waiting)
        return [one for one in found if persons.concerns(one.change.site, officer.standing, provincial)]

    async def confirm_change(self, id: str, officer: str, waits: Waits, now: datetime) -> AccountChange:
        """Put a change into effect on an officer's word. `now`: the time as far as it is believed. Raises NotFound,
        Conflict (it does not wait), Forbidden, SamePerson or CredentialTooNew."""
        async with self._writing() as db:
            row, word = await _waiting(db, id, officer)
            change = _change(row)
            persons.check_word(change.change, word.standing, await _provincial(db), waits.age, now)
            proposer = await named(db, change.change.proposer) if change.change.proposer else None
            vouchers = persons.vouchers_of(word.standing, proposer.standing if proposer else None)
            at = self.clock.now().wall
            by = f"{change.change.author} user:{officer}"
            unlinked = await _apply(db, change, row.password_hash, at, by, vouchers)
            change = replace(change, unlinked=unlinked)
            return await _decide(db, change, ChangeState.CONFIRMED, f"user:{officer}", at)

    async def reject_change(self, id: str, officer: str, reason: str) -> AccountChange:
        """Refuse a change on an officer's word. Raises NotFound, Conflict (it does not wait) or Forbidden."""
        async with self._writing() as db:
            row, word = await _waiting(db, id, officer)
            change = _change(row)
            persons.check_concerned(change.change, word.standing, await _provincial(db))
            if row.password_hash == NO_PASSWORD:
                await end_invitations(db, change.change.user)
            now = self.clock.now().wall
            return await _decide(db, change, ChangeState.REJECTED, f"user:{officer}", now, reason)

    async def force_change(self, id: str, author: str, reason: str, waits: Waits, now: datetime) -> AccountChange:
        """Put a change into effect without a second officer's word, after the long wait. `now`: the time as far as it
        is believed. Raises NotFound, Conflict or TooEarly."""
        async with self._writing() as db:
            row = await _row(db, id)
            change = _change(row)
            persons.check_force(change.change, reason, waits.force, now)
            at = self.clock.now().wall
            alone = [change.change.proposer and f"user:{change.change.proposer}", author]
            vouchers = persons.forced_vouchers().union(*[await knows(db, each) for each in alone])
            unlinked = await _apply(db, change, row.password_hash, at, author, vouchers)
            change = replace(change, unlinked=unlinked)
            return await _decide(db, change, ChangeState.FORCED, author, at, reason)

    async def forced_since(self, moment: datetime) -> int:
        """Return how many changes took effect without a second officer's word since then."""
        forced = (account_changes.c.state == str(ChangeState.FORCED), account_changes.c.decided_at >= moment)
        async with self._reading() as db:
            return int((await db.execute(select(func.count()).where(*forced))).scalar_one())

    async def change_own_password(self, user: str, password: str) -> None:
        """Set the password of an officer who has just shown the present one, and sign the officer out everywhere. What
        the account stands on stays: who knows the present password may have set this one. Raises BadRequest."""
        async with self._reading() as db:
            name = (await named(db, user)).name
        hashed = await hashed_password(password, user, name)
        async with self._writing() as db:
            values = {"credential_at": self.clock.now().wall, "credential_by": f"user:{user}"}
            await change_user(db, user, password_hash=hashed, **values)

    # ---- permits -------------------------------------------------------------------------------------------------

    async def waits(self, hours: int, days: int) -> Waits:
        """Return how long accounts and changes wait, by the settings; in an installation of demonstration sites alone
        only for seconds."""
        async with self._reading() as db:
            names = set((await db.execute(select(sites.c.policy))).scalars())
        return persons.waits(hours, days, demo=bool(names) and all(_is_demo(name) for name in names))

    async def check_permit(self, user: str, waits: Waits, now: datetime, other: str | None = None) -> None:
        """Check that an account may give a permit, and that it and the `other` account that has a part in it count as
        two persons. `now`: the time as far as it is believed.

        Raises NotFound, Forbidden, CredentialTooNew or SamePerson.
        """
        async with self._reading() as db:
            first = (await named(db, user)).standing
            second = None if other is None else (await named(db, other)).standing
        persons.check_settled(first, waits.age, now)
        if second is not None:
            persons.check_two(first, second)

    async def check_key(self, id: str, waits: Waits, now: datetime) -> None:
        """Check that a booking system's key may bring an institution's word. Raises NotFound or CredentialTooNew."""
        async with self._reading() as db:
            row = (await db.execute(select(api_keys).where(api_keys.c.id == id))).one_or_none()
        if row is None:
            raise NotFound()
        key = persons.Standing(id, "integrator", None, row.revoked_at is not None, row.created_at)
        persons.check_settled(key, waits.age, now)


def _is_demo(policy: str) -> bool:
    try:
        return pack_named(policy).demo
    except VisitError:
        return False


async def _confirmers(db: AsyncConnection) -> int:
    query = select(func.count()).select_from(users).where(users.c.role.in_(sorted(persons.CONFIRMERS)))
    return int((await db.execute(query)).scalar_one())


async def _provincial(db: AsyncConnection) -> bool:
    query = select(users.c.id).where(users.c.role.in_(sorted(persons.CONFIRMERS)), users.c.site.is_(None))
    return (await db.execute(query)).first() is not None


async def _row(db: AsyncConnection, id: str) -> Row[Any]:
    row = (await db.execute(select(account_changes).where(account_changes.c.id == id))).one_or_none()
    if row is None:
        raise NotFound()
    if row.state != ChangeState.WAITING:
        raise Conflict("This change does not wait for a word any more.", "该变更已办结。", state=row.state)
    return row


async def _waiting(db: AsyncConnection, id: str, officer: str) -> tuple[Row[Any], User]:
    """Return a change that waits, and the officer; what is not the officer's to know of is not found."""
    word = await named(db, officer)
    row = (await db.execute(select(account_changes).where(account_changes.c.id == id))).one_or_none()
    if row is None:
        raise NotFound()
    persons.check_concerned(_change(row).change, word.standing, await _provincial(db))
    return await _row(db, id), word


async def _apply(
    db: AsyncConnection,
    asked: AccountChange,
    hashed: str | None,
    now: datetime,
    by: str,
    vouchers: frozenset[str],
) -> bool:
    """Put a change into effect; return whether it has undone a link to the identity service, by which the person that
    had the account before would still sign in."""
    change = asked.change
    if change.kind is ChangeKind.ADD:
        role = Role(change.role)
        await check_new(db, change.user, role, change.site)
        assert hashed is not None  # a new account was given one
        await insert_user(db, change.user, asked.name, role, change.site, hashed, now, by, vouchers)
        if hashed == NO_PASSWORD:
            await begin_invitation(db, change.user, now)
        return False
    values: dict[str, Any] = {"credential_at": now, "credential_by": by, "vouchers": sorted(vouchers)}
    if change.kind is ChangeKind.PASSWORD:
        values["password_hash"] = hashed
        if hashed == NO_PASSWORD:
            await begin_invitation(db, change.user, now)
    else:
        values["vouchers"] = sorted({*vouchers, *(await named(db, change.user)).vouchers})
        if change.kind is ChangeKind.ENABLE:
            values["disabled"] = False
        else:
            await clear_factors(db, change.user)
    await change_user(db, change.user, **values)
    return await clear_identity(db, change.user)


async def _replace_older(db: AsyncConnection, user: str, now: datetime) -> None:
    older = (account_changes.c.user == user, account_changes.c.state == str(ChangeState.WAITING))
    values = {"state": str(ChangeState.REPLACED), "decided_at": now, "password_hash": None}
    await db.execute(update(account_changes).where(*older).values(values))


async def _decide(
    db: AsyncConnection, change: AccountChange, state: ChangeState, by: str, at: datetime, reason: str = ""
) -> AccountChange:
    values = {"state": str(state), "decided_by": by, "decided_at": at, "reason": reason, "password_hash": None}
    await db.execute(update(account_changes).where(account_changes.c.id == change.change.id).values(values))
    return replace(change, state=state, decided_by=by, decided_at=at, reason=reason)


def _columns(asked: AccountChange, hashed: str | None) -> dict[str, Any]:
    change = asked.change
    return {
        "id": change.id,
        "kind": str(change.kind),
        "user": change.user,
        "name": asked.name,
        "role": change.role,
        "site": change.site,
        "password_hash": hashed,
        "author": change.author,
        "proposer": change.proposer,
        "at": change.at,
        "state": str(asked.state),
    }


def _change(row: Row[Any]) -> AccountChange:
    kind = ChangeKind(row.kind)
    change = Change(row.id, kind, row.user, row.role, row.site, row.author, row.proposer, row.at)
    state = ChangeState(row.state)
    return AccountChange(change, row.name, state, row.decided_by or "", row.decided_at, row.reason or "")
