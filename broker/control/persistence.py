"""What must not be forgotten: every step in the journal, the newest state of each session in the store, and a report to
all sessions when neither can be written any more."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from broker.booking.absence import Absence, noted
from broker.booking.rebooking import Rebooking, requested
from broker.control.journal.journal import Journal
from broker.control.rules.session_rules import pack_facts
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
from config.policy import Policy

log = structlog.get_logger()
CHECK = 0.25  # seconds between looks at the journal's health
PEOPLE = ("user", "terminal", "integrator")
"""How the names of authors begin who are not a part of the system."""
RETRY = 0.5  # seconds before an unsaved snapshot is tried again


def this_boot() -> str:
    """Return the name of the machine's present run, to which its monotonic seconds belong."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


class SessionPersistence:
    """Journal entries and snapshots of all sessions. `works` is whether they can be written; `on_change` is called when
    that changes, `on_ended` with what follows the end of a session, once it is stored."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        clock: Clock,
        on_change: Callable[[bool], None],
        on_ended: Callable[[SessionId, Rebooking | None, Absence | None], None],
    ) -> None:
        self.works = True
        self._store, self._journal, self._clock = store, journal, clock
        self._on_change, self._on_ended = on_change, on_ended
        self._boot = this_boot()
        self._unsaved: dict[SessionId, tuple[Session, Policy]] = {}
        self._packs: dict[str, Policy | None] = {}  # by hash; None once it is stored
        self._has_unsaved = asyncio.Event()

    def record_step(
        self, before: Session, after: Session, fact: Fact, effects: tuple[Effect, ...], policy: Policy
    ) -> None:
        """Note a fact and what follows; never waits. Leases are noted when they open the gate, not each second."""
        opening = after.gate_open and not before.gate_open
        if not isinstance(fact, ev.TimePassed):
            self._note_fact(before, after, fact, effects)
        for effect in effects:
            if opening or not isinstance(effect, LeaseGate):
                self._journal.note(ev.kind(effect), after.id, "broker", ev.data(effect))
        if after.state is not before.state:
            self._journal.note("StateChanged", after.id, "broker", transition(before, after))
        if isinstance(fact, ev.HoldOrdered | ev.EndOrdered):
            self._note_cause(after.id, fact.article, policy)
        if after.pack != before.pack:
            self._journal.note("PackFrozen", after.id, "broker", pack_facts(policy))
        if after.pack == policy.sha256:
            self._packs.setdefault(after.pack, policy)
        if differs(before, after):
            self._unsaved[after.id] = after, policy
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
            session_id, change = next(iter(self._unsaved.items()))
            session, policy = change
            await self._keep_pack(session.pack)
            data = to_json(session, self._boot)
            follows = requested(session, policy), noted(session)
            await self._store.save_snapshot(session_id, str(session.state), data, *follows)
            if any(follows):
                self._on_ended(session_id, *follows)
            if self._unsaved.get(session_id) is change:
                del self._unsaved[session_id]

    def _note_fact(self, before: Session, after: Session, fact: Fact, effects: tuple[Effect, ...]) -> None:
        """Note a fact: what a person or a terminal has said without changing anything is a request among others."""
        author, data = author_of(fact), ev.data(fact)
        if effects or differs(before, after) or author.partition(":")[0] not in PEOPLE:
            self._journal.note(ev.kind(fact), after.id, author, data)
        else:
            self._journal.note_request(ev.kind(fact), after.id, author, data)

    def _note_cause(self, session: SessionId, code: str, policy: Policy) -> None:
        """Note the cause of a stop that has to be announced, and by whom (Guangdong 36)."""
        cause = policy.intervention(code)
        if cause is not None and cause.issuer is not None:
            data = {"article": code, "cause": cause.title_zh, "issuer": str(cause.issuer)}
            self._journal.note("AnnouncementDue", session, "broker", data)

    async def _keep_pack(self, sha256: str) -> None:
        """Store the pack that a session names, before the session itself."""
        if (policy := self._packs.get(sha256)) is not None:
            await self._store.keep_pack(policy)
            self._packs[sha256] = None


def author_of(fact: Fact) -> str:
    """Return the author of a fact as the journal names authors: user:…, terminal:…, or what the fact itself has."""
    by = str(getattr(fact, "by", "") or "system")
    if by == "system" or ":" in by:
        return by
    return f"terminal:{by}" if by.startswith("trm_") else f"user:{by}"


def differs(before: Session, after: Session) -> bool:
    """Whether anything but the time of the last lease has changed."""
    return after != replace(before, gate=replace(before.gate, leased_at=after.gate.leased_at))
