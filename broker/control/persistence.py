"""What must not be forgotten: every step in the journal, the newest state of each session in the store, and a word to
all sessions when neither can be written any more."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import Clock, Instant
from broker.kernel.errors import StorageUnavailable
from broker.kernel.ids import SessionId
from broker.session import events as ev
from broker.session.effects import AlertOver, AlertRaised, Effect, LeaseGate
from broker.session.events import Fact
from broker.session.snapshot import to_json
from broker.session.state import Session, State

log = structlog.get_logger()
CHECK = 0.25  # seconds between looks at the journal's health
MOST_KEPT = 500  # actions of one session kept while nothing is recorded yet
PATIENCE = 0.5  # seconds before an unsaved snapshot is tried again


def this_boot() -> str:
    """Names the run of the machine to which monotonic seconds belong."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Keeper:
    """Journal and snapshots. `works` is whether they can be written; `on_change` is told when that changes."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, on_change: Callable[[bool], None]) -> None:
        self.journal, self.works = journal, True
        self._store, self._clock, self._on_change = store, clock, on_change
        self._boot = this_boot()
        self._unsaved: dict[SessionId, Session] = {}
        self._something = asyncio.Event()

    def stepped(self, before: Session, after: Session, fact: Fact, effects: tuple[Effect, ...]) -> None:
        """Note a fact and what follows; never waits. Leases are noted when they open the gate, not each second."""
        opening = after.gate_open and not before.gate_open
        if not isinstance(fact, ev.TimePassed):
            self.journal.note(ev.kind(fact), after.id, author_of(fact), ev.data(fact))
        for effect in effects:
            if opening or not isinstance(effect, LeaseGate):
                self.journal.note(ev.kind(effect), after.id, "broker", ev.data(effect))
        if after.state is not before.state:
            self.journal.note("StateChanged", after.id, "broker", moved(before, after))
        if differs(before, after):
            self._unsaved[after.id] = after
            self._something.set()

    async def watch(self) -> None:
        """Look at the journal's health, for ever."""
        while True:
            works = self.journal.healthy(self._clock.now().mono)
            if works != self.works:
                self.works = works
                log.error("journal can be written again" if works else "journal cannot be written")
                self._on_change(works)
            await asyncio.sleep(CHECK)

    async def save_on(self) -> None:
        """Save what has changed, for ever."""
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self.save_all()
            except StorageUnavailable:
                self._something.set()
                await asyncio.sleep(PATIENCE)

    async def save_all(self) -> None:
        """Save what has changed. Raises StorageUnavailable; what is unsaved stays so."""
        while self._unsaved:
            session_id, session = next(iter(self._unsaved.items()))
            await self._store.save_snapshot(session_id, str(session.state), to_json(session, self._boot))
            if self._unsaved.get(session_id) is session:
                del self._unsaved[session_id]


def author_of(fact: Fact) -> str:
    """Whose fact it is, as the journal names authors everywhere: user:…, terminal:…, or what the fact itself says."""
    by = str(getattr(fact, "by", "") or "system")
    if by == "system" or ":" in by:
        return by
    return f"terminal:{by}" if by.startswith("trm_") else f"user:{by}"


def differs(before: Session, after: Session) -> bool:
    """Whether anything but the time of the last lease has changed."""
    return after != replace(before, gate=replace(before.gate, leased_at=after.gate.leased_at))


def moved(before: Session, after: Session) -> dict[str, Any]:
    """A change of state in words of the journal and the timeline."""
    told: dict[str, Any] = {"from": str(before.state), "to": str(after.state)}
    if after.end is not None and after.state is State.ENDED:
        told |= {"reason": str(after.end.reason), "article": after.end.article, "cause": after.end.cause}
    return told


def state_change(before: Session, after: Session) -> dict[str, Any] | None:
    """A change of state, for the recording's timeline."""
    return {"kind": "state", **moved(before, after)} if after.state is not before.state else None


def action(fact: Fact) -> dict[str, Any] | None:
    """What an officer did, for the recording's timeline: the words of the journal under one kind."""
    return {"kind": "action", "what": ev.kind(fact), **ev.data(fact)} if isinstance(fact, ev.ACTIONS) else None


class Foreword:
    """What officers did and were asked before the recorder wrote, kept for its timeline: nothing of it is missing.
    `note` puts an event of a moment on a session's timeline."""

    def __init__(self, note: Callable[[str, dict[str, Any], Instant], None]) -> None:
        self._note = note
        self._kept: dict[SessionId, deque[tuple[dict[str, Any], Instant]]] = {}

    def stepped(
        self,
        before: Session,
        after: Session,
        fact: Fact,
        now: Instant,
        written: bool,
        effects: tuple[Effect, ...] = (),
    ) -> None:
        """Note what a step is to the timeline; `written` is whether the recorder has begun to write."""
        if written or after.state is State.ENDED:
            kept = self._kept.pop(after.id, ())
            for event, moment in kept if after.processes.recorded else ():
                self._note(after.id, event, moment)
        done = [one for one in (action(fact), attention(fact), *calls(before, fact, effects)) if one is not None]
        if not written and after.state is not State.ENDED:
            self._kept.setdefault(after.id, deque(maxlen=MOST_KEPT)).extend((one, now) for one in done)
            done = []
        for told in (*done, state_change(before, after), people(before, after, fact)):
            if told is not None:
                self._note(after.id, told, now)


def attention(fact: Fact) -> dict[str, Any] | None:
    """A question to an officer and what came of it, for the recording's timeline: proof that somebody watched."""
    if not isinstance(fact, ev.ATTENTION):
        return None
    user = fact.by if isinstance(fact, ev.AttentionAnswered) else fact.user
    taken = {"seconds": fact.seconds} if isinstance(fact, ev.AttentionAnswered) else {}
    return {"kind": "attention", "what": ev.kind(fact), "user": user, "site": fact.site, **taken}


def calls(before: Session, fact: Fact, effects: tuple[Effect, ...]) -> Iterator[dict[str, Any]]:
    """What became of alerts, for the recording's timeline: raised, taken, finished by whom, over by itself."""
    if isinstance(fact, ev.AlertTaken | ev.AlertFinished):
        alert = next((one for one in before.alerts.open if one.id == fact.alert), None)
        about = {"of": str(alert.kind), "side": alert.side} if alert is not None else {}
        yield {"kind": "alert", "what": ev.kind(fact), **about, **ev.data(fact)}
    for one in effects:
        if isinstance(one, AlertRaised | AlertOver):
            data = ev.data(one)
            yield {"kind": "alert", "what": ev.kind(one), "of": data.pop("kind"), **data}


def people(before: Session, after: Session, fact: Fact) -> dict[str, Any] | None:
    """Who is there, for the recording's timeline, by ids: once it is being written, whenever that changes, and whole
    again when a recorder is back, which may have missed a change."""
    changed = (before.check_in.checked, before.processes.watchers) != (
        after.check_in.checked,
        after.processes.watchers,
    )
    again = isinstance(fact, ev.RecorderFlushed | ev.RecorderReady)
    if not after.processes.recorded or not (changed or again):
        return None
    return roll(after)


def roll(session: Session) -> dict[str, Any]:
    """Everybody who is there, by ids, as the recording's timeline says it."""
    watchers = [{"user": one.user, "site": one.site} for one in sorted(session.processes.watchers)]
    return {"kind": "people", "checked_in": sorted(session.check_in.checked), "watchers": watchers}
