"""WHEP: a room sees the far room through the gate; a supervisor of one of the two sites sees both rooms, not gated."""

from aiohttp import web

from broker.kernel.errors import NotFound, TooManyWindows
from broker.kernel.ids import SessionId, Side
from broker.presence.quorum import Watcher
from broker.session import pairing
from broker.session.state import Session
from signaling.api.bodies import PageQuery
from signaling.auth.scope import Role, Terminal, Who, author, duty
from signaling.media import offer_answer, turn
from signaling.media.resources import Held
from signaling.media.whip import OFFER_PROBLEMS
from signaling.server.routes import Ask, Table

table = Table()
MAY = (Role.TERMINAL, Role.SUPERVISOR)
REFUSED = "WhepRefused"


@table.add(
    "POST",
    "/whep/{session}/{side}",
    who=MAY,
    zh="观看一方音视频",
    en="Watch one side",
    status=201,
    takes=offer_answer.SDP,
    gives=offer_answer.SDP,
    headers=("Location", "ETag", "Link"),
    problems=(*OFFER_PROBLEMS, TooManyWindows),
    noted=REFUSED,
)
async def watch(ask: Ask, body: str, query: PageQuery) -> web.Response:
    """Offer in, answer out. `page` is a supervisor's window: what it receives counts for that window only."""
    who, house = ask.caller, ask.house
    session, side = SessionId(ask.id("session")), _side(ask)
    live = house.live(session)
    watcher = _watcher(who, live.session, side)
    pairing.admit(live.session, house.now(), live.policy)
    page = (query.page or "") if watcher is not None else ""
    house.desk.admit("whep", session, side, who, house.mono(), page)
    resource, answer = await house.broker.subscribe(session, side, offer_answer.offer(body), watcher, author(who), page)
    held = Held(resource, "whep", session, side, author(who), who.token, page=page)
    house.desk.add(held)
    links = turn.links(house.settings, resource, live.session.slot.ends_at)
    return offer_answer.created(held, f"/whep/{session}/{side}/{resource}", answer, links)


def _watcher(who: Who, session: Session, side: Side) -> Watcher | None:
    """None for the far room's terminal. Raises WrongRoom, SecondSide, NotFound or Forbidden."""
    if isinstance(who, Terminal):
        pairing.check_far_side(session, who.room, side)
        return None
    own = duty(who, session.slot)
    return Watcher(own.user, own.site)


def _side(ask: Ask) -> Side:
    try:
        return Side(ask.request.match_info["side"])
    except ValueError:
        raise NotFound() from None


offer_answer.add_resource(
    table, offer_answer.Place("whep", "/whep/{session}/{side}", frozenset(MAY), "watching", "停止观看", "Stop watching")
)
