"""The kiosk program of one room: one loop owns the terminal's state, takes facts from one queue, and starts the effects
as tasks that it never awaits. It ends in order: resources deleted, socket closed, devices released."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side, new_id
from broker.kernel.tasks import Tasks
from config.articles.equipment import Cause
from config.check_in import Manner
from config.network import server_url
from kiosk_agent.checks.line_test import LineTester
from kiosk_agent.checks.opening import Opening
from kiosk_agent.checks.results import Result, Results
from kiosk_agent.checks.self_test import SelfTestResult
from kiosk_agent.connection import Connection
from kiosk_agent.deploy.watchdog import Watchdog
from kiosk_agent.http_client import http_client
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.sign_in import TerminalCredential
from kiosk_agent.media.sources import SourceFactory, open_sources
from kiosk_agent.media.speaker import Speaker
from kiosk_agent.media_executor import MediaExecutor, ObservedRoom
from kiosk_agent.media_sessions import MediaSessions
from kiosk_agent.officer.desk import OfficerPlaces
from kiosk_agent.officer.history import KeptTest, fetch_tests
from kiosk_agent.officer.report import Facts
from kiosk_agent.remote.orders import Orders
from kiosk_agent.remote.reports import Reports
from kiosk_agent.room import words
from kiosk_agent.room.equipment_check import NO_SOUND, SoundTest
from kiosk_agent.room.room import Browser, Room
from kiosk_agent.room.screens import Known, Screen, screen
from kiosk_agent.state.events import (
    CloseSocket,
    Effect,
    Fact,
    MediaStatus,
    OpenSocket,
    RulesConfirmed,
    RunSelfTest,
    SelfTested,
    SendAcknowledgement,
    SendRulesAcknowledgement,
    SendSelfTest,
    StartMedia,
    StopMedia,
    StopRequested,
    TestRequested,
    TimePassed,
    WarningConfirmed,
)
from kiosk_agent.state.terminal import Terminal, step, wakes_at
from kiosk_agent.webrtc.peer import ServerAccess
from signaling.api.messages.equipment import EquipmentTestTaken, EquipmentTestView
from signaling.api.messages.orders import Acknowledge, AcknowledgeRules, Figures, Finished, Order, SelfTest
from signaling.api.messages.socket import Observed, command

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between reports of how long the far room has been silent."""
STOP_WITHIN = 8.0
"""Seconds for an orderly stop: longer than one DELETE and the close of the socket may take."""


LINE_FRESH, LINE_OF_VISIT = 600.0, 45.0
"""Seconds for which a test of the line counts when the equipment is tested again: without a visit, and before one."""


@dataclass(frozen=True, slots=True)
class KioskConfig:
    """Configuration of one terminal's program.

    `server` is the base URL, `credential` the terminal's identity, or a token that stays the same. With `headless`,
    picture and sound are made in this process: `source` is a text for `open_sources`, `extra_sources` are names that it
    may hold besides `file:` and `device`, `side_hint` is the side to open the sources for before a visit tells the
    side, `speaker` the loudspeaker's ALSA name, None for none. Otherwise they are the page's, which the `browser`
    shows. `stats_every` is the seconds between lines of statistics, None for no lines. `confirms` makes the terminal
    confirm warnings itself, for rooms without a screen; `acknowledges` the rules of a visit, where there are no
    people; `tests_line` makes the equipment test measure the line too, which a made-up room has no use for;
    `sound_test` is what the page's test does with the room's sound. `officer`
    names the files of the page's officer's screen."""

    server: str
    credential: str | Identity
    source: str = "device"
    extra_sources: Mapping[str, SourceFactory] = field(default_factory=dict)
    headless: bool = True
    browser: Browser | None = None
    stats_every: float | None = None
    side_hint: Side = Side.PRISON
    speaker: str | None = None
    confirms: bool = False
    acknowledges: bool = False
    tests_line: bool = False
    sound_test: SoundTest = NO_SOUND
    officer: OfficerPlaces = field(default_factory=OfficerPlaces)

    def __post_init__(self) -> None:
        """Check that the token may be sent to the server. Raises NoServer."""
        object.__setattr__(self, "server", server_url(self.server))


