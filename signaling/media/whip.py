"""WHIP (RFC 9725): a room's terminal publishes its picture and sound. The token decides the side; a terminal can never
publish for another room, and without an approved slot inside its window no port is opened (Guangdong 35)."""

from aiohttp import web

from broker.ipc.relay_messages import Publish
from broker.kernel.ids import SessionId
from broker.session import pairing
from signaling.auth.scope import Role, Terminal
from signaling.identity.admission import check_media
from signaling.media import offer_answer
from signaling.server.routes import Call, Table

table = Table("whip")
PATH, ROLES = "/whip/{session}", (Role.TERMINAL,)


@offer_answer.post(table, PATH, ROLES, "终端发布音视频", "A terminal publishes", "WhipRefused")
async def publish(call: Call, body: str) -> web.Response:
    """Take an offer and return the answer."""
    terminal, context = call.caller, call.context
    assert isinstance(terminal, Terminal)  # the row admits no other role
    check_media(context, terminal)
    session = SessionId(call.id("session"))
    live = context.live(session, call.caller)
    side = pairing.side_to_publish(live.session, terminal.room)
    pairing.admit(live.session, context.now(), live.policy)
    context.resources.admit("whip", session, side, terminal, context.mono())
    offer = Publish(session=session, side=side, sdp=offer_answer.checked(body))
    return await offer_answer.negotiate(call, "whip", side, offer, live.session.slot.ends_at)


offer_answer.add_resource(
    table, offer_answer.Place("whip", PATH, frozenset(ROLES), "publishing", "停止发布", "Stop publishing")
)
