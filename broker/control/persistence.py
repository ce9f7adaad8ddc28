"""What must not be forgotten: every step in the journal, the newest state of each session in the store, and a report to
all sessions when neither can be written any more."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.control.timeline_events import transition
from broker.kernel.clock import Clock
from broker.kernel.errors import StorageUnavailable
from broker.kernel.ids import SessionId
from broker.session import events as ev
from broker.session.effects import Effect, LeaseGate
from broker.session.events import Fact
from broker.session.snapshot import to_json
from broker.session.state import Session

log = structlog.get_logger()
CHECK = 0.25  # seconds between looks at the journal's health
RETRY = 0.5  # seconds before an unsaved snapshot is tried again


def this_boot() -> str:
    """Return the name of the machine's present run, to which its monotonic seconds belong."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class SessionPersistence:
    """Journal entries and snapshots of all sessions. `works` is whether they can be written; `on_change` is called when
    that changes."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, on_change: Callable[[bool], None]) -> None:
        self.works = True
        self._store, self._journal, self._clock, self._on_change = store, journal, clock, on_change
        self._boot = this_boot()
        self._unsaved: dict[SessionId, Session] = {}
        self._has_unsaved = asyncio.Event()

    def record_step(self, before: Session, after: Session, fact: Fact, effects: tuple[Effect, ...]) -> None:
        """Note a fact and what follows; never waits. Leases are noted when they open the gate, not each second."""
        opening = after.gate_open and not before.gate_open
        if not isinstance(fact, ev.TimePassed):
            self._journal.note(ev.kind(fact), after.id, author_of(fact), ev.data(fact))
        for effect in effects:
            if opening or not isinstance(effect, LeaseGate):
                self._journal.note(ev.kind(effect), after.id, "broker", ev.data(effect))
        if after.state is not before.state:
            self._journal.note("StateChanged", after.id, "broker", transition(before, after))
        if differs(before, after):
            self._unsaved[after.id] = after
            self._has_unsaved.set()

    async def watch_journal(self) -> None:
        """Look at the journal's health, until cancelled."""
        while True:
            works = self._journal.healthy(self._clock.now().mono)
            if works != self.works:
                self.works = works
                log.error("journal can be written again" if works else "journal cannot be written")
                self._on_change(works)
            await asyncio.sleep(CHECK)

    async def save_changes(self) -> None:
        """Save sessions as they change, until cancelled."""
        while True:
            await self._has_unsaved.wait()
            self._has_unsaved.clear()
            try:
                await self.save_all()
            except StorageUnavailable:
                self._has_unsaved.set()
                await asyncio.sleep(RETRY)

    async def save_all(self) -> None:
        """Save all sessions that have changed. Raises StorageUnavailable; then the rest stays unsaved."""
        while self._unsaved:
            session_id, session = next(iter(self._unsaved.items()))
            await self._store.save_snapshot(session_id, str(session.state), to_json(session, self._boot))
            if self._unsaved.get(session_id) is session:
                del self._unsaved[session_id]


def author_of(fact: Fact) -> str:
    """Return the author of a fact as the journal names authors: user:…, terminal:…, or what the fact itself has."""
    by = str(getattr(fact, "by", "") or "system")
    if by == "system" or ":" in by:
        return by
    return f"terminal:{by}" if by.startswith("trm_") else f"user:{by}"


def differs(before: Session, after: Session) -> bool:
    """Whether anything but the time of the last lease has changed."""
    return after != replace(before, gate=replace(before.gate, leased_at=after.gate.leased_at))
