"""WHEP: a room receives the far room through the gate; a supervisor of one of the two sites receives both rooms, not
gated."""

from aiohttp import web

from broker.ipc.relay_messages import Subscribe
from broker.kernel.errors import NotFound, TooManyWindows
from broker.kernel.ids import SessionId, Side
from broker.presence.quorum import Watcher, name_of
from broker.session import pairing
from broker.session.state import Session
from signaling.api.messages.sign_in import PageQuery
from signaling.auth.scope import Caller, Role, Terminal, author, duty
from signaling.identity.admission import check_media
from signaling.media import offer_answer
from signaling.server.routes import Call, Table

table = Table("whep")
PATH, ROLES = "/whep/{session}/{side}", (Role.TERMINAL, Role.SUPERVISOR)
PROBLEMS = (*offer_answer.OFFER_PROBLEMS, TooManyWindows)


@offer_answer.post(
    table,
    PATH,
    ROLES,
    "观看一方音视频",
    "Watch one side",
    "WhepRefused",
    (*offer_answer.OFFER_PROBLEMS, TooManyWindows),
)
async def watch(call: Call, body: str, query: PageQuery) -> web.Response:
    """Take an offer and return the answer. `page` is a supervisor's window: what it receives counts for that window
    only."""
    caller, context = call.caller, call.context
    session, side = SessionId(call.id("session")), _side(call)
    check_media(context, caller)
    live = context.live(session, call.caller)
    watcher = _watcher(caller, live.session, side)
    pairing.admit(live.session, context.now(), live.policy)
    page = (query.page or "") if watcher is not None else ""
    context.resources.admit("whep", session, side, caller, context.mono(), page)
    subscriber = name_of(watcher, page) if watcher is not None else author(caller)
    sdp = offer_answer.checked(body)
    offer = Subscribe(session=session, side=side, subscriber=subscriber, gated=watcher is None, sdp=sdp)
    return await offer_answer.negotiate(call, "whep", side, offer, live.session.slot.ends_at, page)


def _watcher(caller: Caller, session: Session, side: Side) -> Watcher | None:
    """None for the far room's terminal. Raises WrongRoom, SecondSide, NotFound or Forbidden."""
    if isinstance(caller, Terminal):
        pairing.check_far_side(session, caller.room, side)
        return None
    return duty(caller, session.slot).watcher


def _side(call: Call) -> Side:
    try:
        return Side(call.request.match_info["side"])
    except ValueError:
        raise NotFound() from None


offer_answer.add_resource(
    table, offer_answer.Place("whep", PATH, frozenset(ROLES), "watching", "停止观看", "Stop watching")
)
