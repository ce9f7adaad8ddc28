"""The people and machines around a visit: terminals of rooms, officers with their pages, and what they truly do."""

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

from broker.booking.slot import Slot
from broker.kernel.errors import VisitError
from broker.kernel.ids import SessionId, Side, SiteId, UserId
from broker.presence.presence import Report
from broker.presence.quorum import Watcher, name_of
from tests.simulation.world import media
from tests.simulation.world.front import Unreachable
from tests.simulation.world.lines import Line, publication, subscription
from tests.simulation.world.visits import Visit

if TYPE_CHECKING:
    from tests.simulation.world.world import World

RETRY = 1.0
"""Seconds between attempts to connect, and between a page's reports."""
SHOWS = 1.0
"""Seconds without a packet after which a page sees that a picture stands still."""


class Room:
    """The terminal of one room in one visit: it publishes its side and watches the other one."""

    def __init__(self, world: "World", slot: Slot, number: int, side: Side) -> None:
        self._world, self.slot, self.side = world, slot, side
        self._source = media.Source(number, list(Side).index(side), world.chance.randrange(1 << 31))
        self.publishing, self.watching = Line(world), Line(world)
        self.power = self.screen = True
        self.disorder: random.Random | None = None
        """While it is set, datagrams come twice and out of order."""
        self._delay = world.chance.uniform(0.005, 0.03)

    async def run(self) -> None:
        """Be there until the visit is over."""
        self._world.loop.create_task(self._send())
        self._world.loop.create_task(self._report())
        while not self._world.over:
            with suppress(Unreachable, VisitError):
                await self._connect()
            await asyncio.sleep(self._world.chance.uniform(0.8, 1.2) * RETRY)

    async def _connect(self) -> None:
        session, terminal = self.slot.session, f"terminal:trm_{self.side}"
        if not self.power or not self.publishing.up:
            return
        if not self._world.open(session):
            return
        if not self.publishing.alive:
            self._source.reconnect(self._world.chance.randrange(1 << 31))
            await self.publishing.open(publication(session, self.side), terminal)
        if not self.watching.alive and self.screen:
            await self.watching.open(subscription(session, self.side.other, terminal, True), terminal)
        self._tell_truth()

    async def _send(self) -> None:
        world, start = self._world, self._world.scheduler.now
        while not world.over:
            if self.power and self.publishing.alive and self.publishing.peer.ready:  # type: ignore[union-attr]
                now = world.scheduler.now
                self._put(self._source.next(now, start))
            await asyncio.sleep(media.STEP)

    def _put(self, datagrams: list[bytes]) -> None:
        if self.disorder is None:
            self.publishing.send(datagrams, self._delay)
            return
        for datagram in datagrams:
            for _ in range(self.disorder.choice((1, 1, 2))):
                self.publishing.send([datagram], self._delay + self.disorder.uniform(0.0, 0.3))

    async def _report(self) -> None:
        while not self._world.over:
            if self.power:
                self.publishing.report()
                if self.screen:
                    self.watching.report()
                self._tell_truth()
            await asyncio.sleep(0.5)

    def _tell_truth(self) -> None:
        """Note whether the room really could receive and send now."""
        can = self.power and self.publishing.up
        now, story, session = self._world.scheduler.now, self._world.story, self.slot.session
        story.truth("sends", session, str(self.side)).set(now, can and self.publishing.alive)
        story.truth("receives", session, str(self.side)).set(now, can and self.screen and self.watching.alive)

    def set_garbled(self, on: bool) -> None:
        """Let the terminal's encoder send pictures that cannot be decoded, or good ones again."""
        self._source.garbled = on

    def set_power(self, on: bool) -> None:
        """Let the terminal go off, or on again."""
        self.power = on
        self._tell_truth()

    def set_screen(self, on: bool) -> None:
        """Let the terminal not watch the far side: its player has failed."""
        self.screen = on
        self.watching.up = on and self.publishing.up
        self._tell_truth()

    def set_line(self, up: bool) -> None:
        """Let the room's network fail, or work again."""
        self.publishing.up = up
        self.watching.up = up and self.screen
        self._tell_truth()


