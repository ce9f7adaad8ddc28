"""What stands on record about sessions, read anew: at take-up, once a second while the service runs, and at once when
an interface has written. Commands and other processes write rows of which nothing else tells this process; what follows
from them is decided by `broker.session.take_up`."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

import structlog

from broker.booking.slot import Slot
from broker.control.session_runner import SessionRunner
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import VisitError
from broker.kernel.ids import SessionId
from broker.session.state import State
from broker.session.take_up import OnRecord, due

log = structlog.get_logger()
PERIOD = 1.0
"""Seconds between two readings: a withdrawn approval ends its visit within them."""
NEAR = timedelta(hours=36)
"""Visits that begin later than this are not asked about yet; they are, long before their check-in."""


class RowWatch:
    """The rows behind the running sessions. `sessions` are the broker's; each change is given to its runner."""

    def __init__(self, store: Store, clock: Clock, sessions: Mapping[SessionId, SessionRunner]) -> None:
        self._store, self._clock, self._sessions = store, clock, sessions
        self._lock = asyncio.Lock()

    async def run(self) -> None:
        """Read the rows periodically until cancelled. A database that does not answer changes nothing here: the
        journal's health shuts the gates."""
        while True:
            await asyncio.sleep(PERIOD)
            try:
                await self.read()
            except VisitError as error:
                log.warning("rows not read", why=error.code)

    async def read(self) -> None:
        """Read the rows of all sessions that run or begin soon, and give each what it lacks. Raises
        StorageUnavailable."""
        async with self._lock:  # an older reading must not undo a newer one
            running = list(self._running())
            records = await on_record(self._store, [live.session.slot for live in running])
            for live in running:
                agree(live, records[live.session.id])

    def _running(self) -> Iterable[SessionRunner]:
        until = self._clock.now().wall + NEAR
        for live in self._sessions.values():
            if live.session.state is not State.ENDED and live.session.slot.starts_at <= until:
                yield live


async def on_record(store: Store, slots: list[Slot]) -> dict[SessionId, OnRecord]:
    """Return what stands on record about these visits, but for their extensions. Raises StorageUnavailable."""
    if not slots:
        return {}
    withdrawn = await store.withdrawals(min(slot.ends_at for slot in slots))
    waiting = [slot.session for slot in slots if slot.awaits_approval]
    standing = await store.slots_of(waiting) if waiting else {}
    bars = await store.bars_of(slots)
    return {
        slot.session: OnRecord(standing.get(slot.session, slot), withdrawn.get(slot.session), bars=bars[slot.session])
        for slot in slots
    }


def agree(live: SessionRunner, record: OnRecord) -> None:
    """Give a session the facts that make it agree with what is on record."""
    for fact in due(live.session, record):
        live.take(fact)
