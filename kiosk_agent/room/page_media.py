"""The media executor whose picture and sound are the browser's: it hands StartMedia and StopMedia to the page and turns
what the page reports into the same facts as `media_sessions.py`. A page that goes away ends all its attempts."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from kiosk_agent.checks.measures.loudness import SILENCE, decibels
from kiosk_agent.checks.picture_monitor import PictureMonitor
from kiosk_agent.checks.self_test import SelfTestResult, machine_figures, network_figures
from kiosk_agent.media_executor import ObservedRoom
from kiosk_agent.room.equipment_check import NO_SOUND, EquipmentCheck, SoundTest
from kiosk_agent.room.messages import (
    AgentMessage,
    CheckEquipment,
    CloseMedia,
    CountPeople,
    EquipmentChecked,
    Figures,
    MediaDown,
    MediaUp,
    OpenMedia,
    Received,
)
from kiosk_agent.room.small_picture import HeadCount, SmallPicture
from kiosk_agent.room.whip_proxy import WhipProxy
from kiosk_agent.state.events import (
    Fact,
    MediaClosed,
    MediaConnected,
    MediaKind,
    MediaLost,
    MediaSilent,
    StartMedia,
    StopMedia,
)
from kiosk_agent.webrtc.peer import ServerAccess
from signaling.api.messages.socket import Observed

log = logging.getLogger(__name__)

PAGE_WITHIN = 45.0
"""Seconds to wait for a page before an equipment test fails: a cold start of the browser takes half a minute."""
CLOSE_WITHIN = 2.0
"""Seconds in which the page closes an attempt; then its resource is deleted all the same."""
TEST_WITHIN = 20.0
"""Seconds for the page's part of the equipment test: a camera may take several to open."""
FIGURES_WITHIN = 2.5
"""Seconds without figures after which the page counts as one that sends no new picture and no sound."""
REPEAT_EVERY = 10.0
"""Seconds after which an unchanged report is sent again, in case one was lost."""

MediaMessage = MediaUp | MediaDown | Received | Figures | EquipmentChecked | SmallPicture


