"""Invitations over HTTP: an administrator adds an officer without a password, and the officer sets it by the link. The
token stands behind the `#` of the link, which browsers send to no server."""

from datetime import timedelta

from broker.authority.persons import ChangeKind
from broker.control.rules.account_changes import entry_of
from broker.control.store.records import AccountChange, ChangeState
from broker.control.store.records import Role as AccountRole
from broker.kernel.errors import Busy, Conflict, Forbidden, InvitationRefused, NotFound
from signaling.api.accounts.changes import show_password
from signaling.api.accounts.factors import qr_of
from signaling.api.messages.accounts import Invite, Invited, Redeem, Redeemed
from signaling.api.sign_in import page_of
from signaling.auth.scope import Role, User, author
from signaling.server.client_address import address
from signaling.server.routes import Call, Table

table = Table("invitations")
INVITATIONS = "/api/v1/invitations"
REFUSED = "InvitationRefused"
"""Journal kind of a refused invitation, and of a link that is not valid."""


@table.add(
    "POST",
    INVITATIONS,
    roles=(Role.ADMIN,),
    zh="邀请新用户",
    en="Invite an officer",
    status=201,
    problems=(Conflict, NotFound, Busy),
    refused=REFUSED,
)
async def invite(call: Call, body: Invite) -> Invited:
    """Add an officer who sets the own password; roles that need a second officer's word wait for it as ever. A site's
    administrator invites to that site alone."""
    context, user = call.context, call.user
    _check_scope(user, body.site)
    await show_password(call, body.password)
    made = await context.store.change_account(
        ChangeKind.ADD,
        body.user,
        author=author(user),
        proposer=user.id,
        name=body.name,
        role=AccountRole(body.role),
        site=body.site,
        invited=True,
    )
    kind, data = entry_of(made)
    context.journal.note(kind, None, author(user), data | {"invited": True})
    return await link_for(call, made)


async def link_for(call: Call, made: AccountChange) -> Invited:
    """Make the link by which an officer sets the own password, once a change of the account has taken effect."""
    context, waiting = call.context, made.state is ChangeState.WAITING
    hours, invited = context.settings.sign_in.invitation_hours, made.change.user
    token = await context.store.invite(invited, timedelta(hours=hours), author(call.user))
    return invited_by(call, invited, token, made.change.id if waiting else None)


def invited_by(call: Call, user: str, token: str, change: str | None) -> Invited:
    """Return a new link as its maker sees it, this once. `change`: what a second officer has to confirm before."""
    path, page = f"/invitation#{token}", page_of(call)
    return Invited(
        user=user,
        path=path,
        hours=call.context.settings.sign_in.invitation_hours,
        state="waiting" if change else "applied",
        change=change,
        qr=qr_of(page.origin + path) if page is not None else None,
    )


@table.add(
    "POST",
    f"{INVITATIONS}/redeem",
    roles=(),
    zh="凭邀请设置密码",
    en="Set the password by an invitation",
    problems=(InvitationRefused,),
    refused=REFUSED,
)
async def redeem(call: Call, body: Redeem) -> Redeemed:
    """Set the password of the officer who was invited; it counts once. The sign-in follows, with a second factor."""
    context = call.context
    context.sign_ins.pay_for_invitation(address(call.request))
    account = await context.store.redeem_invitation(body.token, body.password)
    context.journal.note("InvitationRedeemed", None, f"user:{account.id}", {})
    return Redeemed(user=account.id, name=account.name)


def _check_scope(user: User, site: str | None) -> None:
    if user.site is not None and site != user.site:
        raise Forbidden("Invite officers of your own site.", "只能邀请本单位人员。")
