"""The WebSocket `huijian.v1`: sign-in, one reader and one writer for each client. Each terminal has one socket, and a
newer one replaces it; supervisors are shown to officers only."""

import asyncio
import re

from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from pydantic import ValidationError

from broker.kernel.errors import BadRequest, Forbidden, NotSignedIn, TooMany, VisitError
from signaling.api import orders
from signaling.api.messages.session_view import Problem
from signaling.api.messages.socket import (
    CLIENT,
    MAX_FRAME,
    SUBPROTOCOL,
    Ack,
    Attentive,
    Command,
    ErrorMessage,
    Hello,
    Report,
)
from signaling.auth.credentials import check_own_page
from signaling.auth.scope import SESSION_ROLES, Caller, Terminal, author, role_of
from signaling.budgets.allowance import FRAME, ORDER
from signaling.identity.admission import admit
from signaling.live.client import CLOSE_SECONDS, Client, close_socket
from signaling.live.reports import take_report
from signaling.media.talkback import page_gone
from signaling.server.client_address import address
from signaling.server.context import Context
from signaling.server.errors import invalid, translate
from signaling.server.routes import Call, Table, check_enrolled
from signaling.server.taken_connection import taken

table = Table("sockets")
HELLO_SECONDS = 5.0
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # 16 bytes in Base64 (RFC 6455, section 4.1); aiohttp fails at other letters
HEARTBEAT = 10.0


@table.add(
    "GET",
    "/api/v1/ws",
    roles=(),
    zh="WebSocket 连接（见 docs/protocol.md）",
    en="WebSocket, see docs/protocol.md",
    status=101,
    problems=(BadRequest, Forbidden),
)
async def connect(call: Call) -> web.StreamResponse:
    """Upgrade, sign in, then serve until one side leaves."""
    request, context = call.request, call.context
    ws = check_upgrade(request)
    await ws.prepare(request)
    await _serve(context, ws, request)
    return ws


def check_upgrade(request: web.Request) -> web.WebSocketResponse:
    """Return the answer that opens the socket. Raises Forbidden for a foreign page, BadRequest for what is no upgrade
    to this protocol."""
    if request.headers.get("Origin"):
        check_own_page(request)
    ws = web.WebSocketResponse(
        protocols=(SUBPROTOCOL,),
        heartbeat=HEARTBEAT,
        timeout=CLOSE_SECONDS,
        max_msg_size=MAX_FRAME,
        compress=False,  # a few bytes must not unfold into many
        autoping=False,  # pings are answered below, where they are counted
        autoclose=False,  # so is a close frame: `close_socket` sends ours
    )
    asked = _KEY.fullmatch(request.headers.get(hdrs.SEC_WEBSOCKET_KEY, "")) and ws.can_prepare(request)
    if not asked or asked.protocol != SUBPROTOCOL:
        raise BadRequest(f"A WebSocket with subprotocol {SUBPROTOCOL} is expected.", "此地址仅支持 WebSocket。")
    return ws


async def _serve(context: Context, ws: web.WebSocketResponse, request: web.Request) -> None:
    caller: Caller | None = None
    try:
        caller = await _signed_in(context, ws, request)
        if role_of(caller) not in SESSION_ROLES:
            raise Forbidden("This role has no socket; use REST.", "该角色请使用 REST 接口。")
        check_enrolled(caller)
        client = Client(ws, request, caller)
        await admit(context, client)
    except Exception as error:
        refusal = translate(error)
        context.note_refusal("SocketRefused", request, caller, refusal)
        await close_socket(ws, request, refusal.close_code, refusal.code.encode())
        return
    reading = asyncio.create_task(_read(context, client))
    reading.add_done_callback(lambda done: client.close(_reason(done)))
    try:
        await client.write()
    finally:
        context.hub.leave(client)
        if isinstance(client.caller, Terminal):
            context.fleet.left(client.caller)
        page_gone(context, client.caller)
        # No task may read while the socket closes, else aiohttp drops the line before the client's own close frame.
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await client.finish()


def _reason(done: asyncio.Task[None]) -> VisitError | int:
    """Why the reader is done: the client left, or an error."""
    error = None if done.cancelled() else done.exception()
    return translate(error) if isinstance(error, Exception) else WSCloseCode.OK


async def _signed_in(context: Context, ws: web.WebSocketResponse, request: web.Request) -> Caller:
    """The caller by header or cookie, else by the first message. Raises NotSignedIn or TooMany, and Forbidden for a
    foreign page."""
    caller = await context.identify(request)
    if caller is None:
        with context.hub.without_hello(address(request)):
            caller = await context.credentials.holder(await _hello(ws))
        context.payers.learn(caller.token, author(caller))
        connection = taken(request)
        if connection is not None:
            connection.paid_by(author(caller))
    return caller


async def _hello(ws: web.WebSocketResponse) -> str:
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            first = await ws.receive()
    except TimeoutError:
        raise NotSignedIn("No hello within 5 s.", "5 秒内未收到 hello。") from None
    try:
        message = CLIENT.validate_json(first.data if first.type is WSMsgType.TEXT else "")
    except ValidationError:
        raise NotSignedIn("The first message must be hello.", "首条消息应为 hello。") from None
    if not isinstance(message, Hello) or message.token is None:
        raise NotSignedIn("The first message must be hello with a token.", "首条消息应为带令牌的 hello。")
    return message.token


async def _read(context: Context, client: Client) -> None:
    await context.hub.welcome(client)
    if isinstance(client.caller, Terminal):
        context.fleet.deliver()
    async for frame in client.ws:
        try:
            context.allowance.take(author(client.caller), FRAME, context.mono(), reserved=True)
        except TooMany as error:
            return client.close(error)
        if frame.type is WSMsgType.PING:
            await client.ws.pong(frame.data)
        elif frame.type is WSMsgType.TEXT:
            _handle(context, client, frame.data)
        elif frame.type is WSMsgType.PONG:
            client.ponged(frame.data)
        else:
            return client.close(WSCloseCode.UNSUPPORTED_DATA)


def _handle(context: Context, client: Client, text: str) -> None:
    """Answer one message: `ack`, or `error` with a problem; never an exception."""
    try:
        message = CLIENT.validate_json(text)
    except ValidationError as error:
        return client.send(_refusal(invalid(error), None))
    if isinstance(message, Command):
        _carry_out(context, client, message)
    elif not isinstance(message, Hello):  # a page may send a hello although it is signed in by cookie
        _take_report(context, client, message)


def _carry_out(context: Context, client: Client, command: Command) -> None:
    try:
        urgent = orders.row_of(command).urgent
        context.allowance.take(author(client.caller), ORDER - FRAME, context.mono(), reserved=urgent)
        orders.carry_out(context, client.caller, command.session, command, command.order)
        context.note_use(client.caller)
        client.send(Ack(re=command.id))
    except Exception as error:
        problem = translate(error)
        context.note_order(orders.REFUSED, client.caller, command.order_type, command.session, problem)
        client.send(_refusal(problem, command.id))


def _take_report(context: Context, client: Client, report: Report) -> None:
    try:
        answer = take_report(context, client.caller, report)
    except Exception as error:
        client.send(_refusal(translate(error), report.id if isinstance(report, Attentive) else None))
        return
    if answer is not None:
        client.send(answer)


def _refusal(error: VisitError, re: int | str | None) -> ErrorMessage:
    return ErrorMessage(re=re, problem=Problem.model_validate(error.problem()))
