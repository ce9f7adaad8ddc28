"""`python -m tests.hostile.visit.officers`: the officers of both sites as one process. They sign in, check people in,
receive both rooms without decoding them, report so, and note every state of the visit that they are shown."""

import asyncio
import queue
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
from aiortc import rtcrtpreceiver

from broker.kernel.errors import Busy, TooMany
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from kiosk_agent.webrtc.peer import PeerError, ServerAccess, Subscription
from signaling.api.messages.socket import SUBPROTOCOL
from tests.hostile import child
from tests.hostile.visit.stamps import Stamps
from tests.support.patience import PATIENCE

AGAIN = 0.5  # seconds before a lost line is opened again


class Undecoded(queue.Queue[Any]):
    """A decoder's queue that forgets all frames: four officers who decode eight pictures would need a core."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Keep nothing but None, which ends the decoder."""
        if item is None:
            super().put(item, block, timeout)


class Browser:
    """Chance as aiortc's receivers use it for the time between their reports, 0.5 s later than what is returned here:
    a browser reports several times a second, so that a busy machine makes no officer seem absent."""

    def random(self) -> float:
        """Return what makes it a fifth of a second."""
        return -0.3


class Picture:
    """One side of the visit as a page receives it. It counts as shown while packets come."""

    def __init__(self, access: ServerAccess, session: str, side: str, page: str) -> None:
        self.session, self.side = session, side
        self._access, self._page = access, page
        self._peer: Subscription | None = None

    async def run(self) -> None:
        """Receive until cancelled, and connect again after every loss."""
        while True:
            with suppress(PeerError):
                self._peer = Subscription(self._access)
                for receiver in self._peer._receivers.values():
                    setattr(receiver, "_RTCRtpReceiver__decoder_queue", Undecoded())  # noqa: B010  mangled on purpose
                try:
                    await self._peer.open(f"/whep/{self.session}/{self.side}?page={self._page}")
                    await self._peer.lost.wait()
                finally:
                    await self._peer.close()
            await asyncio.sleep(AGAIN)

    def shows(self, within: float) -> bool:
        """Whether a packet of the picture has come in the last `within` seconds."""
        last = self._peer.meters["video"].last_at if self._peer is not None else None
        return last is not None and asyncio.get_running_loop().time() - last < within


