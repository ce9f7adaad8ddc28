"""The drills of the morning, and what a failed one means for the day: from the set time on the rooms of today's first
visits are tried, one pair after another; where a drill failed, or none can be made any more, the first visit of each of
its rooms is marked, and the officers of both sites are called."""

import asyncio
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import structlog

from broker.control.broker import Broker
from broker.control.drills.conductor import Conductor
from broker.control.journal.journal import Journal
from broker.control.store.drills.results import Drill
from broker.control.store.store import Store
from broker.drills import day
from broker.drills.day import Outcome, Pair
from broker.drills.result import MISSING
from broker.kernel.clock import SHANGHAI, Clock, in_shanghai
from broker.kernel.errors import Conflict, VisitError
from broker.session import events as ev
from broker.session.state import Session

log = structlog.get_logger()
LOOK = 20.0
"""Seconds between looks at the clock, and at visits that were booked meanwhile."""
AUTHOR = "broker"


class Daily(NamedTuple):
    """The settings of daily drills. `at`: their time in Shanghai, None for never; `blocks`: a failed drill keeps the
    day's first visit from READY; `days`: so long drills are kept."""

    at: time | None
    blocks: bool
    days: int


class Morning:
    """Begins the drills of the day, marks visits, and forgets old drills."""

    def __init__(
        self,
        conductor: Conductor,
        broker: Broker,
        store: Store,
        journal: Journal,
        clock: Clock,
        daily: Daily,
    ) -> None:
        self.conductor, self._broker, self._store = conductor, broker, store
        self._journal, self._clock = journal, clock
        self._daily = daily
        self._forgotten: date | None = None
        self._missing: dict[Pair, Outcome] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled. A database that does not answer is asked again."""
        while True:
            try:
                if day.is_time(self._daily.at, self._clock.now().wall):
                    await self.today(AUTHOR)
                await self.mark()
                await self.forget()
            except VisitError as error:
                log.warning("drills of the day not looked at", why=error.code)
            await asyncio.sleep(LOOK)

    async def due(self) -> tuple[Pair, ...]:
        """Return the rooms that have still to be tried today. Raises StorageUnavailable."""
        return day.due(self._sessions(), await self._outcomes(), self._clock.now().wall)

    async def today(self, by: str) -> list[Drill]:
        """Make the drills that are due today, one after another, and return them. Raises StorageUnavailable."""
        made = []
        for pair in await self.due():
            drill = await self._begin(pair, by)
            if drill is not None:
                await self.conductor.wait()
                made.append(await self._store.drill(drill.session))
                await self.mark()
        return made

    async def mark(self) -> None:
        """Tell the visits that today's drills concern how these went. Raises StorageUnavailable."""
        for session, outcome in day.marks(self._sessions(), await self._outcomes(), self._clock.now().wall):
            failed = ev.DrillFailed(outcome.drill, outcome.failed_at or "", self._daily.blocks)
            if outcome.failed_at and (session.drill is None or session.drill.drill != outcome.drill):
                self._broker.tell(session.id, failed)
            elif not outcome.failed_at and session.drill is not None:
                self._broker.tell(session.id, ev.DrillPassed(outcome.drill))

    async def forget(self) -> None:
        """Remove old drills from the store, once a day. Raises StorageUnavailable."""
        now = self._clock.now().wall
        if self._forgotten != now.date():
            await self._store.forget_drills(now - timedelta(days=self._daily.days))
            self._forgotten = now.date()

    async def _begin(self, pair: Pair, by: str) -> Drill | None:
        """Begin a drill; where a visit is too near for one, it is missing, which is noted once."""
        try:
            drill = await self.conductor.begin(pair.prison, pair.visitor, by)
        except Conflict as error:
            if self.conductor.running is None:
                self._miss(pair, error)
            return None
        self._missing.pop(pair, None)
        return drill

    def _miss(self, pair: Pair, error: Conflict) -> None:
        now, rooms = self._clock.now().wall, (pair.prison.room, pair.visitor.room)
        if pair not in self._missing:
            log.warning("no drill could be made", rooms=rooms, why=error.code)
            self._journal.note("DrillMissing", None, AUTHOR, {"rooms": list(rooms)})
            self._missing[pair] = Outcome(f"{MISSING}_{in_shanghai(now):%Y%m%d}", *rooms, now, MISSING)

    async def _outcomes(self) -> list[Outcome]:
        """Return the drills of today and those that are missing."""
        now = self._clock.now().wall
        start = datetime.combine(in_shanghai(now).date(), time.min, tzinfo=SHANGHAI)
        missing = [outcome for outcome in self._missing.values() if outcome.begun_at >= start]
        return [drill.outcome for drill in await self._store.drills_since(start)] + missing

    def _sessions(self) -> list[Session]:
        return [live.session for live in self._broker.sessions()]
