"""Accounts of officers over HTTP. New ones come by invitation (`signaling/api/accounts/invitations.py`); what could let
one person act as another waits for a second officer's word, as `broker/authority/persons.py` decides."""

from datetime import datetime, timedelta
from typing import Literal

from broker.authority.persons import ChangeKind, check_not_own
from broker.control.rules.account_changes import entry_of
from broker.control.store.records import AccountChange, User
from broker.control.store.sign_in.invitations import NO_PASSWORD, OpenInvitation
from broker.kernel.errors import Busy, Conflict, NotFound, SamePerson
from signaling.api.accounts.changes import answer_to_change, show_password
from signaling.api.accounts.invitations import invited_by, link_for
from signaling.api.administration.access import READERS, REFUSED, WRITERS, check_reach, note
from signaling.api.administration.messages import AccountList, AccountView, Because, InvitationView, OfSite
from signaling.api.messages.accounts import AccountChangeView, Invited, Word
from signaling.auth.scope import author, scope
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("users")
USERS = "/api/v1/users"
USER = f"{USERS}/{{user}}"
State = Literal["active", "disabled", "invited", "no_link", "waiting"]


@table.add("GET", USERS, roles=READERS, zh="人员一览", en="All accounts")
async def get_users(call: Call, query: OfSite) -> AccountList:
    """The accounts that the caller may know of, those among them that wait for a second officer's word."""
    own = scope(call.user)
    views = await _views(call.context)
    seen = [view for view in views if own in (None, view.site) and query.site in (None, view.site)]
    return AccountList(users=sorted(seen, key=lambda view: view.id))


@table.add(
    "POST",
    f"{USER}/disable",
    roles=WRITERS,
    zh="停用账号",
    en="Bar an officer",
    problems=(SamePerson,),
    refused=REFUSED,
)
async def disable_user(call: Call, body: Because) -> AccountView:
    """Bar an officer from signing in, at once, and sign the officer out everywhere."""
    user = await _other(call)
    unlinked = await call.context.store.disable_user(user.id)
    more = {"identity_unlinked": True} if unlinked else {}
    await note(call, "UserDisabled", user=user.id, reason=body.reason, **more)
    return next(view for view in await _views(call.context) if view.id == user.id)


@table.add(
    "POST",
    f"{USER}/enable",
    roles=WRITERS,
    zh="恢复账号",
    en="Let a barred officer in again",
    problems=(Conflict, SamePerson, Busy),
    refused=REFUSED,
)
async def enable_user(call: Call, body: Word) -> AccountChangeView:
    """Let a barred officer sign in again, once a second officer has confirmed it."""
    user = await _other(call)
    if not user.disabled:
        raise Conflict(f"{user.id} may sign in.", f"账号 {user.id} 未停用。")
    await show_password(call, body.password)
    return await answer_to_change(call, await _proposed(call, user, ChangeKind.ENABLE))


@table.add(
    "POST",
    f"{USER}/reset-factors",
    roles=WRITERS,
    zh="重置两步验证",
    en="Remove lost second factors",
    problems=(Conflict, SamePerson, Busy),
    refused=REFUSED,
)
async def reset_factors(call: Call, body: Word) -> AccountChangeView:
    """Remove the second factors of an officer who has lost them, once a second officer has confirmed it."""
    user = await _other(call)
    await show_password(call, body.password)
    return await answer_to_change(call, await _proposed(call, user, ChangeKind.FACTORS))


@table.add(
    "POST",
    f"{USER}/new-password",
    roles=WRITERS,
    zh="重设密码（凭邀请链接）",
    en="Have an officer set a new password",
    problems=(Conflict, SamePerson, Busy),
    refused=REFUSED,
)
async def new_password(call: Call, body: Word) -> Invited:
    """A link by which the officer sets a new password, once a second officer has confirmed it: no other person ever
    knows it. Until then the present password stays."""
    user = await _other(call)
    await show_password(call, body.password)
    made = await _proposed(call, user, ChangeKind.PASSWORD)
    kind, data = entry_of(made)
    await note(call, kind, **data, invited=True)
    return await link_for(call, made)


