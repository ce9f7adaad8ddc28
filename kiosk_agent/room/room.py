"""The room's page as a whole, complete when built: loopback server, socket, media, rules and browser. The agent shows a
screen by `show` and gets facts; nothing here decides what a visit may do."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from broker.kernel.tasks import Tasks
from kiosk_agent.officer.desk import OfficerAgent, OfficerDesk, OfficerPlaces
from kiosk_agent.room.chromium import BrowserKeeper
from kiosk_agent.room.equipment_check import NO_SOUND, SoundTest
from kiosk_agent.room.messages import (
    Beat,
    EquipmentChecked,
    Figures,
    Finished,
    MediaDown,
    MediaUp,
    PageMessage,
    Received,
    RulesRead,
    Show,
    Trouble,
    WarningRead,
)
from kiosk_agent.room.page_link import PageLink
from kiosk_agent.room.page_media import PageMedia
from kiosk_agent.room.rules import RulesText
from kiosk_agent.room.screens import Screen
from kiosk_agent.room.server import RoomServer
from kiosk_agent.room.small_picture import SmallPicture
from kiosk_agent.room.whip_proxy import WhipProxy
from kiosk_agent.state.events import Fact, StartMedia, WarningConfirmed
from kiosk_agent.webrtc.peer import ServerAccess

log = logging.getLogger(__name__)

BEAT_WITHIN = 5.0
"""Seconds after its last sign of life in which a page counts as alive."""


@dataclass(frozen=True, slots=True)
class Browser:
    """The browser to keep running: the program, and further flags of its command line."""

    program: str
    flags: tuple[str, ...] = ()


class Room:
    """Page of one room, with its server and browser. `report` takes facts, `finished` what the room says of its visit,
    `acknowledged` in which language it has acknowledged the rules, and whether by touch. Without a `browser` none is
    started, and any that knows `server.url` may be the page. `officer` names the files of the officer's screen, `agent`
    is the terminal that it is about. `sound_test` is what the equipment test does with sound."""

    def __init__(
        self,
        access: ServerAccess,
        report: Callable[[Fact], None],
        finished: Callable[[bool], None],
        acknowledged: Callable[[str, bool], None],
        browser: Browser | None,
        officer: OfficerPlaces,
        agent: OfficerAgent,
        sound_test: SoundTest = NO_SOUND,
    ) -> None:
        self.rules = RulesText(access)
        self.here = asyncio.Event()
        """Set while a page is connected."""
        self.keeper: BrowserKeeper | None = None
        self._report, self._finished, self._acknowledged = report, finished, acknowledged
        self._browser = browser
        self._proxy = WhipProxy(access)
        self._link = PageLink(self._take, self._opened, self._closed)
        self.media = PageMedia(access, report, self._proxy, self._link.send, self.here, sound_test)
        self.officer = OfficerDesk(officer, agent, self._link.send)
        self.server = RoomServer(self._link.serve, self._proxy.handle, self.rules.audio, self.media.check.handle)
        self._screen: Screen | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._tasks = Tasks()

    async def run(self) -> None:
        """Serve the page and keep its browser running until cancelled."""
        async with self.server.running():
            try:
                if self._browser is None:
                    await asyncio.Event().wait()
                else:
                    await self._keep(self._browser)
            finally:
                await self._link.close()
                await self.officer.close()
                await self._tasks.close()

    def alive(self, now: float) -> bool:
        """Whether a page is connected and has given a sign of life a moment ago."""
        return self._link.connected and self._link.beat_at is not None and now - self._link.beat_at < BEAT_WITHIN

    def show(self, screen: Screen, now: float) -> None:
        """Show the screen, where it is not what is shown already."""
        if screen != self._screen:
            self._screen = screen
            self._send_screen(now)

    def want_rules(self, session: str | None) -> None:
        """Have the rules of this session fetched, where they are not here yet; None for no session."""
        if session is None or self.rules.session == session:
            return
        if self._fetching is None or self._fetching.done() or self._fetching.get_name() != session:
            if self._fetching is not None:
                self._fetching.cancel()
            self._fetching = self._tasks.spawn(self.rules.fetch(session))
            self._fetching.set_name(session)

    async def _keep(self, browser: Browser) -> None:
        server, link = self.server, self._link
        self.keeper = BrowserKeeper(browser.program, server.url, server.origin, lambda: link.beat_at, browser.flags)
        await self.keeper.run()

    def _opened(self) -> None:
        self.here.set()
        self.officer.page_opened()
        self._send_screen(asyncio.get_running_loop().time())

    def _closed(self) -> None:
        self.here.clear()
        for order in self.media.page_gone():
            self._withdraw(order)

    def _send_screen(self, now: float) -> None:
        screen = self._screen
        if screen is not None:
            left = None if screen.until is None else max(0.0, screen.until - now)
            self._link.send(Show(screen=screen, left=left))

    def _take(self, message: PageMessage | SmallPicture) -> None:
        match message:
            case RulesRead(session=session, language=language, touch=touch):
                if self._screen is not None and session == self._screen.session:
                    self._acknowledged(language, touch)
            case WarningRead(warning=warning):
                self._report(WarningConfirmed(warning))
            case Finished(on=on):
                self._finished(on)
            case Trouble(code=code):
                log.warning("the page reports a fault", extra={"code": code})
            case MediaUp() | MediaDown() | Received() | Figures() | EquipmentChecked() | SmallPicture():
                ended = self.media.handle(message)
                if ended is not None:
                    self._withdraw(ended)
            case Beat():
                pass  # the link has noted it
            case _:
                self.officer.take(message)

    def _withdraw(self, order: StartMedia) -> None:
        self._tasks.spawn(self._proxy.withdraw(order.kind, order.attempt))
