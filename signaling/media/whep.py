"""WHEP: a room receives the far room through the gate; a supervisor of one of the two sites receives both rooms, not
gated, and so does a procurator (派驻检察), who is not counted."""

from aiohttp import web

from broker.ipc.relay_messages import Subscribe
from broker.kernel.errors import NotFound, TooMany, TooManyWindows
from broker.kernel.ids import SessionId, Side
from broker.presence.quorum import Watcher, name_of, observer_name
from broker.session import pairing
from broker.session.state import Session
from signaling.api.inspections.check import check_inspects
from signaling.api.messages.sign_in import PageQuery
from signaling.auth.scope import Caller, Role, Terminal, author, duty, role_of
from signaling.identity.admission import check_media
from signaling.media import offer_answer
from signaling.server.routes import Call, Table

table = Table("whep")
PATH, ROLES = "/whep/{session}/{side}", (Role.TERMINAL, Role.SUPERVISOR, Role.PROCURATOR)
MOST_OBSERVERS = 2
"""Procurators at one visit: the relay's places are the supervisors'."""
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
    observes = role_of(caller) is Role.PROCURATOR
    watcher = None if observes else _watcher(caller, live.session, side)
    if observes:
        await check_inspects(context, caller, session)
        _check_observers(context.resources.observers(session) | {author(caller)})
    pairing.admit(live.session, context.now(), live.policy)
    page = (query.page or "") if watcher is not None else ""
    context.resources.admit("whep", session, side, caller, context.mono(), page)
    subscriber = name_of(watcher, page) if watcher is not None else author(caller)
    if observes:
        subscriber = observer_name(call.user.id)
    sdp = offer_answer.checked(body)
    gated = isinstance(caller, Terminal)
    offer = Subscribe(session=session, side=side, subscriber=subscriber, gated=gated, sdp=sdp)
    return await offer_answer.negotiate(call, "whep", side, offer, live.session.slot.ends_at, page)


def _check_observers(observers: set[str]) -> None:
    if len(observers) > MOST_OBSERVERS:
        raise TooMany(
            f"{MOST_OBSERVERS} procurators look on at this visit already.",
            f"本场会见已有 {MOST_OBSERVERS} 名检察人员正在观看。",
        )


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
