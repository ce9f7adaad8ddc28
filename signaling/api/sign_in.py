"""Sign-in, sign-out and who am I."""

from aiohttp import web

from broker.kernel.errors import NotSignedIn, VisitError
from config.pack_loader import load_pack
from signaling.api import bodies
from signaling.auth.credentials import COOKIE, TTL
from signaling.auth.scope import Integrator, Observer, Role, Terminal, User, Who, author
from signaling.auth.session_expiry import turn_out
from signaling.server.client_address import TRIED, address, over_tls
from signaling.server.routes import Ask, Table

table = Table()
USERS = (Role.SUPERVISOR, Role.CLERK, Role.APPROVER, Role.AUDITOR, Role.ADMIN)


@table.add(
    "POST",
    "/api/v1/sign-in",
    who=(),
    zh="登录",
    en="Sign in",
    problems=(NotSignedIn,),
    noted="SignInRefused",
)
async def sign_in(ask: Ask, body: bodies.SignIn) -> bodies.SignedIn | web.Response:
    """A token, and the same as a cookie that scripts cannot read."""
    try:
        user, expires = await ask.house.door.sign_in(body.user, body.password, address(ask.request))
    except VisitError:
        # An attack on one account must be found in the journal; what is no account may be a password in the wrong box.
        known = await ask.house.store.user_named(body.user)
        ask.request[TRIED] = known.id if known is not None else ""
        raise
    ask.house.journal.note("SignedIn", None, author(user), {})
    view = bodies.UserView(id=user.id, name=user.name, role=user.role.value, site=user.site)
    told = bodies.SignedIn(token=user.token, expires_at=expires, user=view)
    answer = web.Response(body=told.model_dump_json().encode(), content_type="application/json")
    answer.set_cookie(
        COOKIE,
        user.token,
        max_age=int(TTL.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=ask.house.settings.cookie_secure or over_tls(ask.request),
        path="/",
    )
    return answer


@table.add("POST", "/api/v1/sign-out", who=USERS, zh="退出登录", en="Sign out", status=204)
async def sign_out(ask: Ask) -> web.Response:
    """The token ends, and with it the sockets and the media made under it."""
    user = ask.user
    await ask.house.door.sign_out(user)
    await turn_out(ask.house, user.token)
    ask.house.journal.note("SignedOut", None, author(user), {})
    answer = web.Response(status=204)
    answer.del_cookie(COOKIE, path="/")
    return answer


@table.add("GET", "/api/v1/me", who=tuple(Role), zh="当前身份", en="Who am I")
async def me(ask: Ask) -> bodies.Me:
    """The caller, as the server sees them."""
    return bodies.Me(who=await _view(ask, ask.caller))


async def _view(ask: Ask, who: Who) -> bodies.CallerView:
    if isinstance(who, Terminal):
        return bodies.CallerView(kind="terminal", id=who.id, site=who.site, room=who.room)
    if isinstance(who, Integrator):
        return bodies.CallerView(kind="integrator", id=who.id, name=who.name)
    if isinstance(who, Observer):
        return bodies.CallerView(kind="observer", id=who.id, name=who.name)
    return bodies.CallerView(
        kind="user",
        id=who.id,
        name=who.name,
        role=who.role.value,
        site=who.site,
        sessions_per_supervisor=await _visits_at_once(ask, who),
    )


async def _visits_at_once(ask: Ask, user: User) -> int | None:
    """How many visits a supervisor counts for at once: the page watches no more than that by itself."""
    if user.role is not Role.SUPERVISOR or user.site is None:
        return None
    return load_pack((await ask.house.store.site(user.site)).policy).sessions_per_supervisor
