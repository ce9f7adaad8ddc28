"""Where the caller is signed in: the list, and the end of one or of all others. What goes on under a sign-in that has
ended stops within a second (`signaling/auth/session_expiry.py`)."""

from aiohttp import web

from signaling.api.accounts.changes import OFFICERS
from signaling.api.messages.accounts import SignInSessionList, SignInSessionView
from signaling.auth.scope import author
from signaling.server.routes import Call, Table

table = Table("own_sessions")
SESSIONS = "/api/v1/me/sessions"


@table.add("GET", SESSIONS, roles=OFFICERS, zh="本人的登录", en="Where one is signed in")
async def get_own_sessions(call: Call) -> SignInSessionList:
    """The caller's sign-ins that go on, the latest first; devices in words, no addresses."""
    found = await call.context.store.sign_in_sessions(call.user.id, call.user.token)
    return SignInSessionList(
        sessions=[
            SignInSessionView(
                id=each.id,
                device=each.device,
                created_at=each.created_at,
                seen_at=each.seen_at,
                expires_at=each.expires_at,
                current=each.current,
            )
            for each in found
        ]
    )


@table.add("DELETE", f"{SESSIONS}/{{sign_in}}", roles=OFFICERS, zh="结束一处登录", en="End one sign-in", status=204)
async def end_own_session(call: Call) -> web.Response:
    """End one of the caller's sign-ins."""
    id = call.id("sign_in")
    await call.context.store.end_sign_in_session(call.user.id, id)
    call.context.journal.note("SignInEnded", None, author(call.user), {"sign_in": id})
    return web.Response(status=204)


@table.add(
    "POST", f"{SESSIONS}/end-others", roles=OFFICERS, zh="结束其他各处登录", en="End all other sign-ins", status=204
)
async def end_other_sessions(call: Call) -> web.Response:
    """End all of the caller's sign-ins but the one that asks."""
    ended = await call.context.store.end_other_sign_ins(call.user.id, call.user.token)
    call.context.journal.note("OtherSignInsEnded", None, author(call.user), {"ended": ended})
    return web.Response(status=204)
