"""The terminal's WebSocket: one connection attempt at a time, every message turned into a fact, a silent server
noticed by heartbeat. Whatever goes wrong ends in exactly one SocketLost."""

import asyncio
import logging
import random
from collections.abc import Callable
from urllib.parse import urljoin

import aiohttp
from pydantic import ValidationError

from kiosk_agent.state.events import Fact, SessionSeen, SessionsSeen, SocketLost, SocketOpened, Visit, Welcomed
from kiosk_agent.webrtc.peer import Door
from signaling.api.messages import (
    MAX_FRAME,
    SERVER,
    SUBPROTOCOL,
    ErrorSaid,
    SessionChanged,
    Sessions,
    SessionView,
    Telling,
    WarningView,
    Welcome,
)

log = logging.getLogger(__name__)

HEARTBEAT = 4.0
WELCOME_WITHIN = 10.0
_VIEWS = 50
"""Sessions remembered for the screen: a room has a handful a day."""
_REFUSED = {401: 4001, 403: 4003, 429: 4029}
_ADVICE = {
    401: "the server does not know this terminal's token; enrol the room's terminal anew",
    403: "the server does not accept this token for a terminal",
    404: "there is no Huijian at this address",
    429: "the server is asked too often; trying again later",
}


class Connection:
    """Talks to the server and tells `tell` what it hears; `views` keeps the newest whole view of each session."""

    def __init__(self, door: Door, tell: Callable[[Fact], None]) -> None:
        self.views: dict[str, tuple[float, SessionView]] = {}
        """Session id to (loop time of arrival, view)."""
        self._door, self._tell = door, tell
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def run(self) -> None:
        """One connection from opening to loss."""
        code = 0
        try:
            code = await self._converse()
        except aiohttp.WSServerHandshakeError as error:
            code = _REFUSED.get(error.status, 0)
            log.warning(_ADVICE.get(error.status, "the server refuses the socket"), extra={"status": error.status})
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("no connection to the server; trying again", extra={"error": type(error).__name__})
        finally:
            self._socket = None
            self._tell(SocketLost(random.random(), code))

    async def send(self, text: str) -> None:
        """Sends one message, or nothing when the socket has gone meanwhile: what matters is sent again."""
        if self._socket is None:
            return
        try:
            await self._socket.send_str(text)
        except (aiohttp.ClientError, ConnectionError) as error:
            log.info("not sent", extra={"error": type(error).__name__})

    async def close(self) -> None:
        """An orderly goodbye; `run` then ends."""
        if self._socket is not None:
            await self._socket.close()

    async def _converse(self) -> int:
        url = urljoin(self._door.server, "/api/v1/ws")
        async with self._door.http.ws_connect(
            url,
            protocols=(SUBPROTOCOL,),
            headers=self._door.headers,
            heartbeat=HEARTBEAT,
            max_msg_size=4 * MAX_FRAME,
            timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
        ) as socket:
            self._socket = socket
            self._tell(SocketOpened())
            async with asyncio.timeout(WELCOME_WITHIN):
                while not self._hear(await socket.receive()):
                    if socket.closed:
                        return socket.close_code or 0
            async for message in socket:
                self._hear(message)
            return socket.close_code or 0

    def _hear(self, message: aiohttp.WSMessage) -> bool:
        """Turns one message into facts; whether it was the welcome."""
        if message.type is not aiohttp.WSMsgType.TEXT:
            return False
        try:
            said = SERVER.validate_json(message.data)
        except ValidationError as error:
            # A newer server may say more than we understand; what we need comes in words we do.
            log.warning("message not understood", extra={"errors": error.error_count()})
            return False
        self._take(said)
        return isinstance(said, Welcome)

    def _take(self, said: Telling) -> None:
        match said:
            case Welcome(who=who):
                self._tell(Welcomed(who.room or ""))
            case Sessions(sessions=views):
                self.views.clear()
                self._tell(SessionsSeen(tuple(visit for view in views if (visit := self._visit(view)))))
            case SessionChanged(session=view):
                if visit := self._visit(view):
                    self._tell(SessionSeen(visit))
            case ErrorSaid(problem=problem):
                log.warning("the server refuses", extra={"code": problem.code})
            case _:
                pass

    def _visit(self, view: SessionView) -> Visit | None:
        """What the terminal acts on; None for a session that is not this room's."""
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
            media=mine.media,
            until=until,
            warnings=tuple(one.id for one in unconfirmed(view)),
        )


def unconfirmed(view: SessionView) -> list[WarningView]:
    """The warnings that this room has not confirmed yet, the newest last."""
    return [one for one in view.warnings if view.my_side in one.sides and view.my_side not in one.acknowledged]
