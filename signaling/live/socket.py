"""The WebSocket `huijian.v1`: sign-in, one reader and one writer a client, and the hub that tells everybody what
changed. Terminals have one socket each, the newer wins; supervisors are shown to officers only."""

import asyncio
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import ValidationError

from broker.kernel.errors import BadRequest, Forbidden, NotSignedIn, TooMany, VisitError
from signaling.api import messages as msg
from signaling.api.orders import carry_out
from signaling.auth.credentials import check_own_page
from signaling.auth.scope import SESSION_ROLES, Who, role_of
from signaling.live.client import CLOSE_SECONDS, Client
from signaling.media.talkback import page_gone
from signaling.server.client_address import address
from signaling.server.errors import invalid, translate
from signaling.server.routes import Ask, Table
from signaling.views import alerts, presence

if TYPE_CHECKING:
    from signaling.server.context import Context

table = Table()
HELLO_SECONDS = 5.0
HEARTBEAT = 10.0


@table.add(
    "GET",
    "/api/v1/ws",
    who=(),
    zh="WebSocket 连接（见 PROTOCOL.md）",
    en="WebSocket, see PROTOCOL.md",
    status=101,
    problems=(BadRequest, Forbidden),
)
async def connect(ask: Ask) -> web.StreamResponse:
    """Upgrade, sign in, then serve until one side leaves."""
    request, house = ask.request, ask.house
    if request.headers.get("Origin"):
        check_own_page(request)
    ws = web.WebSocketResponse(
        protocols=(msg.SUBPROTOCOL,),
        heartbeat=HEARTBEAT,
        timeout=CLOSE_SECONDS,
        max_msg_size=msg.MAX_FRAME,
        compress=False,  # a few bytes must not unfold into many
    )
    if not ws.can_prepare(request).ok or ws.can_prepare(request).protocol != msg.SUBPROTOCOL:
        raise BadRequest(f"A WebSocket with subprotocol {msg.SUBPROTOCOL} is expected.", "此地址仅支持 WebSocket。")
    await ws.prepare(request)
    await _serve(house, ws, request)
    return ws


async def _serve(house: "Context", ws: web.WebSocketResponse, request: web.Request) -> None:
    try:
        who = await _signed_in(house, ws, request)
        client = Client(ws, request, who)
        house.hub.enter(client)
    except Exception as error:
        refusal = translate(error)
        house.note_refusal("SocketRefused", request, None, refusal)
        await ws.close(code=refusal.close_code, message=refusal.code.encode())
        return
    reading = asyncio.create_task(_read(house, client))
    reading.add_done_callback(lambda done: client.end(_why(done)))
    try:
        await client.write()
    finally:
        house.hub.leave(client)
        page_gone(house, client.who)
        # Nobody may be reading while we close, else aiohttp drops the line before the client's own close frame.
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await client.close()


def _why(done: asyncio.Task[None]) -> VisitError | int:
    """Why the reader is done: the client left, or something broke."""
    error = None if done.cancelled() else done.exception()
    return translate(error) if isinstance(error, Exception) else WSCloseCode.OK


async def _signed_in(house: "Context", ws: web.WebSocketResponse, request: web.Request) -> Who:
    """By header or cookie, else by the first message. Raises NotSignedIn, Forbidden or TooMany."""
    who = await house.door.known(request)
    if who is None:
        with house.hub.stranger(address(request)):
            who = await house.door.holder(await _hello(ws))
    if role_of(who) not in SESSION_ROLES:
        raise Forbidden("This role has no socket; use REST.", "该角色请使用 REST 接口。")
    return who


async def _hello(ws: web.WebSocketResponse) -> str:
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            first = await ws.receive()
    except TimeoutError:
        raise NotSignedIn("No hello within 5 s.", "5 秒内未收到 hello。") from None
    try:
        said = msg.CLIENT.validate_json(first.data if first.type is WSMsgType.TEXT else "")
    except ValidationError:
        raise NotSignedIn("The first message must be hello.", "首条消息应为 hello。") from None
    if not isinstance(said, msg.Hello) or said.token is None:
        raise NotSignedIn("The first message must be hello with a token.", "首条消息应为带令牌的 hello。")
    return said.token


async def _read(house: "Context", client: Client) -> None:
    await house.hub.welcome(client)
    async for frame in client.ws:
        try:
            client.inbound.take("", house.mono())
        except TooMany as error:
            return client.end(error)
        if frame.type is not WSMsgType.TEXT:
            return client.end(WSCloseCode.UNSUPPORTED_DATA)
        _hear(house, client, frame.data)


def _hear(house: "Context", client: Client, text: str) -> None:
    """Answer one message: `ack`, or `error` with a problem; never an exception."""
    said: msg.Hello | msg.Order | msg.Attending | None = None
    try:
        said = msg.CLIENT.validate_json(text)
        if isinstance(said, msg.Hello):
            return  # signed in already, by header or cookie; the page may say hello all the same
        if isinstance(said, msg.Attending):
            return _attend(house, client, said)
        carry_out(house.broker, client.who, said)
        client.say(msg.Ack(re=said.id))
    except ValidationError as error:
        client.say(_refusal(invalid(error), None))
    except Exception as error:
        problem = translate(error)
        assert said is not None and not isinstance(said, msg.Hello | msg.Attending)  # only orders can fail
        house.note_order(client.who, said.type, said.session, problem)
        client.say(_refusal(problem, said.id))


def _attend(house: "Context", client: Client, said: msg.Attending) -> None:
    """A page's word about itself, the answer to the question whether its officer still watches, or what a terminal
    finds in its room."""
    answer = None
    try:
        if isinstance(said, msg.Observed):
            alerts.hear(house, client.who, said)
        else:
            answer = presence.hear(house.broker, client.who, said)
    except Exception as error:
        client.say(_refusal(translate(error), said.id if isinstance(said, msg.Attentive) else None))
        return
    if answer is not None:
        client.say(answer)


def _refusal(error: VisitError, re: int | str | None) -> msg.ErrorSaid:
    return msg.ErrorSaid(re=re, problem=msg.Problem.model_validate(error.problem()))
