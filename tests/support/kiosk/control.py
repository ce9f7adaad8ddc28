"""Simulated control server for one terminal: the WebSocket of the protocol, driven by the test, beside the answerer."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import WSMsgType, web

from signaling.api.messages.session_view import SessionView
from signaling.api.messages.socket import SUBPROTOCOL, Welcome, WhoView
from tests.support.kiosk.answerer import TOKEN
from tests.support.patience import PATIENCE

ROOM = "prison-room-1"


def view(
    state: str, *, session: str = "s_1", tested: bool = False, media: bool = True, remaining: int | None = None
) -> dict[str, Any]:
    """Return a SessionView as the terminal of the prison's room gets it, in JSON."""
    now = datetime.now(UTC)
    side = {
        "site": "a",
        "site_name": "甲监狱",
        "room": ROOM,
        "room_name": "一号",
        "people": [],
        "self_test": tested,
        "media": media,
        "receiving": media,
    }
    quorum = {"need": 2, "have": []}
    document = {
        "id": session,
        "slot": "slot_1",
        "state": state,
        "reason": {"code": "quorum_lost", "zh": "管理员不足", "en": "A supervisor left"} if state == "held" else None,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(minutes=30)).isoformat(),
        "minutes": 30,
        "sides": {"prison": side, "visitor": {**side, "site": "b", "room": "visitor-room-1"}},
        "quorum": {"prison": quorum, "visitor": quorum},
        "gate": "open" if state == "live" else "shut",
        "crossed_ms": None,
        "remaining_ms": remaining,
        "missing": [],
        "recording": {"state": "none", "seconds": 0.0},
        "my_side": "prison",
    }
    SessionView.model_validate_json(json.dumps(document))
    return document


class Control:
    """Server with one list of session views, which every terminal gets; `messages` are those of terminals,
    `reports` what they report of themselves."""

    def __init__(self) -> None:
        self.views: dict[str, dict[str, Any]] = {}
        self.messages: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.sockets: set[web.WebSocketResponse] = set()
        self.connections = 0
        self.changed = asyncio.Condition()

    def routes(self, app: web.Application) -> None:
        """Add the routes of this server to the answerer's application."""
        app.router.add_get("/api/v1/ws", self.converse)
        app.router.add_get("/healthz", self.healthz)

    async def healthz(self, _: web.Request) -> web.Response:
        """Answer that the server is well."""
        return web.json_response({})

    async def converse(self, request: web.Request) -> web.StreamResponse:
        """Serve the socket of one terminal."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise web.HTTPUnauthorized
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,), timeout=1)
        await socket.prepare(request)
        terminal = WhoView(kind="terminal", id="t_1", room=ROOM)
        await socket.send_str(Welcome(who=terminal, server_time=datetime.now(UTC)).model_dump_json())
        await socket.send_json({"type": "sessions", "sessions": list(self.views.values())})
        self.sockets.add(socket)
        self.connections += 1
        await self._notify()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._take(json.loads(message.data))
                await self._notify()
        self.sockets.discard(socket)
        await self._notify()
        return socket

    def _take(self, message: dict[str, Any]) -> None:
        of_itself = message["type"] == "terminal_report"
        (self.reports if of_itself else self.messages).append(message)

    async def order(self, id: str, order: str) -> None:
        """Give all terminals an order that is not about a session."""
        for socket in list(self.sockets):
            await socket.send_json({"type": "terminal_order", "id": id, "order": order})

    async def report(self, document: dict[str, Any]) -> None:
        """Report the change of one session to all terminals."""
        self.views[document["id"]] = document
        for socket in list(self.sockets):
            await socket.send_json({"type": "session", "session": document})

    async def close_sockets(self) -> None:
        """Close every socket, as the restart of the control process does."""
        for socket in list(self.sockets):
            await socket.close(code=1001)

    async def until(self, count: int, what: str = "messages", seconds: float = PATIENCE) -> None:
        """Wait until the number of `messages`, `connections` or `sockets` has reached `count`."""

        def reached() -> bool:
            value = getattr(self, what)
            size: int = value if isinstance(value, int) else len(value)
            return size >= count if what != "sockets" else size == count

        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(reached)

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()
