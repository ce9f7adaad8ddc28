"""Talkback (插话): a supervisor of the visit publishes a microphone, rooms and colleagues subscribe to it. It is not
heard before the order `speak`; the officer who speaks is no participant, and a room never sees a name."""

from aiohttp import web

from broker.ipc.relay_messages import PublishTalkback, SubscribeTalkback
from broker.kernel.errors import NotFound, TooMany
from broker.kernel.ids import SessionId, Side
from broker.presence.quorum import name_of
from broker.session import events as ev
from broker.session import pairing
from signaling.api.messages.sign_in import PageQuery
from signaling.auth.scope import Caller, Role, Terminal, User, author, duty
from signaling.identity.admission import check_media
from signaling.media import offer_answer
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("voice")
PUBLISHERS = (Role.SUPERVISOR,)
SUBSCRIBERS = (Role.SUPERVISOR, Role.TERMINAL)
PLACE = "voice"
"""What takes the place of a side in addresses and resources of talkback."""
MICROPHONE, LISTENING = "/whip/{session}/voice", "/whep/{session}/voice"
PROBLEMS = (*offer_answer.OFFER_PROBLEMS, TooMany)


@offer_answer.post(
    table, MICROPHONE, PUBLISHERS, "管理员接通插话麦克风", "A supervisor connects a microphone", "WhipRefused", PROBLEMS
)
async def publish(call: Call, body: str) -> web.Response:
    """Take an offer of one audio line and return the answer. The microphone is not heard until the order `speak`."""
    caller, context, session = call.caller, call.context, SessionId(call.id("session"))
    live = context.live(session, call.caller)
    own = duty(caller, live.session.slot)
    pairing.admit(live.session, context.now(), live.policy)
    context.resources.admit("whip", session, PLACE, caller, context.mono())
    publisher = name_of(own.watcher, "")
    offer = PublishTalkback(session=session, publisher=publisher, sdp=offer_answer.checked(body))
    return await offer_answer.negotiate(call, "whip", PLACE, offer, live.session.slot.ends_at)


@offer_answer.post(
    table, LISTENING, SUBSCRIBERS, "收听管理员插话", "Hear what officers say to the rooms", "WhepRefused", PROBLEMS
)
async def listen(call: Call, body: str, query: PageQuery) -> web.Response:
    """Take an offer of one audio line and return the answer. A room receives what is meant for it, colleagues
    everything."""
    caller, context, session = call.caller, call.context, SessionId(call.id("session"))
    check_media(context, caller)
    live = context.live(session, call.caller)
    side: Side | None = None
    page = ""
    if isinstance(caller, Terminal):
        side, subscriber = live.session.slot.side_of_room(caller.room), author(caller)
    else:
        own, page = duty(caller, live.session.slot), query.page or ""
        # Named without the page: an officer who speaks is not heard in any window of their own.
        subscriber = name_of(own.watcher, "")
    pairing.admit(live.session, context.now(), live.policy)
    context.resources.admit("whep", session, PLACE, caller, context.mono(), page)
    offer = SubscribeTalkback(session=session, side=side, subscriber=subscriber, sdp=offer_answer.checked(body))
    return await offer_answer.negotiate(call, "whep", PLACE, offer, live.session.slot.ends_at, page)


offer_answer.add_resource(
    table,
    offer_answer.Place(
        "whip", MICROPHONE, frozenset(PUBLISHERS), "speaking", "断开插话麦克风", "Take the microphone away"
    ),
)
offer_answer.add_resource(
    table,
    offer_answer.Place("whep", LISTENING, frozenset(SUBSCRIBERS), "listening", "停止收听插话", "Stop listening"),
)


def page_gone(context: Context, caller: Caller) -> None:
    """End the talkback of an officer whose last socket has closed: no officer may speak without a page to stop it."""
    if not isinstance(caller, User) or context.hub.is_connected(caller):
        return
    for live in context.broker.sessions():
        talkback = live.session.talkback
        if talkback is not None and talkback.by == caller.id:
            try:
                context.broker.tell(live.session.id, ev.SpeechEnded(caller.id, "page gone"))
            except NotFound:
                continue  # the session ended meanwhile, and the talkback with it
