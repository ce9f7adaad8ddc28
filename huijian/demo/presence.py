"""Reports the presence of an officer who is a program, as the monitor page does for a person: it sends over the socket
which pictures really move, and answers the attention checks."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import aiohttp
import structlog

from signaling.api.messages.socket import SUBPROTOCOL

log = structlog.get_logger()
LOOK = 0.25  # seconds between looks at what is shown
EVERY = 0.45  # seconds after which an unchanged report is sent again, seen at the second look
FRESH = 4.0  # seconds for which a picture counts as moving: on a busy machine programs decode late, not less
RETRY = 0.5  # seconds before a lost socket is opened again


class Shown(Protocol):
    """A picture on the page of a program: whose it is, and whether it moves."""

    session: str
    side: str

    def shows(self, within: float) -> bool:
        """Whether a picture came in the last `within` seconds."""
        ...


class PresenceReporter:
    """Page of one officer, without a window. `server()` returns the server's present base URL, `receivers()` what the
    page shows. One that is `frozen` keeps its socket and sends no report; `sent_at` is when it last did (loop time)."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        server: Callable[[], str],
        token: str,
        receivers: Callable[[], Sequence[Shown]],
    ) -> None:
        self.page = secrets.token_hex(10)
        self.frozen = False
        self.sent_at = 0.0
        self._http, self._server, self._token, self._receivers = http, server, token, receivers
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open the socket and report until `close`; do nothing when that has begun."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop reporting and close the socket."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(self) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        while True:
            try:
                url = f"{self._server()}/api/v1/ws"
                async with self._http.ws_connect(url, headers=headers, protocols=[SUBPROTOCOL]) as socket:
                    await self._converse(socket)
            except (aiohttp.ClientError, ConnectionError) as error:
                log.info("the server does not answer", error=type(error).__name__)
            await asyncio.sleep(RETRY)

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        reporting = asyncio.create_task(self._report(socket))
        try:
            async for frame in socket:
                message = frame.json()
                if message["type"] == "attention":
                    await socket.send_json({"type": "attentive", "id": message["id"], "prompt": message["id"]})
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    async def _report(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        sent: dict[str, Any] = {}
        while True:
            message = self._message()
            due = message != sent or loop.time() - self.sent_at >= EVERY
            if due and not self.frozen:
                sent, self.sent_at = message, loop.time()
                await socket.send_json(message)
            await asyncio.sleep(LOOK)

    def _message(self) -> dict[str, Any]:
        receivers = self._receivers()
        return {
            "type": "presence",
            "page": self.page,
            "visible": True,
            "showing": [{"session": each.session, "side": each.side} for each in receivers if each.shows(FRESH)],
            "duty": list(dict.fromkeys(each.session for each in receivers)),
        }
