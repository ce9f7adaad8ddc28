"""The kiosk itself: one loop owns the terminal's state, facts come in through one queue, orders go out to hands that
are never awaited. It runs until it is told to stop, then leaves in order: resources deleted, socket closed, devices
given back."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from broker.kernel.ids import Side
from kiosk_agent.checks.monitor import Monitor, Sending
from kiosk_agent.checks.self_test import Outcome, SelfTestResult, self_test
from kiosk_agent.connection import Connection, unconfirmed
from kiosk_agent.media.sources import open_sources
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.media_sessions import MediaSessions
from kiosk_agent.state.events import (
    CloseSocket,
    Effect,
    Fact,
    LegStatus,
    OpenSocket,
    Phase,
    RunSelfTest,
    SelfTested,
    SendAcknowledgement,
    SendSelfTest,
    StartLeg,
    StopLeg,
    StopRequested,
    TimePassed,
    WarningConfirmed,
)
from kiosk_agent.state.terminal import Terminal, step, wakes_at
from kiosk_agent.ui.display import Screen, Window
from kiosk_agent.ui.warning_banner import Notice
from kiosk_agent.webrtc.peer import Door
from kiosk_agent.webrtc.receiver import ReceiverStats
from signaling.api.messages import Acknowledge, Observed, SelfTest, SessionView

log = logging.getLogger(__name__)

TICK = 0.5
FRAME = 1 / 25
STOP_WITHIN = 8.0
"""Longer than one DELETE and one socket close may take."""


@dataclass(frozen=True, slots=True)
class KioskConfig:
    """One terminal. `server`: base URL; `token`: of its enrolment; `source`: see `sources.py`; `side_hint`: which
    generated room to be before a session says so; `stats_every`: seconds between statistics lines, None for none;
    `confirms`: confirm warnings without a person, for rooms without a screen."""

    server: str
    token: str
    source: str = "generated"
    headless: bool = True
    window: str = "Huijian"
    stats_every: float | None = None
    side_hint: Side = Side.PRISON
    speaker: str = "default"
    confirms: bool = False


StatsTaker = Callable[[dict[str, Any]], None]


async def run_kiosk(config: KioskConfig, stats: StatsTaker | None = None, stop: asyncio.Event | None = None) -> None:
    """Runs a terminal until `stop` is set; without one, until SIGTERM or SIGINT. Cancelling it is orderly too.

    `stats` gets a dictionary every `stats_every` seconds and one at the end; by default it is printed as a JSON line.
    Raises SourceError at once when `config.source` names no source.
    """
    ending = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT) if stop is None else ()
    for number in signals:
        loop.add_signal_handler(number, ending.set)
    try:
        async with aiohttp.ClientSession() as http:
            await Kiosk(config, http, stats or _print_line).run(ending)
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


class Kiosk:
    """The loop and its hands."""

    def __init__(self, config: KioskConfig, http: aiohttp.ClientSession, stats: StatsTaker) -> None:
        door = Door(http, config.server.rstrip("/"), config.token)
        self.terminal = Terminal(confirms=config.confirms)
        self._config, self._door, self._stats = config, door, stats
        self._inbox: asyncio.Queue[Fact] = asyncio.Queue()
        self._speaker = None if config.headless else Speaker(config.speaker)
        self._line = Connection(door, self._inbox.put_nowait)
        self._legs = MediaSessions(
            door,
            self._inbox.put_nowait,
            lambda side: open_sources(config.source, side),
            config.side_hint,
            self._speaker,
        )
        self._result: SelfTestResult | None = None
        self._sent = 0
        self._hands: set[asyncio.Task[None]] = set()

    async def run(self, ending: asyncio.Event) -> None:
        """Lives until `ending` is set and everything is closed."""
        self._spawn(self._until(ending))
        self._spawn(self._tick())
        self._spawn(Monitor(self._sending, self._tell_observed).run())
        if self._config.stats_every is not None:
            self._spawn(self._report(self._config.stats_every))
        if not self._config.headless:
            self._spawn(self._show())
        try:
            await self._live()
        finally:
            await self._leave()

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        fact: Fact = TimePassed()
        stop_at: float | None = None
        while not self.terminal.down:
            before = self.terminal.phase
            self.terminal, effects = step(self.terminal, fact, loop.time())
            if self.terminal.phase is not before:
                log.info("phase", extra={"was": before, "now": self.terminal.phase})
            for effect in effects:
                self._perform(effect)
            if self.terminal.stopping:
                stop_at = stop_at or loop.time() + STOP_WITHIN
                if loop.time() >= stop_at:
                    return
            fact = await self._next_fact(stop_at or wakes_at(self.terminal))

    async def _next_fact(self, at: float | None) -> Fact:
        try:
            async with asyncio.timeout_at(at):
                return await self._inbox.get()
        except TimeoutError:
            return TimePassed()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case OpenSocket():
                self._spawn(self._line.run())
            case CloseSocket():
                self._spawn(self._line.close())
            case RunSelfTest():
                self._spawn(self._test())
            case SendSelfTest(session=session):
                self._spawn(self._tell_result(session))
            case SendAcknowledgement(session=session, warning=warning):
                self._spawn(self._acknowledge(session, warning))
            case StartLeg():
                self._legs.start(effect)
            case StopLeg():
                self._spawn(self._legs.stop(effect))

    async def _test(self) -> None:
        publishing = self.terminal.send.status is not LegStatus.IDLE
        chime = None if self._speaker is None else self._chime
        passed = False
        try:
            self._result = await self_test(self._legs.sources, publishing, self._door, chime)
            passed = self._result.passed
        finally:
            self._inbox.put_nowait(SelfTested(passed))

    async def _chime(self) -> bool:
        return self._speaker is not None and await asyncio.to_thread(self._speaker.chime)

    async def _tell_result(self, session: str) -> None:
        result = self._result
        if result is None:
            return
        self._sent += 1
        message = SelfTest(
            id=self._sent,
            session=session,
            camera=result.camera is Outcome.PASSED,
            microphone=result.microphone is Outcome.PASSED,
            # A headless terminal has no loudspeaker to fail: that is said, not claimed as passed.
            speaker=result.speaker is not Outcome.FAILED,
            network=result.network is Outcome.PASSED,
            speaker_checked=result.speaker is not Outcome.NOT_CHECKED,
        )
        await self._line.send(message.model_dump_json())

    def _sending(self) -> Sending | None:
        """What this room sends now, for whoever looks at its own picture and sound."""
        visit = self.terminal.visit
        if visit is None or self.terminal.send.status is not LegStatus.UP:
            return None
        _, view = self._line.views.get(visit.id, (0.0, None))
        counts = view is not None and view.count_heads and view.state in ("live", "held")
        return Sending(visit.id, counts, self._legs.sources)

    async def _tell_observed(self, found: Observed) -> None:
        await self._line.send(found.model_dump_json())

    async def _acknowledge(self, session: str, warning: str) -> None:
        self._sent += 1
        await self._line.send(Acknowledge(id=self._sent, session=session, warning=warning).model_dump_json())

    async def _until(self, ending: asyncio.Event) -> None:
        await ending.wait()
        self._inbox.put_nowait(StopRequested())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._legs.report_silence()

    async def _report(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            self._stats(await self.measure())

    async def _show(self) -> None:
        window = await asyncio.to_thread(Window, self._config.window)
        try:
            while window.usable:
                confirmed = window.show(self.screen())
                if confirmed is not None:
                    self.confirm(confirmed)
                await asyncio.sleep(FRAME)
        finally:
            window.close()

    def screen(self) -> Screen:
        """What the room sees now."""
        viewer, visit = self._legs.viewer, self.terminal.visit
        over = self.terminal.ended if self.terminal.phase is Phase.ENDED else None
        heard_at, view = self._line.views.get(visit.id if visit else over or "", (0.0, None))
        now = asyncio.get_running_loop().time()
        reason = (view.reason.zh, view.reason.en) if view is not None and view.reason is not None else None
        remaining = None
        if view is not None and view.remaining_ms is not None:
            remaining = view.remaining_ms / 1000 - (now - heard_at)
        picture = viewer.picture if viewer else None
        spoken = view is not None and view.speech is not None
        return Screen(self.terminal.phase, reason, remaining, picture, self._notice(view), _muted(view), spoken)

    def confirm(self, warning: str) -> None:
        """Somebody in the room has read this warning and says so."""
        self._inbox.put_nowait(WarningConfirmed(warning))

    def _notice(self, view: SessionView | None) -> Notice | None:
        """The newest warning that nobody in the room has confirmed yet."""
        unread = [one for one in unconfirmed(view) if one.id in self.terminal.unread] if view is not None else []
        return Notice(unread[-1].id, unread[-1].zh, unread[-1].en, len(unread) - 1) if unread else None

    async def measure(self) -> dict[str, Any]:
        """Everything countable, as plain values. `at` and all `*_at` are seconds of CLOCK_MONOTONIC; `far` is what
        came of the far room in the present (or last) session."""
        viewer, sources, terminal = self._legs.viewer, self._legs.sources, self.terminal
        far = await viewer.measure() if viewer is not None else ReceiverStats()
        return {
            "at": asyncio.get_running_loop().time(),
            "room": terminal.room,
            "phase": terminal.phase,
            "session": viewer.session if viewer is not None else None,
            "publications": self._legs.publications,
            "sent": {
                kind: {"frames": source.frames, "skipped": source.skipped}
                for kind, source in (("video", sources.video), ("audio", sources.audio))
            },
            "far": far.as_dict(),
            "voice": self._legs.ear.as_dict() if self._legs.ear is not None else None,
        }

    async def _leave(self) -> None:
        """Closes what is left; after an orderly stop that is little, after a cancellation everything."""
        await self._legs.close()
        await self._line.close()
        for task in self._hands:
            task.cancel()
        await asyncio.gather(*self._hands, return_exceptions=True)
        if self._speaker is not None:
            await asyncio.to_thread(self._speaker.close)
        if self._config.stats_every is not None:
            self._stats(await self.measure())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._hands.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._hands.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a hand failed", exc_info=task.exception())


def _muted(view: SessionView | None) -> frozenset[str]:
    if view is None:
        return frozenset()
    return frozenset("near" if one.side is view.my_side else "far" for one in view.muted)


def _print_line(stats: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # whoever read the statistics may have left first
        sys.stdout.write(json.dumps(stats) + "\n")
        sys.stdout.flush()
