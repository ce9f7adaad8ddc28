"""Speaking in (插话): a supervisor of the visit publishes a microphone, rooms and colleagues subscribe to it. Nobody is
heard before the order `speak`; who speaks is no participant, and a room never learns a name."""

from typing import TYPE_CHECKING

from aiohttp import web

from broker.kernel.errors import NotFound, TooMany
from broker.kernel.ids import SessionId, Side
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session import pairing
from signaling.api.bodies import PageQuery
from signaling.auth.scope import Role, Terminal, User, Who, author, duty
from signaling.media import offer_answer, turn
from signaling.media.resources import Held
from signaling.media.whip import OFFER_PROBLEMS
from signaling.server.routes import Ask, Table

if TYPE_CHECKING:
    from signaling.server.context import Context

table = Table()
SPEAKS = (Role.SUPERVISOR,)
LISTENS = (Role.SUPERVISOR, Role.TERMINAL)
PLACE = "voice"
"""What stands in an address, and in the desk, where others have a side."""
MICROPHONE, EAR = "/whip/{session}/voice", "/whep/{session}/voice"
PROBLEMS = (*OFFER_PROBLEMS, TooMany)


@table.add(
    "POST",
    MICROPHONE,
    who=SPEAKS,
    zh="管理员接通插话麦克风",
    en="A supervisor connects a microphone",
    status=201,
    takes=offer_answer.SDP,
    gives=offer_answer.SDP,
    headers=("Location", "ETag", "Link"),
    problems=PROBLEMS,
    noted="WhipRefused",
)
async def publish(ask: Ask, body: str) -> web.Response:
    """Offer of one audio line in, answer out. Heard by nobody until `speak`."""
    who, house, session = ask.caller, ask.house, SessionId(ask.id("session"))
    live = house.live(session)
    own = duty(who, live.session.slot)
    pairing.admit(live.session, house.now(), live.policy)
    house.desk.admit("whip", session, PLACE, who, house.mono())
    watcher = Watcher(own.user, own.site)
    resource, answer = await house.broker.publish_voice(session, offer_answer.offer(body), watcher, author(who))
    held = Held(resource, "whip", session, PLACE, author(who), who.token)
    house.desk.add(held)
    links = turn.links(house.settings, resource, live.session.slot.ends_at)
    return offer_answer.created(held, f"/whip/{session}/voice/{resource}", answer, links)


@table.add(
    "POST",
    EAR,
    who=LISTENS,
    zh="收听管理员插话",
    en="Hear what officers say to the rooms",
    status=201,
    takes=offer_answer.SDP,
    gives=offer_answer.SDP,
    headers=("Location", "ETag", "Link"),
    problems=PROBLEMS,
    noted="WhepRefused",
)
async def listen(ask: Ask, body: str, query: PageQuery) -> web.Response:
    """Offer of one audio line in, answer out. A room gets what is meant for it, colleagues everything."""
    who, house, session = ask.caller, ask.house, SessionId(ask.id("session"))
    live = house.live(session)
    side: Side | None = None
    watcher: Watcher | None = None
    if isinstance(who, Terminal):
        side = live.session.slot.side_of_room(who.room)
    else:
        own = duty(who, live.session.slot)
        watcher = Watcher(own.user, own.site)
    pairing.admit(live.session, house.now(), live.policy)
    page = (query.page or "") if watcher is not None else ""
    house.desk.admit("whep", session, PLACE, who, house.mono(), page)
    resource, answer = await house.broker.listen(session, side, offer_answer.offer(body), watcher, author(who))
    held = Held(resource, "whep", session, PLACE, author(who), who.token, page=page)
    house.desk.add(held)
    links = turn.links(house.settings, resource, live.session.slot.ends_at)
    return offer_answer.created(held, f"/whep/{session}/voice/{resource}", answer, links)


offer_answer.add_resource(
    table,
    offer_answer.Place("whip", MICROPHONE, frozenset(SPEAKS), "speaking", "断开插话麦克风", "Take the microphone away"),
)
offer_answer.add_resource(
    table, offer_answer.Place("whep", EAR, frozenset(LISTENS), "listening", "停止收听插话", "Stop listening")
)


def page_gone(house: "Context", who: Who) -> None:
    """A socket has closed. An officer without any cannot end what is being said: nobody speaks through a page that is
    gone."""
    if not isinstance(who, User) or house.hub.present(who):
        return
    for live in house.broker.sessions():
        speech = live.session.talkback
        if speech is not None and speech.by == who.id:
            try:
                house.broker.tell(live.session.id, ev.SpeechEnded(who.id, "page gone"))
            except NotFound:
                continue  # it ended meanwhile, and the speech with it
