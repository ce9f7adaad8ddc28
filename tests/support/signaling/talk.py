"""A WebSocket client for tests: it sends JSON and reads the server's messages as models."""

from contextlib import asynccontextmanager

from aiohttp import WSMsgType

from signaling.api.messages.socket import SERVER, SUBPROTOCOL
from tests.support.patience import PATIENCE

WS = "/api/v1/ws"


class Talk:
    """One socket of a test. `welcome` and `sessions` are the server's first two messages."""

    def __init__(self, ws):
        self.ws = ws
        self.welcome = self.sessions = None

    async def send(self, **message):
        await self.ws.send_json(message)

    async def receive(self, kind=None):
        """Return the next message (of that type)."""
        while True:
            frame = await self.ws.receive(timeout=PATIENCE)
            assert frame.type is WSMsgType.TEXT, (frame, self.ws.close_code)
            message = SERVER.validate_json(frame.data)
            if kind is None or message.type == kind:
                return message

    async def closed(self):
        """Return the code with which the server closes."""
        async for _ in self.ws:
            pass
        return self.ws.close_code


@asynccontextmanager
async def talking(front, caller=None, greet=True, **kw):
    """Open a socket as this caller; with `greet` the server's greeting has been read."""
    headers = dict(kw.pop("headers", {}))
    if caller is not None:
        headers["Authorization"] = f"Bearer {front.tokens.get(caller, caller)}"
    async with front.client.ws_connect(WS, protocols=(SUBPROTOCOL,), headers=headers, **kw) as ws:
        talk = Talk(ws)
        if greet:
            talk.welcome, talk.sessions = await talk.receive("welcome"), await talk.receive("sessions")
        yield talk
