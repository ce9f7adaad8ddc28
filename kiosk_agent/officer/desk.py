"""The officer's screen of one terminal: it asks for the PIN, shows what the terminal knows of itself, and carries out
what an officer orders. A visit is never left or covered: while people meet, the volume alone can be changed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec

from broker.kernel.clock import Clock, SystemClock
from broker.kernel.tasks import Tasks
from config import private_files
from kiosk_agent.officer import pin, words
from kiosk_agent.officer.attempts import Attempts, AttemptsFile
from kiosk_agent.officer.choices import Choices, ChoicesFile
from kiosk_agent.officer.export import Contents, ExportError, export
from kiosk_agent.officer.history import EquipmentHistory, KeptTest
from kiosk_agent.officer.levels import Opened
from kiosk_agent.officer.report import Facts, groups, history
from kiosk_agent.officer.usb import UsbFinder
from kiosk_agent.officer.versions import Versions, versions
from kiosk_agent.officer.view import CLOSED, Device, Figures, Level, OfficerView
from kiosk_agent.room.messages import (
    AgentMessage,
    Chosen,
    DevicesFound,
    OfficerActive,
    OfficerAsked,
    OfficerLeft,
    OfficerMessage,
    OfficerOrdered,
    PinTyped,
    Settings,
    ShowOfficer,
)
from kiosk_agent.room.words import Words

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between looks at what the open screen shows."""
FETCH_EVERY = 15.0
"""Seconds after which the server's list of tests is asked for again while the screen is open."""


class OfficerAgent(Protocol):
    """What the officer's screen asks of the terminal, and has it do."""

    def facts(self) -> Facts:
        """Return what the terminal knows of itself now."""

    def request_test(self) -> None:
        """Have the equipment tested as soon as no people meet."""

    async def room_tests(self) -> tuple[KeptTest, ...] | None:
        """Return the tests of this room that the server keeps, the newest first; None where it does not tell."""

    def restart(self) -> None:
        """End the agent in order, so that it is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerPlaces:
    """Places of one terminal's files, each None where nothing is kept; `defaults` of kiosk.toml; `browser` is the
    program whose version is shown."""

    pin: Path | None = None
    state: Path | None = None
    logs: Path | None = None
    defaults: Choices = field(default_factory=Choices)
    browser: str | None = None
    usb: UsbFinder = field(default_factory=UsbFinder)

    def file(self, name: str) -> Path | None:
        """Return the path of a file of the terminal's state."""
        return None if self.state is None else self.state / name