StatsHandler = Callable[[dict[str, Any]], None]


async def run_kiosk(config: KioskConfig, stats: StatsHandler | None = None, stop: asyncio.Event | None = None) -> bool:
    """Run a terminal until `stop` is set; without one, until SIGTERM or SIGINT. Cancelling it is orderly too. Return
    whether it ended because it was told to start again.

    `stats` gets a dictionary every `stats_every` seconds and one at the end; by default it is printed as a JSON line.
    Raises SourceError at once when `config.source` names no source."""
    ending = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT) if stop is None else ()
    for number in signals:
        loop.add_signal_handler(number, ending.set)
    try:
        async with http_client() as http:
            kiosk = Kiosk(config, http, stats or _print_line)
            await kiosk.run(ending)
            return kiosk.restarts
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
        self._started = SystemClock().now().wall
        self.restarts = False
        """Whether the program ends because it was told to start again."""
        self._orders = Orders(self.request_test, self.restart)
        self._connection = Connection(access, self._inbox.put_nowait, self._orders.take)
        report = self._inbox.put_nowait
        self.room = (
            None
            if config.headless
            else Room(
                access,
                report,
                self.say_finished,
                self._acknowledge_rules,
                config.browser,
                config.officer,
                self,
                config.sound_test,
            )
        )
        """The room's page; None for a headless terminal."""
        self._media = self.room.media if self.room is not None else self._in_this_process(access, config)
        self._reports = Reports(SystemClock(), self._page_alive, lambda: self._orders.done, self._send_welcomed)
        self._line, self._results = LineTester(access), Results(access, self._taken)
        self._opening = Opening(SystemClock(), self._request_opening_test)
        self._test_id = ""
        self._checked: EquipmentTestView | None = None
        self._result: SelfTestResult | None = None
        self._sent = 0
        self._tasks = Tasks()

    def _in_this_process(self, access: ServerAccess, config: KioskConfig) -> MediaExecutor:
        return MediaSessions(
            access,
            self._inbox.put_nowait,
            lambda side: open_sources(config.source, side, config.extra_sources),
            config.side_hint,
            None if config.speaker is None else Speaker(config.speaker),
        )

    async def run(self, ending: asyncio.Event) -> None:
        """Run until `ending` is set and everything is closed."""
        self._tasks.spawn(self._request_stop(ending))
        self._tasks.spawn(self._watch_silence())
        self._tasks.spawn(self._reports.run())
        self._tasks.spawn(Watchdog(os.environ, lambda: self._page_alive() is not False).run())
        self._tasks.spawn(self._results.run())
        self._tasks.spawn(self._opening.run())
        if self._credential is not None:
            self._tasks.spawn(self._credential.keep())
        self._tasks.spawn(self._media.observe(self._observing, self._send_observed))
        if self._config.stats_every is not None:
            self._tasks.spawn(self._report(self._config.stats_every))
        if self.room is not None:
            self._tasks.spawn(self.room.run())
        try:
            await self._loop()
        finally:
            await self._close()

    async def _loop(self) -> None:
        loop = asyncio.get_running_loop()
        fact: Fact = TimePassed()
        stop_at: float | None = None
        while not self.terminal.down:
            before = self.terminal
            self.terminal, effects = step(self.terminal, fact, loop.time())
            self._note_change(before)
            self._show()  # before the media: the screen says whether people sign, for whom the picture goes first
            for effect in effects:
                self._perform(effect)
            if self.terminal.stopping:
                stop_at = stop_at or loop.time() + STOP_WITHIN
                if loop.time() >= stop_at:
                    return
            fact = await self._next_fact(stop_at or wakes_at(self.terminal))

    def _note_change(self, before: Terminal) -> None:
        if self.terminal.phase is not before.phase:
            log.info("phase", extra={"was": before.phase, "now": self.terminal.phase})
        if self.terminal.welcome and not before.welcome:
            self._reports.due()
        self._orders.room_is(free=self.terminal.synced and self.terminal.visit is None)

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
            case RunSelfTest(cause=cause):
                self._tasks.spawn(self._test(cause))
            case SendSelfTest(session=session):
                self._tasks.spawn(self._send_result(session))
            case SendAcknowledgement(session=session, warning=warning):
                self._tasks.spawn(self._acknowledge(session, warning))
            case SendRulesAcknowledgement(session=session, language=language, manner=manner):
                self._tasks.spawn(self._order(session, AcknowledgeRules(language=language, manner=manner)))
            case StartMedia():
                self._media.start(effect)
            case StopMedia():
                self._tasks.spawn(self._media.stop(effect))

    async def _test(self, cause: Cause) -> None:
        publishing = self.terminal.publication.status is not MediaStatus.IDLE
        visit, test, passed = self.terminal.visit, new_id("tst"), False
        try:
            found, line = await asyncio.gather(self._media.self_test(publishing), self._line_figures(cause, publishing))
            self._result = SelfTestResult({**found.figures, **line})
            self._test_id, passed = test, self._result.passed
            self._orders.tested()
            self._reports.tested(self._result)
            if self.room is not None:
                self.room.officer.tested(self._result.figures, self._result.faults)
            self._keep(cause, None if visit is None else visit.id)
        finally:
            self._inbox.put_nowait(SelfTested(passed, test))

    def _keep(self, cause: Cause, session: str | None) -> None:
        """Send the last result to the room's history."""
        room, result = self.terminal.room, self._result
        self._checked = None  # that of an earlier test
        if room and result is not None:
            now = asyncio.get_running_loop().time()
            self._results.add(Result(self._test_id, room, now, cause, session, result.figures))

    def _taken(self, answer: EquipmentTestTaken) -> None:
        """Note the server's verdicts, and at which minute of a day the room is tested."""
        self._checked = answer.test
        self._opening.is_at(answer.opening)

    def _request_opening_test(self) -> None:
        self._inbox.put_nowait(TestRequested(Cause.OPENING))

    async def _line_figures(self, cause: Cause, publishing: bool) -> Mapping[str, float]:
        """Return the figures of this terminal's line. A test that is repeated without a visit does not load the line
        each time, and one while the room sends only where staff ask for it, or the line has failed before."""
        if not self._config.tests_line:
            return {}
        may = not publishing or cause is Cause.DEMAND or self._line_failed()
        fresh = LINE_FRESH if cause is Cause.VISIT else 0.0
        return await self._line.figures(fresh if self.terminal.visit is None else min(fresh, LINE_OF_VISIT), may)

    def _line_failed(self) -> bool:
        checks = [] if self._checked is None else self._checked.checks
        return any(check.code == "line" and check.verdict == "failed" for check in checks)

    async def _send_result(self, session: str) -> None:
        result = self._result
        if result is None:
            return
        figures = Figures.model_validate(dict(result.figures))
        await self._order(session, SelfTest(figures=figures, test=self._test_id))

    def _observing(self) -> ObservedRoom | None:
        """Return what is to be observed of this room's picture and sound; None while it sends nothing of its own."""
        visit = self.terminal.visit
        if visit is None or visit.drill or self.terminal.publication.status is not MediaStatus.UP:
            return None
        _, view = self._connection.views.get(visit.id, (0.0, None))
        counts = view is not None and view.count_heads and view.state in ("live", "held")
        return ObservedRoom(visit.id, counts, view is not None and view.signed is not None)

    async def _send_observed(self, found: Observed) -> None:
        await self._connection.send(found.model_dump_json())

    async def _acknowledge(self, session: str, warning: str) -> None:
        await self._order(session, Acknowledge(warning=warning))

    async def _order(self, session: str, order: Order) -> None:
        self._sent += 1
        await self._connection.send(command(order, self._sent, session).model_dump_json())

    async def _send_welcomed(self, text: str) -> None:
        """Send a message that only a welcomed terminal may send; before that it is dropped."""
        if self.terminal.welcome:
            await self._connection.send(text)

    async def _report_and_stop(self) -> None:
        await self._reports.send()
        self._inbox.put_nowait(StopRequested())

    def _page_alive(self) -> bool | None:
        """Whether the room's page answers, None for a headless terminal."""
        return None if self.room is None else self.room.alive(asyncio.get_running_loop().time())

    async def _request_stop(self, ending: asyncio.Event) -> None:
        await ending.wait()
        self._inbox.put_nowait(StopRequested())

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._media.report_silence()
            self._reports.look()
            self._show()

    async def _report(self, every: float) -> None:
        while True:
            await asyncio.sleep(every)
            self._stats(await self.measure())

    def _show(self) -> None:
        """Have the page show what is so now, and fetch the rules that it will show."""
        if self.room is not None:
            self.room.want_rules(self._to_tell())
            self.room.show(self.screen(), asyncio.get_running_loop().time())

    def screen(self) -> Screen:
        """Return what the room's screen shows now."""
        terminal, views = self.terminal, self._connection.views
        shown = terminal.visit.id if terminal.visit is not None else terminal.ended or ""
        received_at, view = views.get(shown, (0.0, None))
        later = tuple(view for _, view in views.values() if view.state == "scheduled" and view.id != shown)
        rules = self.room.rules.of(shown) if self.room is not None and self._to_tell() == shown else None
        found = Known(
            view=view,
            received_at=received_at,
            later=later,
            rules=rules,
            failed=_failed(self._result, self._checked),
            was_online=terminal.room is not None,
        )
        return screen(terminal, found, asyncio.get_running_loop().time())

    def _to_tell(self) -> str | None:
        """Return the session whose rules the room has still to acknowledge."""
        visit = self.terminal.visit
        return visit.id if visit is not None and self.terminal.to_tell else None

    def _acknowledge_rules(self, language: str, touch: bool) -> None:
        self._inbox.put_nowait(RulesConfirmed(language, Manner.TOUCH if touch else Manner.KEY))

    def confirm(self, warning: str) -> None:
        """Confirm that the room has read the warning with this id."""
        self._inbox.put_nowait(WarningConfirmed(warning))

    def say_finished(self, on: bool) -> None:
        """Send what the room says of its visit: that it has finished, or that it goes on after all."""
        visit = self.terminal.visit
        if visit is not None:
            self._tasks.spawn(self._order(visit.id, Finished(on=on)))

    def facts(self) -> Facts:
        """Return what the officer's screen shows of this terminal."""
        credential, terminal = self._config.credential, self.terminal
        return Facts(
            started=self._started,
            terminal="" if isinstance(credential, str) else credential.terminal,
            key="" if isinstance(credential, str) else credential.key.kind,
            room=terminal.room or "",
            server=self._config.server,
            online=terminal.welcome,
            page=self.room is not None and self.room.here.is_set(),
            testing=terminal.testing,
            meeting=terminal.meeting,
        )

    def request_test(self) -> None:
        """Have the equipment tested as soon as no people meet."""
        self._inbox.put_nowait(TestRequested())

    async def room_tests(self) -> tuple[KeptTest, ...] | None:
        """Return the tests of this room that the server keeps; None where it does not tell."""
        room = self.terminal.room
        return await fetch_tests(self._access, room) if self.terminal.welcome and room else None

    def restart(self) -> None:
        """End the program in order; what runs it starts it again."""
        log.info("restarting by order")
        self.restarts = True
        self._tasks.spawn(self._report_and_stop())

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


def _failed(result: SelfTestResult | None, checked: EquipmentTestView | None) -> tuple[words.Words, ...]:
    """Return what to look at: for each part that does not work at all by the last test, and for each check that has
    failed by the server's verdict."""
    faults = frozenset[str]() if result is None else result.faults
    dead = tuple(text for part, text in words.FAILED.items() if part in faults)
    checks = [] if checked is None else checked.checks
    failed = [check for check in checks if check.verdict == "failed" and check.code not in faults]
    return (*dead, *(words.Words(check.zh, check.en) for check in failed))


def _print_line(stats: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):  # the reader of the statistics may have ended first
        sys.stdout.write(json.dumps(stats) + "\n")
        sys.stdout.flush()
