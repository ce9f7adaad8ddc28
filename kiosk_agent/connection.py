"""The terminal's WebSocket: one connection attempt at a time, every message turned into a fact, a silent server
detected by heartbeat. Every failure ends in exactly one SocketLost."""

import asyncio
import logging
import random
from collections.abc import Callable
from urllib.parse import urljoin

import aiohttp
from pydantic import ValidationError

from broker.kernel.errors import VisitError
from config.lines.records import word_of
from kiosk_agent.identity.enrolment import NoAnswer
from kiosk_agent.identity.keys import KeyUnusable
from kiosk_agent.room.screens import unconfirmed
from kiosk_agent.state.events import Fact, SessionSeen, SessionsSeen, SocketLost, SocketOpened, Visit, Welcomed
from kiosk_agent.webrtc.peer import ServerAccess
from signaling.api.messages.session_view import SessionView
from signaling.api.messages.socket import (
    MAX_FRAME,
    SERVER,
    SUBPROTOCOL,
    ErrorMessage,
    ServerMessage,
    SessionChanged,
    Sessions,
    Welcome,
)
from signaling.api.messages.terminals import TerminalOrder

log = logging.getLogger(__name__)

HEARTBEAT = 4.0  # seconds between pings
WELCOME_WITHIN = 10.0  # seconds to wait for the server's welcome
_VIEWS = 50
"""Sessions kept for the screen: a room has a few a day."""
_REFUSED = {401: 4001, 403: 4003, 429: 4029}
_ADVICE = {
    401: "the server does not accept this terminal's credential; signing in anew",
    403: "the server does not accept this credential for a terminal",
    404: "there is no Huijian at this address",
    429: "the server is asked too often; trying again later",
}


_REASONS = {
    "terminal_refused": "the server does not know this terminal's key: enrol it anew, by `huijian kiosk enrol`",
    "terminal_revoked": "this terminal was revoked: enrol it anew, by `huijian kiosk enrol`",
    "terminal_conflict": "this terminal's key is used in two places: an administrator has to decide, by `huijian admin "
    "terminals readmit`, or to enrol it anew",
    "too_many": "the server is asked too often; trying again later",
}


class Connection:
    """The terminal's WebSocket to the server. `report` takes the facts, `ordered` the orders that are not about a
    session; `views` holds the newest view of each session."""

    def __init__(
        self, access: ServerAccess, report: Callable[[Fact], None], ordered: Callable[[TerminalOrder], None]
    ) -> None:
        self.views: dict[str, tuple[float, SessionView]] = {}
        """Session id to (loop time of arrival, view)."""
        self._access, self._report, self._ordered = access, report, ordered
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def run(self) -> None:
        """Open one connection and handle its messages until it is lost."""
        code = 0
        try:
            await self._access.sign_in()
            code = await self._converse()
        except VisitError as error:
            code = error.close_code
            log.warning(_REASONS.get(error.code, "the server refuses to sign in"), extra={"code": error.code})
        except (NoAnswer, KeyUnusable) as error:
            log.warning("not signed in; trying again", extra={"error": word_of(error)})
        except aiohttp.WSServerHandshakeError as error:
            code = _REFUSED.get(error.status, 0)
            log.warning(_ADVICE.get(error.status, "the server refuses the socket"), extra={"status": error.status})
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("no connection to the server; trying again", extra={"error": type(error).__name__})
        finally:
            self._socket = None
            self._report(SocketLost(random.random(), code))

    async def send(self, text: str) -> None:
        """Send one message, or nothing when the socket is closed: what matters is sent again later."""
        if self._socket is None:
            return
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, ConnectionError) as error:
            log.info("not sent", extra={"error": type(error).__name__})

    async def close(self) -> None:
        """Close the socket in order; `run` then ends."""
        if self._socket is not None:
            await self._socket.close()

    async def _converse(self) -> int:
        url = urljoin(self._access.url, "/api/v1/ws")
        async with self._access.http.ws_connect(
            url,
            protocols=(SUBPROTOCOL,),
            headers=self._access.headers,
            heartbeat=HEARTBEAT,
            max_msg_size=4 * MAX_FRAME,
            timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
        ) as socket:
            self._socket = socket
            self._report(SocketOpened())
            async with asyncio.timeout(WELCOME_WITHIN):
                while not self._handle(await socket.receive()):
                    if socket.closed:
                        return socket.close_code or 0
            async for message in socket:
                self._handle(message)
            return socket.close_code or 0

    def _handle(self, message: aiohttp.WSMessage) -> bool:
        """Report one message as facts; return whether it was the welcome."""
        if message.type is not aiohttp.WSMsgType.TEXT:
            return False
        try:
            decoded = SERVER.validate_json(message.data)
        except ValidationError as error:
            # A newer server may send messages that this version does not need.
            log.warning("message not understood", extra={"errors": error.error_count()})
            return False
        self._report_message(decoded)
        return isinstance(decoded, Welcome)

    def _report_message(self, message: ServerMessage) -> None:
        match message:
            case Welcome(who=terminal):
                self._report(Welcomed(terminal.room or ""))
            case Sessions(sessions=views):
                self.views.clear()
                self._report(SessionsSeen(tuple(visit for view in views if (visit := self._visit(view)))))
            case SessionChanged(session=view):
                if visit := self._visit(view):
                    self._report(SessionSeen(visit))
            case TerminalOrder():
                self._ordered(message)
            case ErrorMessage(problem=problem):
                log.warning("the server refuses", extra={"code": problem.code})
            case _:
                pass

    def _visit(self, view: SessionView) -> Visit | None:
        """Keep the view; return what the terminal acts on, None for a session that is not this room's."""
        now = asyncio.get_running_loop().time()
        self.views.pop(view.id, None)
        self.views[view.id] = (now, view)
        if len(self.views) > _VIEWS:
            del self.views[next(iter(self.views))]
        if view.my_side is None:
            return None
        mine = view.sides.prison if view.my_side == "prison" else view.sides.visitor
        until = None if view.remaining_ms is None else now + view.remaining_ms / 1000
        return Visit(
            view.id,
            view.my_side,
            mine.room,
            view.state,
            starts=view.starts_at.timestamp(),
            tested=mine.self_test,
            test=mine.equipment.test if mine.equipment is not None else "",
            media=mine.media,
            receiving=mine.receiving,
            relay_lost=view.reason is not None and view.reason.code == "relay_lost",
            until=until,
            acknowledged=mine.rules,
            warnings=tuple(warning.id for warning in unconfirmed(view)),
            drill=view.drill,
        )