class OfficerDesk:
    """The screen behind the PIN. `send` sends to the page. Everything that blocks runs in threads."""

    def __init__(
        self,
        places: OfficerPlaces,
        agent: OfficerAgent,
        send: Callable[[AgentMessage], None],
        clock: Clock | None = None,
    ) -> None:
        self._places, self._agent, self._send = places, agent, send
        self._clock = clock or SystemClock()
        self._attempts = AttemptsFile(places.file("officer-attempts.json"))
        self._choices_file = ChoicesFile(places.file("choices.json"), places.defaults)
        self._history = EquipmentHistory(places.file("tests.json"))
        self.choices = self._choices_file.read()
        self._listed: tuple[KeptTest, ...] | None = None
        self._fetch_at = 0.0
        self._opened = Opened()
        self._view = CLOSED
        self._note: Words | None = None
        self._trouble = False
        self._wait_until = 0.0
        self._devices: tuple[Device, ...] = ()
        self._versions = Versions()
        self._exporting: float | None = None
        self._checking = False
        self._writing = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        self._tasks = Tasks()

    def page_opened(self) -> None:
        """Tell a new page what was chosen; the screen is closed there."""
        self._opened = Opened()
        self._view = CLOSED
        self._send(Settings(choices=self.choices))

    def tested(self, figures: Figures, faults: frozenset[str]) -> None:
        """Keep the result of an equipment test."""
        self._history.add(
            KeptTest(self._clock.now().wall.isoformat(timespec="seconds"), figures, tuple(sorted(faults)))
        )
        self._tasks.spawn(self._kept(self._history.write))
        self._show()

    def take(self, message: OfficerMessage) -> None:
        """Take a message of the page. What the present level does not allow is ignored."""
        now, level = self._settle(), self._opened.level
        match message:
            case OfficerAsked():
                self._ask(now)
            case OfficerLeft():
                self._opened = Opened()
            case PinTyped(pin=typed) if level is Level.PIN and not self._checking:
                self._opened = self._opened.used(now)
                self._checking = True
                self._tasks.spawn(self._try(typed))
            case OfficerActive() if level is not Level.CLOSED:
                self._opened = self._opened.used(now)
            case DevicesFound(devices=devices):
                self._devices = devices
            case Chosen() if level in (Level.OPEN, Level.VOLUME):
                self._opened = self._opened.used(now)
                self._choose(message, level)
            case OfficerOrdered(order=order) if level is Level.OPEN:
                self._opened = self._opened.used(now)
                self._order(order)
            case _:
                log.info("the officer's screen ignores a message", extra={"level": level})
        self._show()

    async def close(self) -> None:
        """End all work in the background. An export that was under way leaves no half file behind."""
        await self._tasks.close()

    # ---- the PIN -----------------------------------------------------------------------------------------------------

    def _ask(self, now: float) -> None:
        if self._opened.level is Level.CLOSED:
            wall = self._wall()
            self._wait_until = wall + self._attempts.at(wall).wait(wall)
            self._note, self._trouble = None, False
            self._looking = self._looking or self._tasks.spawn(self._look())
            self._tasks.spawn(self._prepare())
        self._opened = self._opened.asked(now)

    async def _prepare(self) -> None:
        """Find out the versions of what runs here, which do not change."""
        if self._versions == Versions():
            self._versions = await versions(self._places.browser)
        self._show()

    async def _try(self, typed: str) -> None:
        """Look at a PIN, and open the screen where it is the right one."""
        try:
            note = await self._refusal(typed)
        finally:
            self._checking = False
        if note is None and self._opened.level is Level.PIN:
            log.warning("the officer's screen is opened")
            self._opened = self._opened.entered(self._agent.facts().meeting, self._now())
        elif note is not None:
            log.warning("the officer's screen stays closed")
        self._say(note, note is not None)

    async def _refusal(self, typed: str) -> Words | None:
        """Return None for the right PIN, else what to say. The attempt counts as a wrong one before it is looked at."""
        file, wall = self._places.pin, self._wall()
        if file is None or not file.exists():
            return words.NO_PIN
        attempts = self._attempts.at(wall)
        if attempts.wait(wall) > 0:
            return words.WAIT
        attempts = attempts.tried(wall)
        self._attempts.note(attempts)
        self._wait_until = wall + attempts.wait(wall)
        try:
            async with self._writing:
                await asyncio.to_thread(self._attempts.write)
            if not await asyncio.to_thread(pin.fits, file, typed):
                return words.wrong(attempts.left)
        except private_files.NotPrivate:
            return words.PIN_FILE
        except OSError:
            return words.NO_COUNT
        self._attempts.note(Attempts())
        self._tasks.spawn(self._kept(self._attempts.write))
        return None

    # ---- orders ------------------------------------------------------------------------------------------------------

    def _choose(self, message: Chosen, level: Level) -> None:
        """Apply what was chosen, at once, and keep it. While people meet that is the volume."""
        chosen = {name: value for name, value in msgspec.structs.asdict(message).items() if value is not None}
        if level is Level.VOLUME:
            chosen = {name: value for name, value in chosen.items() if name == "volume"}
        self.choices = msgspec.structs.replace(self.choices, **chosen)
        self._send(Settings(choices=self.choices))
        choices = self.choices
        self._tasks.spawn(self._kept(lambda: self._choices_file.write(choices)))

    def _order(self, order: str) -> None:
        if order == "test":
            self._agent.request_test()
            self._say(words.TEST_BEGINS)
        elif order == "restart":
            log.warning("an officer has the agent start again")
            self._say(words.RESTARTING)
            self._agent.restart()
        elif self._exporting is None:
            self._exporting = 0.0
            self._tasks.spawn(self._export())

    async def _export(self) -> None:
        """Write the logs onto the medium with the most room."""
        loop = asyncio.get_running_loop()

        def progress(share: float) -> None:
            loop.call_soon_threadsafe(self._progress, share)

        try:
            contents, moment = self._contents(), self._clock.now().wall
            name = f"huijian-{self._agent.facts().terminal or 'terminal'}-{moment:%Y%m%d-%H%M%S}"
            places = await asyncio.to_thread(self._places.usb.find)
            if not places:
                raise ExportError("none")
            found = await asyncio.to_thread(export, contents, places[0].folder, name, moment.timestamp(), progress)
        except ExportError as error:
            log.warning("the logs are not exported", extra={"code": error.code})
            self._say(words.EXPORT_FAILED[error.code], True)
        else:
            log.warning("the logs are exported", extra={"bytes": found.size, "sha256": found.sha256})
            self._say(words.exported(found.file.name, found.sha256))
        finally:
            self._exporting = None
            self._show()

    def _contents(self) -> Contents:
        """Return what an export holds: log files, tests, and what the terminal is."""
        logs, facts = self._places.logs, self._agent.facts()
        about: dict[str, Any] = {
            **self._versions._asdict(),
            "terminal": facts.terminal,
            "room": facts.room,
            "key": facts.key,
            "started": facts.started.isoformat(timespec="seconds"),
        }
        files = sorted(logs.glob("kiosk.log*")) if logs is not None else []
        return Contents(files, {"about.json": about, "tests.json": self._history.to_json()})

    def _progress(self, share: float) -> None:
        if self._exporting is not None:
            self._exporting = round(share, 2)
            self._show()

    async def _kept(self, write: Callable[[], None]) -> None:
        try:
            async with self._writing:  # one file at a time, each with the newest content
                await asyncio.to_thread(write)
        except OSError as error:
            log.warning("the terminal's state is not written", extra={"error": error})
            self._say(words.NOT_KEPT, True)

    # ---- what is shown -----------------------------------------------------------------------------------------------

    def _say(self, note: Words | None, trouble: bool = False) -> None:
        self._note, self._trouble = note, trouble
        self._show()

    async def _look(self) -> None:
        """Show what changes with time while the screen is open."""
        while self._opened.level is not Level.CLOSED:
            await asyncio.sleep(EVERY)
            now = self._settle()
            if self._opened.level is Level.OPEN and now >= self._fetch_at:
                self._fetch_at = now + FETCH_EVERY
                self._tasks.spawn(self._fetch())
            self._show()
        self._looking = None

    async def _fetch(self) -> None:
        self._listed = await self._agent.room_tests()
        self._show()

    def _settle(self) -> float:
        """Close what is over, and return the present moment."""
        now = self._now()
        self._opened = self._opened.due(self._agent.facts().meeting, now)
        return now

    def _show(self) -> None:
        view = self._now_shown()
        if view != self._view:
            self._view = view
            self._send(ShowOfficer(view=view))

    def _now_shown(self) -> OfficerView:
        level, facts = self._opened.level, self._agent.facts()
        if level is Level.CLOSED:
            return CLOSED
        view = OfficerView(
            level=level,
            strip=facts.meeting,
            note=words.IN_VISIT if level is Level.VOLUME and self._note is None else self._note,
            trouble=self._trouble,
            wait=max(0, round(self._wait_until - self._wall())) if level is Level.PIN else 0,
            leaves=self._opened.leaves_in(self._now()),
            choices=self.choices,
        )
        return view if level is not Level.OPEN else self._with_report(view, facts)

    def _with_report(self, view: OfficerView, facts: Facts) -> OfficerView:
        own = self._history.tests
        return msgspec.structs.replace(
            view,
            groups=groups(facts, self._versions, own[0].figures if own else {}),
            tests=history(own if self._listed is None else self._listed),
            devices=self._devices,
            testing=facts.testing,
            exporting=self._exporting,
        )

    def _now(self) -> float:
        return self._clock.now().mono

    def _wall(self) -> float:
        return self._clock.now().wall.timestamp()
