"""WHIP (RFC 9725): a room's terminal publishes its picture and sound. The token decides the side; a terminal can never
speak for another room, and without an approved slot inside its window no port is opened (Guangdong 35)."""

from aiohttp import web

from broker.kernel import errors as err
from broker.kernel.ids import SessionId
from broker.session import pairing
from signaling.auth.scope import Role, Terminal, author
from signaling.media import offer_answer, turn
from signaling.media.resources import Held
from signaling.server.routes import Ask, Table

table = Table()
MAY = (Role.TERMINAL,)
REFUSED = "WhipRefused"
OFFER_PROBLEMS = (
    err.NoSlot,
    err.WrongRoom,
    err.TooEarly,
    err.SessionEnded,
    err.SecondSide,
    err.CodecMissing,
    err.MalformedSdp,
    err.RelayUnavailable,
    err.StorageUnavailable,
)


@table.add(
    "POST",
    "/whip/{session}",
    who=MAY,
    zh="终端发布音视频",
    en="A terminal publishes",
    status=201,
    takes=offer_answer.SDP,
    gives=offer_answer.SDP,
    headers=("Location", "ETag", "Link"),
    problems=OFFER_PROBLEMS,
    noted=REFUSED,
)
async def publish(ask: Ask, body: str) -> web.Response:
    """Offer in, answer out."""
    terminal, house = ask.caller, ask.house
    assert isinstance(terminal, Terminal)  # the row admits no other role
    session = SessionId(ask.id("session"))
    live = house.live(session)
    side = pairing.side_to_publish(live.session, terminal.room)
    pairing.admit(live.session, house.now(), live.policy)
    house.desk.admit("whip", session, side, terminal, house.mono())
    resource, answer = await house.broker.publish(session, side, offer_answer.offer(body), author(terminal))
    held = Held(resource, "whip", session, side, author(terminal), terminal.token)
    house.desk.add(held)
    links = turn.links(house.settings, resource, live.session.slot.ends_at)
    return offer_answer.created(held, f"/whip/{session}/{resource}", answer, links)


offer_answer.add_resource(
    table, offer_answer.Place("whip", "/whip/{session}", frozenset(MAY), "publishing", "停止发布", "Stop publishing")
)