class PageMedia:
    """Publication, subscription and talkback in the page. `send` sends to it, `here` is set while there is one."""

    def __init__(
        self,
        access: ServerAccess,
        report: Callable[[Fact], None],
        proxy: WhipProxy,
        send: Callable[[AgentMessage], None],
        here: asyncio.Event,
        sound_test: SoundTest = NO_SOUND,
    ) -> None:
        self.publications = 0
        self._access, self._report, self._proxy = access, report, proxy
        self._send, self._here = send, here
        self._running: dict[MediaKind, StartMedia] = {}
        self._closing: dict[tuple[MediaKind, int], asyncio.Event] = {}
        self._test: asyncio.Future[EquipmentChecked] | None = None
        self._tests, self._sound_test = 0, sound_test
        self.check = EquipmentCheck()
        """Takes the pictures and sounds of an equipment test."""
        self._received: Received | None = None
        self._figures: asyncio.Queue[Figures] = asyncio.Queue(1)
        self._heads = HeadCount(lambda on: send(CountPeople(on=on)))

    def start(self, order: StartMedia) -> None:
        """Have the page begin an attempt; MediaConnected and MediaLost report how it goes."""
        if not self._here.is_set():
            self._report(MediaLost(order.kind, order.attempt, random.random()))
            return
        self._running[order.kind] = order
        path = self._proxy.allow(order)
        self._send(OpenMedia(kind=order.kind, attempt=order.attempt, path=path, drill=order.drill))

    async def stop(self, order: StopMedia) -> None:
        """Have the page end the attempt, delete its resource, then report MediaClosed."""
        running = self._running.pop(order.kind, None)
        if running is not None and self._here.is_set():
            closed = self._closing[(order.kind, order.attempt)] = asyncio.Event()
            self._send(CloseMedia(kind=order.kind, attempt=order.attempt))
            try:
                async with asyncio.timeout(CLOSE_WITHIN):
                    await closed.wait()
            except TimeoutError:
                log.info("the page did not close its media", extra={"media": order.kind})
            finally:
                del self._closing[(order.kind, order.attempt)]
        await self._proxy.withdraw(order.kind, order.attempt)
        self._report(MediaClosed(order.kind, order.attempt))

    def page_gone(self) -> list[StartMedia]:
        """Report the loss of every attempt; return them, so that their resources can be deleted."""
        self._heads.page_gone()
        lost = list(self._running.values())
        for order in lost:
            self._lose(order.kind, order.attempt)
        for closed in self._closing.values():
            closed.set()
        if self._test is not None and not self._test.done():
            self._test.cancel()
        return lost

    def handle(self, message: MediaMessage) -> StartMedia | None:
        """Take a report of the page; return an attempt that it has ended, whose resource is to be deleted."""
        match message:
            case MediaUp(kind=kind, attempt=attempt):
                if self._is_running(kind, attempt):
                    self.publications += kind is MediaKind.PUBLICATION
                    self._report(MediaConnected(kind, attempt))
            case MediaDown(kind=kind, attempt=attempt, code=code):
                return self._down(kind, attempt, code)
            case Received():
                self._received = message
            case Figures():
                if self._figures.full():
                    self._figures.get_nowait()
                self._figures.put_nowait(message)
            case SmallPicture():
                self._heads.take(message)
            case EquipmentChecked(number=number):
                if self._test is not None and number == self._tests and not self._test.done():
                    self._test.set_result(message)
        return None

    def report_silence(self) -> None:
        """Report how long nothing has come from the far room, as the page has it. A page that says nothing any more is
        another matter: its beats stop, and the browser is started again."""
        order, received = self._running.get(MediaKind.SUBSCRIPTION), self._received
        if order is not None and received is not None and received.attempt == order.attempt:
            self._report(MediaSilent(MediaKind.SUBSCRIPTION, order.attempt, received.quiet))

    async def self_test(self, publishing: bool) -> SelfTestResult:
        """Have the page measure its camera, microphone and loudspeaker; measure the server's answer and the machine."""
        network, machine, tested = await asyncio.gather(
            network_figures(self._access), asyncio.to_thread(machine_figures), self._measured()
        )
        measured = await self.check.figures(tested.rate if tested is not None else 0.0)
        return SelfTestResult({**network, **machine, **_equipment(tested), **(measured if tested is not None else {})})

    async def observe(
        self, observing: Callable[[], ObservedRoom | None], send: Callable[[Observed], Awaitable[None]]
    ) -> None:
        """Turn the page's figures into reports of black, frozen and silent, and count the people in its small pictures,
        until cancelled."""
        clock = asyncio.get_running_loop().time
        monitor, session, sent, sent_at = PictureMonitor(), "", None, float("-inf")
        while True:
            figures = await self._next_figures()
            room, now = observing(), clock()
            if room is None or room.session != session:
                monitor, session, sent = PictureMonitor(), room.session if room is not None else "", None
                self._heads.forget()
            heads = await self._heads.look(room is not None and room.counts and self._here.is_set())
            if room is None:
                continue
            _look(monitor, figures, now)
            found = Observed(
                session=session,
                black=monitor.black(now),
                frozen=monitor.frozen(now),
                silent=monitor.silent(now) and not room.signed,
                heads=heads,
            )
            if found != sent or now - sent_at >= REPEAT_EVERY:
                sent, sent_at = found, now
                await send(found)

    async def measure(self) -> dict[str, Any]:
        """Return the counts of the page's last report as plain values."""
        received = self._received
        order = self._running.get(MediaKind.SUBSCRIPTION)
        packets = received.packets if received is not None else 0
        return {
            "session": order.session if order is not None else None,
            "publications": self.publications,
            "far": {
                "video": {"packets": packets, "frames": received.frames if received is not None else 0},
                "audio": {"packets": packets, "frames": received.sounds if received is not None else 0},
                "size": (received.width, received.height) if received is not None else (0, 0),
            },
        }

    async def close(self) -> None:
        """Delete all resources that are left. The page itself closes its connections when its socket closes."""
        self._running.clear()
        await self._proxy.close()

    async def _measured(self) -> EquipmentChecked | None:
        try:
            async with asyncio.timeout(PAGE_WITHIN):
                await self._here.wait()
            self._tests, sound = self._tests + 1, self._sound_test
            self._test = asyncio.get_running_loop().create_future()
            self.check.begin(self._tests)
            self._send(CheckEquipment(number=self._tests, listen=sound.listens, sweep=sound.sweeps))
            async with asyncio.timeout(TEST_WITHIN):
                await asyncio.wait([self._test])
        except TimeoutError:
            log.warning("the page did not finish its equipment test")
            return None
        return None if self._test.cancelled() else self._test.result()

    async def _next_figures(self) -> Figures:
        try:
            async with asyncio.timeout(FIGURES_WITHIN):
                return await self._figures.get()
        except TimeoutError:
            return Figures(luma=None, spread=None, change=None, level=None)

    def _is_running(self, kind: MediaKind, attempt: int) -> bool:
        order = self._running.get(kind)
        return order is not None and order.attempt == attempt

    def _down(self, kind: MediaKind, attempt: int, code: str) -> StartMedia | None:
        closed = self._closing.get((kind, attempt))
        if closed is not None:
            closed.set()
        if not self._is_running(kind, attempt):
            return None
        log.info("not connected", extra={"media": kind, "code": code})
        return self._lose(kind, attempt)

    def _lose(self, kind: MediaKind, attempt: int) -> StartMedia:
        order = self._running.pop(kind)
        self._report(MediaLost(kind, attempt, random.random()))
        return order


def _equipment(tested: EquipmentChecked | None) -> dict[str, float]:
    """Return the page's figures by their names in the order `self_test`; no picture is a camera of no width. That the
    loudspeaker was opened proves no sound: a figure of its own has only one that could not be opened."""
    if tested is None:
        return {"width": 0.0, "rate": 0.0, "level": SILENCE}
    seen = tested.luma is not None and tested.change is not None
    figures = {
        "width": tested.width if seen else 0.0,
        "rate": tested.rate if seen else 0.0,
        "level": decibels(tested.level or 0.0),
    }
    if tested.luma is not None and tested.change is not None:
        figures |= {"luma": tested.luma, "change": tested.change}
    return figures if tested.speaker else {**figures, "sweep": 0.0}


def _look(monitor: PictureMonitor, figures: Figures, now: float) -> None:
    monitor.look_at_sound(figures.level, now)
    if figures.luma is None or figures.spread is None:
        monitor.look_at_picture(None, now)
    else:
        monitor.look_at_figures(figures.luma, figures.spread, figures.change, now)
