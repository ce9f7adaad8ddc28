"""What the monitor page does so that its officer counts, for officers who are programs: it says over the socket which
pictures really move, and answers when it is asked whether somebody still watches."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import structlog

from kiosk_agent.webrtc.receiver import Receiver
from signaling.api.messages import SUBPROTOCOL

log = structlog.get_logger()
LOOK = 0.25  # seconds between looks at what is shown
EVERY = 0.5  # seconds between words where nothing has changed: a program's loop may stall where a page's would not
FRESH = 4.0  # seconds for which a picture counts as moving: on a busy machine programs decode late, not less
RETRY = 0.5


class Present:
    """One window of an officer. `server()` says where the door is now, `viewers()` what the window shows."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        server: Callable[[], str],
        token: str,
        receivers: Callable[[], Sequence[Receiver]],
    ) -> None:
        self.page = secrets.token_hex(10)
        self._http, self._server, self._token, self._receivers = http, server, token, receivers
        self._running: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Open the socket and speak, until `end`."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def end(self) -> None:
        """Fall silent."""
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
                    await self._talk(socket)
            except (aiohttp.ClientError, ConnectionError) as error:
                log.info("the door does not answer", error=type(error).__name__)
            await asyncio.sleep(RETRY)

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        telling = asyncio.create_task(self._tell(socket))
        try:
            async for message in socket:
                told = message.json()
                if told["type"] == "attention":
                    await socket.send_json({"type": "attentive", "id": told["id"], "prompt": told["id"]})
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def _tell(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        told: dict[str, Any] = {}
        at = 0.0
        while True:
            word = self._word()
            if word != told or loop.time() - at >= EVERY:
                told, at = word, loop.time()
                await socket.send_json(word)
            await asyncio.sleep(LOOK)

    def _word(self) -> dict[str, Any]:
        receivers = self._receivers()
        return {
            "type": "presence",
            "page": self.page,
            "visible": True,
            "showing": [{"session": one.session, "side": one.side} for one in receivers if one.shows(FRESH)],
            "duty": list(dict.fromkeys(one.session for one in receivers)),
        }
