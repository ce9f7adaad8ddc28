"""The kiosk program of one room: one loop owns the terminal's state, takes facts from one queue, and starts the effects
as tasks that it never awaits. It ends in order: resources deleted, socket closed, devices released."""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from broker.kernel.ids import Side
from broker.kernel.tasks import Tasks
from config.check_in import Manner
from config.network import server_url
from kiosk_agent.checks.self_test import Outcome, SelfTestResult
from kiosk_agent.connection import Connection, unconfirmed
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.sign_in import TerminalCredential
from kiosk_agent.media.sources import SourceFactory, open_sources
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.media_executor import ObservedRoom
from kiosk_agent.media_sessions import MediaSessions
from kiosk_agent.state.events import (
    CloseSocket,
    Effect,
    Fact,
    MediaStatus,
    OpenSocket,
    Phase,
    RulesConfirmed,
    RunSelfTest,
    SelfTested,
    SendAcknowledgement,
    SendRulesAcknowledgement,
    SendSelfTest,
    StartMedia,
    StopMedia,
    StopRequested,
    TimePassed,
    WarningConfirmed,
)
from kiosk_agent.state.terminal import Terminal, step, wakes_at
from kiosk_agent.ui.display import Screen, Window
from kiosk_agent.ui.farewell import Farewell, Word
from kiosk_agent.ui.warning_banner import Notice
from kiosk_agent.webrtc.peer import ServerAccess, refuse_redirects
from signaling.api.messages.orders import Acknowledge, AcknowledgeRules, Finished, Order, SelfTest
from signaling.api.messages.session_view import SessionView
from signaling.api.messages.socket import Observed, command

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between reports of how long the far room has been silent."""
FRAME = 1 / 25
"""Seconds between paintings of the screen."""
RULES = Notice(
    "rules",
    "工作人员已宣读会见须知，本会见室人员已知晓并将遵守",
    "The staff have read out the rules of the visit; the people in this room know them and will keep them",
)
"""What the window shows until the room has acknowledged the rules, which staff read out."""
STOP_WITHIN = 8.0
"""Seconds for an orderly stop: longer than one DELETE and the close of the socket may take."""


@dataclass(frozen=True, slots=True)
class KioskConfig:
    """Configuration of one terminal's program.

    `server` is the base URL, `credential` the terminal's identity, or a token that stays the same. `source` is a text
    for `open_sources`, `extra_sources` are names that it may hold besides `file:` and `device`; `side_hint` is the side
    to open the sources for before a visit tells the side. `stats_every` is the seconds between lines of statistics,
    None for no lines. `confirms` makes the terminal confirm warnings itself, for rooms without a screen; `acknowledges`
    the rules of a visit, where there are no people."""

    server: str
    credential: str | Identity
    source: str = "device"
    extra_sources: Mapping[str, SourceFactory] = field(default_factory=dict)
    headless: bool = True
    window: str = "Huijian"
    stats_every: float | None = None
    side_hint: Side = Side.PRISON
    speaker: str = "default"
    confirms: bool = False
    acknowledges: bool = False

    def __post_init__(self) -> None:
        """Check that the token may be sent to the server. Raises NoServer."""
        object.__setattr__(self, "server", server_url(self.server))


StatsHandler = Callable[[dict[str, Any]], None]


async def run_kiosk(config: KioskConfig, stats: StatsHandler | None = None, stop: asyncio.Event | None = None) -> None:
    """Run a terminal until `stop` is set; without one, until SIGTERM or SIGINT. Cancelling it is orderly too.

    `stats` gets a dictionary every `stats_every` seconds and one at the end; by default it is printed as a JSON line.
    Raises SourceError at once when `config.source` names no source."""
    ending = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT) if stop is None else ()
    for number in signals:
        loop.add_signal_handler(number, ending.set)
    try:
        # The server itself is asked: no proxy of the environment, and no other address that an answer names.
        async with aiohttp.ClientSession(trust_env=False, middlewares=(refuse_redirects,)) as http:
            await Kiosk(config, http, stats or _print_line).run(ending)
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


class Kiosk:
    """Owner of the terminal's state and of everything that carries out its effects. `run` it once."""

    def __init__(self, config: KioskConfig, http: aiohttp.ClientSession, stats: StatsHandler) -> None:
        credential = config.credential
        self._credential = None if isinstance(credential, str) else TerminalCredential(http, config.server, credential)
        access = ServerAccess(http, config.server, self._credential or str(credential))
        self.terminal = Terminal(confirms=config.confirms, acknowledges=config.acknowledges)
        self._config, self._access, self._stats = config, access, stats
        self._inbox: asyncio.Queue[Fact] = asyncio.Queue()
        self._connection = Connection(access, self._inbox.put_nowait)
        self._media = MediaSessions(
            access,
            self._inbox.put_nowait,
            lambda side: open_sources(config.source, side, config.extra_sources),
            config.side_hint,
            None if config.headless else Speaker(config.speaker),
        )
        self._result: SelfTestResult | None = None
        self._sent = 0
        self._tasks = Tasks()

    async def run(self, ending: asyncio.Event) -> None:
        """Run until `ending` is set and everything is closed."""
        self._tasks.spawn(self._request_stop(ending))
        self._tasks.spawn(self._watch_silence())
        if self._credential is not None:
            self._tasks.spawn(self._credential.keep())
        self._tasks.spawn(self._media.observe(self._observing, self._send_observed))
        if self._config.stats_every is not None:
            self._tasks.spawn(self._report(self._config.stats_every))
        if not self._config.headless:
            self._tasks.spawn(self._show())
        try:
            await self._loop()
        finally:
            await self._close()

    async def _loop(self) -> None:
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
                self._tasks.spawn(self._connection.run())
            case CloseSocket():
                self._tasks.spawn(self._connection.close())
            case RunSelfTest():
                self._tasks.spawn(self._test())
            case SendSelfTest(session=session):
                self._tasks.spawn(self._send_result(session))
            case SendAcknowledgement(session=session, warning=warning):
                self._tasks.spawn(self._acknowledge(session, warning))
            case SendRulesAcknowledgement(session=session, language=language, manner=manner):
                order = AcknowledgeRules(language=language, manner=manner)
                self._tasks.spawn(self._order(session, order))
            case StartMedia():
                self._media.start(effect)
            case StopMedia():
                self._tasks.spawn(self._media.stop(effect))

    async def _test(self) -> None:
        publishing = self.terminal.publication.status is not MediaStatus.IDLE
        passed = False
        try:
            self._result = await self._media.self_test(publishing)
            passed = self._result.passed
        finally:
            self._inbox.put_nowait(SelfTested(passed))

    async def _send_result(self, session: str) -> None:
        result = self._result
        if result is None:
            return
        order = SelfTest(
            camera=result.camera is Outcome.PASSED,
            microphone=result.microphone is Outcome.PASSED,
            # A headless terminal has no loudspeaker to fail: `speaker_checked` says so, instead of claiming a pass.
            speaker=result.speaker is not Outcome.FAILED,
            network=result.network is Outcome.PASSED,
            speaker_checked=result.speaker is not Outcome.NOT_CHECKED,
        )
        await self._order(session, order)

    def _observing(self) -> ObservedRoom | None:
        """Return what is to be observed of this room's picture and sound; None while it sends nothing."""
        visit = self.terminal.visit
        if visit is None or self.terminal.publication.status is not MediaStatus.UP:
            return None
        _, view = self._connection.views.get(visit.id, (0.0, None))
        counts = view is not None and view.count_heads and view.state in ("live", "held")
        return ObservedRoom(visit.id, counts)

    async def _send_observed(self, found: Observed) -> None:
        await self._connection.send(found.model_dump_json())

    async def _acknowledge(self, session: str, warning: str) -> None:
        await self._order(session, Acknowledge(warning=warning))

    async def _order(self, session: str, order: Order) -> None:
        self._sent += 1
        await self._connection.send(command(order, self._sent, session).model_dump_json())

    async def _request_stop(self, ending: asyncio.Event) -> None:
        await ending.wait()
        self._inbox.put_nowait(StopRequested())

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._media.report_silence()

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
                if window.word is not None:
                    self.say(window.word)
                await asyncio.sleep(FRAME)
        finally:
            window.close()

    def screen(self) -> Screen:
        """Return what the room's screen shows now."""
        receiver, visit = self._media.receiver, self.terminal.visit
        over = self.terminal.ended if self.terminal.phase is Phase.ENDED else None
        received_at, view = self._connection.views.get(visit.id if visit else over or "", (0.0, None))
        now = asyncio.get_running_loop().time()
        reason = (view.reason.zh, view.reason.en) if view is not None and view.reason is not None else None
        remaining = None
        if view is not None and view.remaining_ms is not None:
            remaining = view.remaining_ms / 1000 - (now - received_at)
        picture = receiver.picture if receiver else None
        talkback = view is not None and view.speech is not None
        muted, button = _muted(view), self._farewell(view)
        return Screen(self.terminal.phase, reason, remaining, picture, self._notice(view), muted, talkback, button)

    def confirm(self, warning: str) -> None:
        """Confirm that the room has read the warning with this id, or knows the rules."""
        rules = warning == RULES.id
        self._inbox.put_nowait(RulesConfirmed("zh", Manner.KEY) if rules else WarningConfirmed(warning))

    def say(self, word: Word) -> None:
        """Send what the room says of its visit: that it has finished, or that it goes on after all."""
        visit = self.terminal.visit
        if visit is not None:
            self._tasks.spawn(self._order(visit.id, Finished(on=word is Word.FINISHED)))

    def _farewell(self, view: SessionView | None) -> Farewell | None:
        """Return the button of a visit that has begun, with what both sides have said."""
        if view is None or self.terminal.phase not in (Phase.LIVE, Phase.HELD):
            return None
        mine = [word for word in view.farewell if word.side == view.my_side]
        near = any(word.room for word in mine)
        return Farewell(near, far=len(view.farewell) > len(mine), staff=bool(mine) and not near)

    def _notice(self, view: SessionView | None) -> Notice | None:
        """Return the newest warning that the room has not confirmed yet, or the rules that it has to acknowledge."""
        if view is None:
            return None
        unread = [warning for warning in unconfirmed(view) if warning.id in self.terminal.unread]
        if not unread:
            return RULES if self.terminal.to_tell else None
        return Notice(unread[-1].id, unread[-1].zh, unread[-1].en, len(unread) - 1)

    async def measure(self) -> dict[str, Any]:
        """Return all counts as plain values.

        `at` and all `*_at` are seconds of CLOCK_MONOTONIC; `far` is what came of the far room in the present or last
        visit, `voice` what came of talkback."""
        return {
            "at": asyncio.get_running_loop().time(),
            "room": self.terminal.room,
            "phase": self.terminal.phase,
            **await self._media.measure(),
        }

    async def _close(self) -> None:
        """Close what is left: little after an orderly stop, everything after a cancellation."""
        await self._media.close()
        await self._connection.close()
        await self._tasks.close()
        if self._config.stats_every is not None:
            self._stats(await self.measure())


def _muted(view: SessionView | None) -> frozenset[str]:
    if view is None:
        return frozenset()
    return frozenset("near" if mute.side is view.my_side else "far" for mute in view.muted)


def _print_line(stats: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the reader of the statistics may have ended first
        sys.stdout.write(json.dumps(stats) + "\n")
        sys.stdout.flush()