class Officer:
    """A supervisor of one site, with one page on which the pictures of their visits are shown."""

    def __init__(self, world: "World", user: str, site: str) -> None:
        self._world = world
        self.watcher = Watcher(UserId(user), SiteId(site))
        self.page = f"page-{user}"
        self.visits: list[Visit] = []
        self.there = self.visible = self.answers = self.page_up = True
        self.lines: dict[tuple[SessionId, Side], Line] = {}
        self.line_up = True

    @property
    def name(self) -> str:
        """The name of the officer in the story."""
        return f"{self.watcher.user}@{self.watcher.site}"

    @property
    def duty(self) -> list[SessionId]:
        """The sessions that this officer watches now: those whose time has come."""
        now = self._world.scheduler.now
        return [v.slot.session for v in self.visits if v.plan.starts - 12.0 <= now < v.plan.ends + 20.0]

    async def run(self) -> None:
        """Watch until the world ends."""
        self._world.loop.create_task(self._report_on())
        self._world.loop.create_task(self._see())
        while not self._world.over:
            with suppress(Unreachable, VisitError):
                await self._connect()
            await asyncio.sleep(self._world.chance.uniform(0.8, 1.2) * RETRY)

    async def _connect(self) -> None:
        if not self.there or not self.line_up:
            return
        for session in self.duty:
            for side in Side if self._world.open(session) else ():
                line = self.lines.setdefault((session, side), Line(self._world))
                line.up = self.line_up and self.there
                if not line.alive:
                    name = name_of(self.watcher, self.page)
                    await line.open(subscription(session, side, name, False), f"user:{self.watcher.user}")

    async def _report_on(self) -> None:
        world = self._world
        while not world.over:
            if self.there and self.page_up and self.line_up:
                with suppress(Unreachable, VisitError):
                    await world.front.ask(self._tell)
            await asyncio.sleep(RETRY)

    def _tell(self, broker: object) -> None:
        now = self._world.scheduler.now
        showing = frozenset(key for key, line in self.lines.items() if now - line.received_at < SHOWS)
        report = Report(self.visible, showing if self.visible else frozenset(), frozenset(self.duty))
        broker.page_report(self.watcher, self.page, report)  # type: ignore[attr-defined]
        prompt = broker.standing(self.watcher).prompt  # type: ignore[attr-defined]
        if prompt is not None and self.answers and self.visible:
            broker.answer(self.watcher, prompt.id)  # type: ignore[attr-defined]

    async def _see(self) -> None:
        """Send the browser's reports, and keep the truth."""
        while not self._world.over:
            if self.there:
                for line in self.lines.values():
                    line.report()
            self.tell_truth()
            await asyncio.sleep(0.5)

    def tell_truth(self) -> None:
        """Note whether this officer really watches: the page is open, seen, and connected to both rooms."""
        now, story = self._world.scheduler.now, self._world.story
        for session in self.duty:
            lines = [self.lines.get((session, side)) for side in Side]
            connected = all(line is not None and line.up and line.alive for line in lines)
            really = connected and self.there and self.visible and self.page_up
            story.truth("watches", session, self.watcher.site, self.watcher.user).set(now, really)

    def set_page(self, attribute: str, on: bool) -> None:
        """Let the page be hidden (`visible`), silent (`page_up`), or its officer asleep (`answers`), or no longer."""
        setattr(self, attribute, on)
        self.tell_truth()

    def set_line(self, up: bool) -> None:
        """Let the officer's network fail, or work again."""
        self.line_up = up
        for line in self.lines.values():
            line.up = up and self.there
        self.tell_truth()

    def leave(self) -> None:
        """Close the page, as an officer who leaves does."""
        self.there = False
        for line in self.lines.values():
            line.up = False
        self.tell_truth()

    def come(self) -> None:
        """Open the page again, with new connections."""
        self.there = True
        self.lines = {}


__all__ = ["Officer", "Room", "random"]
