"""Changes of accounts that wait for a second officer's word, for auditors and administrators. Who confirms shows the
own password again: an open page, or a token that another person holds, is no word."""

from aiohttp import web

from broker.authority.persons import Waits
from broker.control.rules.account_changes import entry_of
from broker.control.store.records import AccountChange, ChangeState
from broker.control.store.records import User as Account
from broker.kernel.errors import (
    Busy,
    Conflict,
    CredentialTooNew,
    Forbidden,
    NotFound,
    NotSignedIn,
    SamePerson,
    TooEarly,
)
from signaling.api.messages.accounts import AccountChangeList, AccountChangeView, OwnPassword, Refusal, Word
from signaling.api.sign_in import browser_of
from signaling.auth.scope import Role, author
from signaling.auth.second_officer import waits_of
from signaling.server.routes import Call, Table

table = Table("accounts")
CHANGES = "/api/v1/account-changes"
CONFIRMS = (Role.AUDITOR, Role.ADMIN)
OFFICERS = (Role.SUPERVISOR, Role.CLERK, Role.APPROVER, Role.AUDITOR, Role.PROCURATOR, Role.ADMIN)
REFUSED = "AccountChangeRefused"
"""Journal kind of a refused word."""


@table.add("GET", CHANGES, roles=CONFIRMS, zh="待确认的账号变更", en="Changes of accounts that wait for a word")
async def get_changes(call: Call) -> AccountChangeList:
    """Those of the caller's site, of all for officers of the province."""
    officer, waits = await _account(call), await waits_of(call.context)
    found = await call.context.store.seen_changes(officer)
    return AccountChangeList(changes=[_view(one, officer, waits) for one in found])


@table.add(
    "POST",
    f"{CHANGES}/{{change}}/confirm",
    roles=CONFIRMS,
    zh="确认账号变更",
    en="Confirm a change of an account",
    problems=(Conflict, CredentialTooNew, SamePerson, Busy),
    refused=REFUSED,
)
async def confirm(call: Call, body: Word) -> AccountChangeView:
    """Put a change into effect, with the own password. The confirmer and that account then no longer count as two
    people for permits."""
    context, user = call.context, call.user
    await show_password(call, body.password)
    waits, now = await waits_of(context), context.now().wall
    return await answer_to_change(call, await context.store.confirm_change(call.id("change"), user.id, waits, now))


@table.add(
    "POST",
    f"{CHANGES}/{{change}}/reject",
    roles=CONFIRMS,
    zh="拒绝账号变更",
    en="Refuse a change of an account",
    problems=(Conflict, Busy),
    refused=REFUSED,
)
async def reject(call: Call, body: Refusal) -> AccountChangeView:
    """Refuse a change, with the own password and a reason. It can then not be forced either."""
    await show_password(call, body.password)
    done = await call.context.store.reject_change(call.id("change"), call.user.id, body.reason)
    return await answer_to_change(call, done)


@table.add(
    "POST",
    f"{CHANGES}/{{change}}/force",
    roles=(Role.ADMIN,),
    zh="账号变更应急生效",
    en="Put a change into effect without a second word",
    problems=(Conflict, TooEarly, Busy),
    refused=REFUSED,
)
async def force(call: Call, body: Refusal) -> AccountChangeView:
    """The way out when no second officer is left: only after the days of `break_glass_days` without a refusal, with the
    own password and the reason. It raises an alarm for a month, and such accounts never count as two people."""
    context, user = call.context, call.user
    await show_password(call, body.password)
    id, seen = call.id("change"), await context.store.seen_changes(await _account(call), waiting=False)
    if id not in {listed.change.id for listed in seen}:
        raise NotFound()
    waits, now = await waits_of(context), context.now().wall
    return await answer_to_change(call, await context.store.force_change(id, author(user), body.reason, waits, now))


@table.add(
    "POST",
    "/api/v1/me/password",
    roles=OFFICERS,
    zh="修改本人密码",
    en="Change one's own password",
    status=204,
    problems=(Busy,),
    refused="OwnPasswordRefused",
)
async def change_own_password(call: Call, body: OwnPassword) -> web.Response:
    """Change the caller's password, and sign the caller out everywhere. Permits wait as after any new password."""
    await show_password(call, body.password)
    await call.context.store.change_own_password(call.user.id, body.new)
    call.context.journal.note("OwnPasswordSet", None, author(call.user), {})
    return web.Response(status=204)


async def show_password(call: Call, password: str) -> None:
    """Check the caller's own password, under the limits of the sign-in. Raises Forbidden or TooMany."""
    try:
        await call.context.sign_ins.check_password(call.user.id, password, browser_of(call))
    except NotSignedIn:
        raise Forbidden("Your own password is wrong.", "本人密码错误。") from None


async def answer_to_change(call: Call, done: AccountChange) -> AccountChangeView:
    """Journal what became of a change of an account, and return it as the caller sees it."""
    kind, data = entry_of(done)
    call.context.journal.note(kind, None, author(call.user), data)
    await call.context.journal.flush()
    return _view(done, await _account(call), await waits_of(call.context))


async def _account(call: Call) -> Account:
    found = await call.context.store.user_named(call.user.id)
    if found is None:
        raise NotSignedIn()
    return found


def _view(listed: AccountChange, officer: Account, waits: Waits) -> AccountChangeView:
    change = listed.change
    waiting = listed.state is ChangeState.WAITING
    return AccountChangeView(
        id=change.id,
        kind=change.kind.value,
        user=change.user,
        name=listed.name,
        role=change.role,
        site=change.site,
        proposed_by=change.author,
        at=change.at,
        state=listed.state.value,
        decided_by=listed.decided_by or None,
        decided_at=listed.decided_at,
        reason=listed.reason,
        mine=waiting and officer.id not in (change.user, change.proposer),
        force_from=change.at + waits.force if waiting else None,
    )