@table.add(
    "POST",
    f"{USER}/invitation",
    roles=WRITERS,
    zh="重新生成邀请链接",
    en="Make a new link for an invited officer",
    problems=(Conflict, Busy),
    refused=REFUSED,
)
async def invite_again(call: Call, body: Word) -> Invited:
    """A new link for an officer who has set no password yet; the former one counts no more."""
    id = call.id("user")
    check_reach(call, await _site_of(call, id))
    await show_password(call, body.password)
    context, hours = call.context, call.context.settings.sign_in.invitation_hours
    token = await context.store.invite(id, timedelta(hours=hours), author(call.user))
    await note(call, "OfficerInvited", user=id)
    waiting = next((one.change.id for one in await context.store.account_changes() if one.change.user == id), None)
    return invited_by(call, id, token, waiting)


@table.add(
    "POST", f"{USER}/withdraw-invitation", roles=WRITERS, zh="撤回邀请", en="Withdraw an invitation", refused=REFUSED
)
async def withdraw_invitation(call: Call, body: Because) -> AccountList:
    """The officer's link counts no more; the answer is the account, where there is one."""
    id = call.id("user")
    check_reach(call, await _site_of(call, id))
    await call.context.store.withdraw_invitation(id)
    await note(call, "InvitationWithdrawn", user=id, reason=body.reason)
    return AccountList(users=[view for view in await _views(call.context) if view.id == id])


async def _other(call: Call) -> User:
    """Return the account in the path, which exists for the caller and is another one's. Raises NotFound or
    SamePerson."""
    user = await call.context.store.user_named(call.id("user"))
    if user is None:
        raise NotFound()
    check_reach(call, user.site)
    check_not_own(call.user.id, user.id)
    return user


async def _site_of(call: Call, id: str) -> str | None:
    """Return the site of an account, also of one that waits for a second officer's word. Raises NotFound."""
    user = await call.context.store.user_named(id)
    if user is not None:
        return user.site
    for listed in await call.context.store.account_changes():
        if listed.change.user == id:
            return listed.change.site
    raise NotFound()


async def _proposed(call: Call, user: User, kind: ChangeKind) -> AccountChange:
    by, invited = call.user, kind is ChangeKind.PASSWORD
    return await call.context.store.change_account(kind, user.id, author=author(by), proposer=by.id, invited=invited)


async def _views(context: Context) -> list[AccountView]:
    store, now = context.store, context.now().wall
    links, factors = await store.open_invitations(), await store.factor_kinds()
    waiting = {listed.change.user: listed for listed in await store.account_changes()}
    views = [
        _row(context, user, links.get(user.id), factors.get(user.id, []), waiting.get(user.id), now)
        for user in await store.users()
    ]
    return views + [
        _waiting_row(context, listed, links.get(listed.change.user))
        for listed in waiting.values()
        if listed.change.kind is ChangeKind.ADD
    ]


def _row(
    context: Context,
    user: User,
    link: OpenInvitation | None,
    factors: list[str],
    change: AccountChange | None,
    now: datetime,
) -> AccountView:
    return AccountView(
        id=user.id,
        name=user.name,
        role=user.role.value,
        site=user.site,
        state=_state(user, link, now),
        since=user.since,
        set_by=user.set_by,
        vouchers=list(user.vouchers),
        needs_factor=context.settings.needs_second_factor(user.role),
        second_factors=factors,
        invitation=_invitation(link),
        change=change.change.id if change is not None else None,
    )


def _waiting_row(context: Context, listed: AccountChange, link: OpenInvitation | None) -> AccountView:
    change = listed.change
    return AccountView(
        id=change.user,
        name=listed.name,
        role=change.role,  # type: ignore[arg-type]
        site=change.site,
        state="waiting",
        since=None,
        set_by=change.author,
        vouchers=[],
        needs_factor=context.settings.needs_second_factor(change.role),
        second_factors=[],
        invitation=_invitation(link),
        change=change.id,
    )


def _state(user: User, link: OpenInvitation | None, now: datetime) -> State:
    if user.disabled:
        return "disabled"
    if user.password_hash != NO_PASSWORD:
        return "active"
    return "invited" if link is not None and link.expires_at > now else "no_link"


def _invitation(link: OpenInvitation | None) -> InvitationView | None:
    if link is None:
        return None
    return InvitationView(by=link.by, created_at=link.created_at, expires_at=link.expires_at)
