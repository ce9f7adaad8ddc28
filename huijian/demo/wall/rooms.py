"""Simulated terminals of the wall: each is signed in by its key, sends a clip, receives the far room, and confirms
what a terminal has to confirm. `huijian kiosk` is the real one; eighteen of those need more than two cores."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
import structlog
from pydantic import ValidationError

from broker.kernel.errors import VisitError
from broker.kernel.ids import Side, new_id
from broker.kernel.tasks import Tasks
from config.check_in import Manner
from huijian.demo.wall.clips import FPS, SIZE, Clip, clip_sources
from huijian.demo.wall.kept_connection import AGAIN, KeptConnection
from kiosk_agent.identity.enrolment import NoAnswer
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.sign_in import TerminalCredential
from kiosk_agent.room.screens import unconfirmed
from kiosk_agent.webrtc.peer import ServerAccess, publish, report_on
from signaling.api.messages.orders import Acknowledge, AcknowledgeRules, Figures, Order, SelfTest
from signaling.api.messages.session_view import SessionView, SideView
from signaling.api.messages.socket import SERVER, SUBPROTOCOL, ErrorMessage, Observed, SessionChanged, Sessions, command

log = structlog.get_logger()
OPEN = ("check_in", "ready", "live", "held")
LOOK = 2.0  # seconds between reports of what the terminal finds in its picture and sound
FIGURES = {
    "width": SIZE[0], "height": SIZE[1], "rate": FPS, "luma": 120.0, "black": 0.0, "change": 2.0, "blur": 0.5,
    "backlight": 1.0, "level": -30.0, "noise": -60.0, "clipped": 0.0, "hum": -90.0,
}  # fmt: skip
"""What the equipment test of a drawn room reports beside the server's answer: the clip's own figures, as there is no
camera to be tested."""
WELL: dict[str, Any] = {"black": False, "frozen": False, "silent": False, "heads": None}


class SimulatedRoom:
    """Simulated terminal of one room. `view` is the newest view of its visit, None where it has none; `changed` is
    called after each. `found` is what it reports of its picture and sound, which trouble may change."""

    def __init__(
        self, http: aiohttp.ClientSession, identity: Identity, picture: Clip, sound: Clip, changed: Callable[[], None]
    ) -> None:
        self.view: SessionView | None = None
        self.found = dict(WELL)
        self._http, self._identity, self._changed = http, identity, changed
        self._credential = TerminalCredential(http, identity.server, identity)
        self._access = ServerAccess(http, identity.server, self._credential)
        self._sources = clip_sources(picture, sound)
        self._kept: list[KeptConnection] = []
        self._session = ""
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks, self._sent, self._said = Tasks(), 0, set[tuple[str, str]]()
        self._silent, self._answered = False, 0.0

    def start(self) -> None:
        """Connect, and again after each loss, until `close`."""
        self._tasks.spawn(self._run())
        self._tasks.spawn(self._credential.keep())
        self._tasks.spawn(self._observe())

    async def close(self) -> None:
        """End the socket and all media connections."""
        await self._tasks.close()
        await self._follow("")
        await self._sources.close()

    async def lose(self) -> None:
        """Send and receive nothing any more, as a room whose line was cut, until `restore`."""
        self._silent = True
        await self._follow("")

    def restore(self) -> None:
        """Send and receive again, after `lose`."""
        self._silent = False
        self._tasks.spawn(self._handle_view())

    async def _run(self) -> None:
        while True:
            try:
                await self._sign_in()
                await self._converse()
            except (VisitError, NoAnswer, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("no connection to the server; trying again", error=type(error).__name__)
            await asyncio.sleep(AGAIN)

    async def _sign_in(self) -> None:
        """Sign in, and note how long the server took, as the equipment test reports it."""
        asked = asyncio.get_running_loop().time()
        await self._credential.sign_in()
        self._answered = asyncio.get_running_loop().time() - asked

    async def _converse(self) -> None:
        url = f"{self._identity.server}/api/v1/ws"
        headers = self._access.headers
        async with self._http.ws_connect(url, protocols=(SUBPROTOCOL,), headers=headers, heartbeat=10) as socket:
            self._socket, self._said = socket, set()
            try:
                async for frame in socket:
                    await self._handle(frame)
            finally:
                self._socket = None

    async def _handle(self, frame: aiohttp.WSMessage) -> None:
        try:
            message = SERVER.validate_json(frame.data)
        except ValidationError:
            return  # what a terminal does not need
        match message:
            case Sessions(sessions=views):
                mine = [view for view in views if view.my_side]
                ended = (view for view in mine if self.view is not None and view.id == self.view.id)
                self.view = next((view for view in mine if view.state in OPEN), next(ended, None))
            case SessionChanged(session=view) if view.my_side and self._concerns(view):
                self.view = view
            case ErrorMessage(problem=problem):
                log.error("a terminal is refused", code=problem.code)
                return
            case _:
                return
        await self._handle_view()

    def _concerns(self, view: SessionView) -> bool:
        """Whether a view is of this room's visit, or of a new one."""
        before = self.view
        return before is None or before.id == view.id or (before.state not in OPEN and view.state in OPEN)

    async def _handle_view(self) -> None:
        """Confirm what is to be confirmed, and keep the media of an open visit connected."""
        view = self.view
        if view is not None and view.state in OPEN:
            await self._confirm(view, self._mine(view))
        wanted = view.id if view is not None and view.state in OPEN and not self._silent else ""
        await self._follow(wanted)
        self._changed()

    @staticmethod
    def _mine(view: SessionView) -> SideView:
        return view.sides.prison if view.my_side == "prison" else view.sides.visitor

    async def _confirm(self, view: SessionView, mine: SideView) -> None:
        if not mine.self_test:
            await self._order(view.id, "test", SelfTest(figures=self._figures(), test=new_id("tst")))
        if not mine.rules:
            await self._order(view.id, "rules", AcknowledgeRules(language="zh", manner=Manner.UNATTENDED))
        for warning in unconfirmed(view):
            await self._order(view.id, warning.id, Acknowledge(warning=warning.id))

    def _figures(self) -> Figures:
        return Figures.model_validate({**FIGURES, "answer": 1000 * self._answered})

    async def _order(self, session: str, what: str, order: Order) -> None:
        """Send an order, once over each connection."""
        if self._socket is not None and (session, what) not in self._said:
            self._said.add((session, what))
            self._sent += 1
            await self._socket.send_str(command(order, self._sent, session).model_dump_json())

    async def _follow(self, session: str) -> None:
        """Connect the media of this session, or of none, and end those of another."""
        if session == self._session:
            return
        self._session, left = session, self._kept
        self._kept = self._connections(session) if session else []
        for connection in self._kept:
            connection.open()
        await asyncio.gather(*(connection.close() for connection in left))

    def _connections(self, session: str) -> list[KeptConnection]:
        assert self.view is not None
        far = Side(str(self.view.my_side)).other
        video_and_audio = self._sources.tracks
        return [
            KeptConnection(lambda: publish(self._access, session, *video_and_audio())),
            *(KeptConnection(partial(report_on, self._access, session, what)) for what in (str(far), "voice")),
        ]

    async def _observe(self) -> None:
        """Report what the terminal finds, again and again, as a terminal does."""
        while True:
            await asyncio.sleep(LOOK)
            socket, session = self._socket, self._session
            if socket is None or socket.closed or not session:
                continue
            try:
                await socket.send_str(Observed(session=session, **self.found).model_dump_json())
                await self._test_again()
            except (VisitError, NoAnswer, aiohttp.ClientError, TimeoutError, OSError) as error:
                log.info("not reported", error=type(error).__name__)

    async def _test_again(self) -> None:
        """Repeat a test that has failed because the server was slow to answer."""
        view = self.view
        if view is not None and view.state in OPEN and not self._mine(view).self_test:
            await self._sign_in()
            self._said.discard((view.id, "test"))
            await self._confirm(view, self._mine(view))
