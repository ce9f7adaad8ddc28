"""The keeper of the history: it writes a visit when it is booked, begins, ends and is archived, completes what the
index lacks at each start, and removes the names of people with their recordings. It waits for the database and never
holds up a visit: the index can be made anew."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from broker.booking.slot import Slot
from broker.control.broker import Broker
from broker.control.journal.entry import Entry
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.history.visit import Visit
from broker.kernel.clock import Clock
from broker.kernel.errors import NotFound, VisitError
from broker.kernel.ids import SessionId
from broker.session.state import Session
from config.settings import Settings
from recorder.retention.rules import LEAST_MONTHS
from signaling.history.relisten import relisten_due
from signaling.history.sources import Sources

log = structlog.get_logger()
BATCH = 20
"""Visits of one transaction when the index is completed: so long a session that changes waits to be written."""
PACE = 0.02
"""Seconds for each visit that the completion of the index leaves to others, beside running visits."""
RETRY = 2.0
"""Seconds until a visit is tried again that could not be written."""
SWEEP = 300.0
"""Seconds between looks for names whose time is over."""
AT_ONCE = 500


class HistoryKeeper:
    """Keeps the history of one installation. `handle_session` takes in that a session has changed; `run` writes."""

    def __init__(self, sources: Sources, store: Store, journal: Journal, clock: Clock, settings: Settings) -> None:
        self._sources, self._store, self._journal, self._clock = sources, store, journal, clock
        self._settings = settings
        self._seen: dict[SessionId, object] = {}
        self._waiting: dict[SessionId, None] = {}
        self._work, self._writing = asyncio.Event(), asyncio.Lock()

    def handle_session(self, session: SessionId, signature: object) -> None:
        """Write a session anew if its `signature`, what the history shows of it, has changed."""
        if self._seen.get(session) != signature:
            self._seen[session] = signature
            self.want(session)

    def want(self, session: SessionId) -> None:
        """Write a session anew: something was added to its journal."""
        self._waiting[session] = None
        self._work.set()

    async def run(self) -> None:
        """Write sessions as they change, and complete the index beside, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._until_it_works(self.complete))
            tasks.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await self._until_it_works(self.sweep)
            with suppress(TimeoutError):
                async with asyncio.timeout(SWEEP):
                    await self._write_on()

    async def _write_on(self) -> None:
        while True:
            await self._work.wait()
            await self._until_it_works(self.settle)

    async def _until_it_works(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do `work`, again and again while it is refused. Any other fault is logged and left, because the history of
        later visits must be written."""
        while True:
            try:
                await work()
                return
            except VisitError as error:
                log.warning("the history waits for the database", why=error.code)
                await asyncio.sleep(RETRY)
            except Exception as error:  # by its type alone: the words of a database's error may hold names
                log.error("a part of the history was not written", why=type(error).__name__)
                return

    async def settle(self) -> None:
        """Write all sessions that wait. Raises VisitError; then they still wait."""
        self._work.clear()
        while self._waiting or self._writing.locked():
            async with self._writing:
                for session in list(self._waiting)[:1]:
                    del self._waiting[session]
                    await self._settle(session)

    async def _settle(self, session: SessionId) -> None:
        try:
            await self._journal.flush_own()
            await self._write([await self._store.slot_of_session(session)])
        except NotFound:
            pass  # a session of a slot that was never stored
        except (VisitError, asyncio.CancelledError):
            self.want(session)
            raise
        except Exception as error:
            log.error("a visit is missing in the history", session=session, why=type(error).__name__)

    async def entries(self, session: str) -> list[Entry]:
        """Return all entries of the journal about a session. Raises StorageUnavailable."""
        await self._journal.flush_own()
        return await self._sources.entries(session)

    async def _write(self, found: Sequence[Slot]) -> None:
        batch: list[Visit] = []
        for slot in found:
            if not slot.drill and (visit := await self._visit(slot)) is not None:
                batch.append(visit)
            await asyncio.sleep(0)
        await self._store.index_visits(batch, {visit.slot.session: self._due(visit) for visit in batch})

    async def _visit(self, slot: Slot) -> Visit | None:
        """Return a visit from its sources; None where they are damaged, which must not keep others from being found.
        Raises VisitError."""
        try:
            return await self._sources.visit(slot, self._clock.now().wall)
        except VisitError:
            raise
        except Exception as error:
            log.error("a visit is missing in the history", session=slot.session, why=type(error).__name__)
            return None

    async def complete(self, everything: bool = False, pace: float = PACE) -> int:
        """Write the visits that the index lacks or of which more may be known since, or all; return how many. `pace`:
        seconds for each that are left to others. Raises StorageUnavailable."""
        count, after = 0, ""
        while found := await self._store.slots_to_index(after, BATCH, everything):
            async with self._writing:
                await self._write(found)
            count, after = count + len(found), found[-1].id
            await asyncio.sleep(pace * len(found))
        return count

    async def sweep(self) -> int:
        """Remove the names of people whose recordings were deleted, or whose visits had none and ended so long ago;
        return of how many visits. Raises StorageUnavailable."""
        now, count = self._clock.now().wall, 0
        oldest = now - timedelta(days=28 * LEAST_MONTHS)  # before the earliest due date
        after: tuple[int, int] | None = None
        while found := await self._store.named_before(oldest, after, AT_ONCE):
            ends = [(row.session, row.ended_at or datetime.fromtimestamp(row.moment, UTC)) for row in found]
            gone = await self._sources.unnamed(ends, now)
            count += await self._store.forget_people(gone)
            for session in gone:  # its state is another one, too, without the film
                self.want(SessionId(session))
            after = found[-1].moment, found[-1].id
            await asyncio.sleep(0)
        return count

    def _due(self, visit: Visit) -> datetime | None:
        if visit.film is None or visit.ending is None:
            return None
        share, days = self._settings.relisten_share, self._settings.relisten_days
        return relisten_due(visit.slot.session, visit.ending.at, share, days)


def running_session(broker: Broker) -> Callable[[SessionId], Session | None]:
    """Return what finds a session of the broker; None for sessions that it does not have."""

    def session(id: SessionId) -> Session | None:
        try:
            return broker.live(id).session
        except NotFound:
            return None

    return session


def follow_history(broker: Broker, history: HistoryKeeper, id: SessionId) -> None:
    """Have a session written anew when it begins, ends, or its recording has come to an end."""
    try:
        live = broker.live(id)
    except VisitError:
        return
    session = live.session
    history.handle_session(id, (session.state, session.end is not None, live.recording.state in ("archived", "failed")))
