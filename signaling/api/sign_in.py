"""Sign-in, sign-out, and the identity of the caller."""

from datetime import timedelta

from aiohttp import hdrs, web

from broker.kernel.errors import Busy, Conflict, Forbidden, NotSignedIn, SecondFactorNeeded
from config.pack_loader import load_pack
from signaling.api.messages.sign_in import (
    CallerView,
    FactorSignIn,
    KeyChallenge,
    Me,
    SignedIn,
    SignIn,
    TicketOnly,
    UserView,
)
from signaling.auth.credentials import check_own_page
from signaling.auth.devices import DAYS
from signaling.auth.factors.checks import Aim
from signaling.auth.factors.security_key import Place
from signaling.auth.origin import authority
from signaling.auth.scope import Caller, Integrator, Observer, Role, Terminal, User, author
from signaling.auth.session_expiry import end_sign_in
from signaling.auth.sign_ins import Browser, Success
from signaling.server.client_address import address
from signaling.server.cookies import DEVICE, SESSION, delete_cookie, read_cookie, set_cookie
from signaling.server.routes import Call, Table
from signaling.server.taken_connection import close_after

table = Table("sign_in")
USERS = (Role.SUPERVISOR, Role.CLERK, Role.APPROVER, Role.AUDITOR, Role.PROCURATOR, Role.ADMIN)


@table.add(
    "POST", "/api/v1/sign-in", roles=(), zh="登录", en="Sign in", problems=(NotSignedIn, SecondFactorNeeded, Busy)
)
async def sign_in(call: Call, body: SignIn) -> SignedIn | web.Response:
    """A token, also sent as a cookie that scripts cannot read. The browser's next request comes over another
    connection: one that strangers use carries no credential."""
    return _answer(call, await call.context.sign_ins.sign_in(body.user, body.password, browser_of(call)))


@table.add(
    "POST", "/api/v1/sign-in/factor", roles=(), zh="两步验证", en="Second step of a sign-in", problems=(NotSignedIn,)
)
async def sign_in_by_factor(call: Call, body: FactorSignIn) -> SignedIn | web.Response:
    """A token for a ticket and a second factor, as a sign-in without one gives it."""
    return _answer(call, await call.context.sign_ins.sign_in_by_factor(body.ticket, body.proof, browser_of(call)))


@table.add(
    "POST",
    "/api/v1/sign-in/challenge",
    roles=(),
    zh="安全密钥验证",
    en="Ask a security key",
    problems=(NotSignedIn, Conflict),
)
async def sign_in_challenge(call: Call, body: TicketOnly) -> KeyChallenge:
    """What the page passes to the officer's security keys for the second step."""
    checks = call.context.sign_ins.factors
    options, state = await checks.challenge(await checks.account_of(body.ticket), page_of(call), Aim.SIGN_IN)
    return KeyChallenge(options=options, state=state)


def browser_of(call: Call) -> Browser:
    """Return where a request comes from, as the limits on guesses and the officer's own list know it."""
    request = call.request
    agent = request.headers.get(hdrs.USER_AGENT, "")[:400]
    return Browser(address(request), read_cookie(request, DEVICE), agent, page_of(call))


def page_of(call: Call) -> Place | None:
    """Return the server's own page from which a request was sent, by the names under which the server was asked; None
    for programs and foreign pages."""
    origin = call.request.headers.get(hdrs.ORIGIN, "")
    page = authority(origin.partition("://")[2])
    try:
        check_own_page(call.request)
    except Forbidden:
        return None
    return Place(origin, page.host) if page is not None else None


def _answer(call: Call, success: Success) -> web.Response:
    user = success.user
    view = UserView(id=user.id, name=user.name, role=user.role.value, site=user.site)
    signed_in = SignedIn(token=user.token, expires_at=success.expires, user=view, must_enrol=user.must_enrol)
    answer = web.Response(body=signed_in.model_dump_json().encode(), content_type="application/json")
    answer_to(call, success, answer)
    return answer


def answer_to(call: Call, success: Success, answer: web.Response) -> None:
    """Journal a sign-in, and set its cookies on the answer, which ends its connection."""
    user, context = success.user, call.context
    data = {"factor": success.factor} if success.factor else {"must_enrol": True} if user.must_enrol else {}
    context.journal.note_request("SignedIn", None, author(user), data)
    secure = context.settings.cookie_secure
    set_cookie(answer, call.request, SESSION, user.token, success.expires - context.now().wall, secure)
    if success.device:
        set_cookie(answer, call.request, DEVICE, success.device, timedelta(days=DAYS), secure)
    close_after(answer)


@table.add("POST", "/api/v1/sign-out", roles=USERS, zh="退出登录", en="Sign out", status=204, enrolling=True)
async def sign_out(call: Call) -> web.Response:
    """Revoke the token, and end everything that goes on under it. The device stays known."""
    user = call.user
    await call.context.credentials.sign_out(user)
    await end_sign_in(call.context, user.token)
    call.context.journal.note_request("SignedOut", None, author(user), {})
    answer = web.Response(status=204)
    delete_cookie(answer, call.request, SESSION)
    return answer


@table.add("GET", "/api/v1/me", roles=tuple(Role), zh="当前身份", en="Who am I", enrolling=True)
async def me(call: Call) -> Me:
    """The identity of the caller."""
    return Me(who=await _view(call, call.caller))


async def _view(call: Call, caller: Caller) -> CallerView:
    if isinstance(caller, Terminal):
        return CallerView(kind="terminal", id=caller.id, site=caller.site, room=caller.room)
    if isinstance(caller, Integrator):
        return CallerView(kind="integrator", id=caller.id, name=caller.name)
    if isinstance(caller, Observer):
        return CallerView(kind="observer", id=caller.id, name=caller.name)
    return CallerView(
        kind="user",
        id=caller.id,
        name=caller.name,
        role=caller.role.value,
        site=caller.site,
        sessions_per_supervisor=await _visits_at_once(call, caller),
        must_enrol=caller.must_enrol,
    )


async def _visits_at_once(call: Call, user: User) -> int | None:
    """The number of visits for which a supervisor may count at once: the page watches no more than that by itself."""
    if user.role is not Role.SUPERVISOR or user.site is None:
        return None
    return load_pack((await call.context.store.site(user.site)).policy).sessions_per_supervisor