class Watcher:
    """One officer on duty: signed in, both pictures of the visit, the page's reports."""

    def __init__(self, http: aiohttp.ClientSession, client: OfficerClient) -> None:
        self.client = client
        self._http = http
        self._pictures: list[Picture] = []
        self._tasks: list[asyncio.Task[None]] = []
        client.presence._receivers = lambda: self._pictures  # type: ignore[assignment,return-value]

    def watch(self, session: str) -> None:
        """Receive both rooms of a visit, and report so."""
        access = ServerAccess(self._http, self.client.server, self.client.token)
        self._pictures = [Picture(access, session, side, self.client.presence.page) for side in Side]
        self._tasks = [asyncio.create_task(picture.run()) for picture in self._pictures]
        self.client.presence.start()

    async def leave(self) -> None:
        """Give up what is watched."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pictures = []


class Office:
    """All officers on duty, the prison's two first, and the states that the first of them was shown."""

    def __init__(self, http: aiohttp.ClientSession, watchers: list[Watcher]) -> None:
        self._http, self._watchers = http, watchers
        self._session = ""
        self.seen: list[tuple[float, str, str]] = []
        self.last: dict[str, Any] = {}
        self.why = ""
        """Why the first officer does not count, in the service's codes."""
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        """Note each state of the visit, until cancelled."""
        first = self._watchers[0].client
        headers = {"Authorization": f"Bearer {first.token}"}
        while True:
            with suppress(aiohttp.ClientError, ConnectionError):
                async with self._http.ws_connect(
                    f"{first.server}/api/v1/ws", headers=headers, protocols=[SUBPROTOCOL]
                ) as socket:
                    async for frame in socket:
                        self._note(frame.json())
            await asyncio.sleep(AGAIN)

    def _note(self, message: dict[str, Any]) -> None:
        if message["type"] == "standing":
            whys = [why["code"] for each in message["sessions"] for why in each["why"]]
            self.why = ", ".join(whys)
            if whys:
                self._note_state(self.last.get("state", ""), "not counted")
        views = message["sessions"] if message["type"] == "sessions" else [message.get("session")]
        for view in views:
            if isinstance(view, dict) and view["id"] == self._session:
                self.last = view
                self._note_state(view["state"], (view["reason"] or {}).get("code", ""))
                self._changed.set()
                self._changed = asyncio.Event()

    def _note_state(self, state: str, reason: str) -> None:
        text = f"{reason} ({self.why})" if reason and self.why else reason
        if not self.seen or self.seen[-1][1:] != (state, text):
            self.seen.append((time.time(), state, text))

    async def hold_visit(self, session: str) -> dict[str, Any]:
        """Check people in, watch, and wait until media crosses; return the view then."""
        self._session, self.seen, self.last = session, [], {}
        self.last = await self._watchers[0].client.session(session)
        await self._until(lambda view: all(side["media"] and side["self_test"] for side in view["sides"].values()))
        await self._watchers[0].client.check_in(session, Side.PRISON)
        await self._watchers[2].client.check_in(session, Side.VISITOR)
        for watcher in self._watchers:
            watcher.watch(session)
        await self._until(lambda view: view["state"] == "live" and view["crossed_ms"] is not None)
        return self.last

    async def end_visit(self, article: str) -> dict[str, Any]:
        """End the visit, and wait until its recording is archived; return the last view."""
        await self._watchers[0].client.end(self._session, article)
        await self._until(lambda view: view["recording"]["state"] in ("archived", "failed"))
        for watcher in self._watchers:
            await watcher.leave()
        return self.last

    async def remark(self, text: str) -> float:
        """Make a note about the visit; return the seconds that it took."""
        began = time.monotonic()
        await self._watchers[1].client.order(self._session, "remark", text=text)
        return time.monotonic() - began

    async def states(self, since: float) -> list[tuple[float, str, str]]:
        """Return the states that were shown since a moment, and the one in which it began."""
        before = [seen for seen in self.seen if seen[0] < since]
        return before[-1:] + [seen for seen in self.seen if seen[0] >= since]

    async def _until(self, holds: Any) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not (self.last and holds(self.last)):
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"last view: {str(self.last)[:2000]}") from None


async def signed_in(http: aiohttp.ClientSession, server: str, user: str, password: str) -> OfficerClient:
    """Sign in, and try again while the server says that it is busy, as a person would."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await OfficerClient.sign_in(http, server, user, password)
            except (Busy, TooMany):
                await asyncio.sleep(AGAIN)


@asynccontextmanager
async def running(config: dict[str, Any]) -> AsyncIterator[child.Handlers]:
    """Sign all officers of `config` in; the commands are an office's."""
    rtcrtpreceiver.random = Browser()  # type: ignore[assignment]
    async with aiohttp.ClientSession() as http:
        clients = [await signed_in(http, config["server"], *each) for each in config["officers"].items()]
        office = Office(http, [Watcher(http, client) for client in clients])
        stamps = Stamps()
        tasks = [asyncio.create_task(office.listen()), asyncio.create_task(stamps.watch_lateness())]

        async def late(since: float) -> float:
            return stamps.lateness(since, time.time())

        try:
            yield {
                "hold_visit": office.hold_visit,
                "end_visit": office.end_visit,
                "remark": office.remark,
                "states": office.states,
                "late": late,
            }
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*(watcher.leave() for watcher in office._watchers), return_exceptions=True)


if __name__ == "__main__":
    child.run(running)
