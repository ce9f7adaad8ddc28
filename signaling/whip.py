"""WHIP (RFC 9725): a room's terminal publishes its picture and sound. The token decides the side; a terminal can never
speak for another room, and without an approved slot inside its window no port is opened (Guangdong 35)."""

from aiohttp import web

from broker import errors as err
from broker import pairing
from broker.errors import RelayUnavailable
from broker.ids import SessionId
from signaling import media, turn
from signaling.auth import Role, Terminal, author
from signaling.desk import Held
from signaling.routes import Ask, Table

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
    takes=media.SDP,
    gives=media.SDP,
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
    resource, answer = await house.broker.publish(session, side, media.offer(body), author(terminal))
    held = Held(resource, "whip", session, side, author(terminal), terminal.token)
    house.desk.add(held)
    links = turn.links(house.settings, resource, live.session.slot.ends_at)
    return media.created(held, f"/whip/{session}/{resource}", answer, links)


@table.add("OPTIONS", "/whip/{session}", who=(), zh="发布能力查询", en="What may be posted", status=204)
async def ask_first(ask: Ask) -> web.Response:
    """The same for every session, whether it exists or not."""
    return media.preflight()


@table.add(
    "DELETE", "/whip/{session}/{resource}", who=MAY, zh="停止发布", en="Stop publishing", problems=(RelayUnavailable,)
)
async def stop(ask: Ask) -> web.Response:
    """End one's own publication."""
    return await media.leave(ask, "whip")


@table.add(
    "PATCH",
    "/whip/{session}/{resource}",
    who=MAY,
    zh="ICE 重启，或补充候选地址（不需要）",
    en="An ICE restart, or trickled candidates (not needed)",
    takes=media.FRAGMENT,
    gives=media.FRAGMENT,
    headers=("ETag",),
    or_status=204,
    problems=media.PATCH_PROBLEMS,
)
async def patch(ask: Ask, body: str) -> web.Response:
    """Fragment in; after a restart, fragment out."""
    return await media.patch(ask, "whip", body)
