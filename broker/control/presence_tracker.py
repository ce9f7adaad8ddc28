"""Attending as a running thing: relays and pages are heard, somebody looks at once when they bring news and four times
a second otherwise, and what follows is told to sessions, journal and pages."""

import asyncio
import random
from typing import Any

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.journal.journal import Journal
from broker.control.persistence import author_of
from broker.control.session_runner import SessionRunner
from broker.kernel.clock import Clock
from broker.kernel.errors import NotFound
from broker.kernel.ids import SessionId, Side, new_id
from broker.presence.attention_check import AttentionChecks
from broker.presence.presence import Presence, PresenceStatus, Report, Visit
from broker.presence.quorum import Watcher, reached, watcher_of
from broker.session import events as ev
from broker.session.state import State

LOOK = 0.25  # seconds between looks: with pages that count as gone after 2.5 s a frozen one is known within 3 s
LATE = 1.0  # seconds: a look that comes so late was kept by ourselves, and what pages said meanwhile is still unread
_OPEN = frozenset({State.CHECK_IN, State.READY, State.LIVE, State.HELD})


class PresenceTracker:
    """The one place that says who counts. `run` looks for ever."""

    def __init__(
        self, live: dict[SessionId, SessionRunner], journal: Journal, clock: Clock, bus: AsyncIOEventEmitter
    ) -> None:
        self._live, self._journal, self._clock, self._bus = live, journal, clock, bus
        self._attending = Presence(AttentionChecks(random.SystemRandom().uniform, lambda: new_id("att")))

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        before = self._clock.now().mono
        while True:
            await asyncio.sleep(LOOK)
            now = self._clock.now().mono
            late, before = now - before > LATE, now
            if not late:
                self.look()

    # --- what is heard -------------------------------------------------------------------------------------------

    def relay_says(self, told: dict[str, Any]) -> None:
        """A relay's word that somebody receives a side, or no longer does. Terminals are not counted."""
        found = watcher_of(told["who"])
        if found is None:
            return
        side, on, now = Side(told["side"]), bool(told["on"]), self._clock.now().mono
        self._attending.handle_receiving(told["session"], told["resource"], side, *found, on, now)
        self.look()

    def sends(self, session: SessionId, side: Side, on: bool) -> None:
        """A relay's word that a room sends, or no longer does."""
        self._attending.handle_sending(session, side, on, self._clock.now().mono)

    def forget(self, session: SessionId) -> None:
        """Nobody receives anything of a session any more."""
        self._attending.forget(session)

    def page_says(self, watcher: Watcher, page: str, report: Report) -> None:
        """A page's word about itself."""
        if self._attending.handle_report(watcher, page, report, self._clock.now().mono):
            self.look()

    def answer(self, watcher: Watcher, prompt: str) -> None:
        """An officer answers a question. Raises NotFound where it is not open (any more)."""
        taken = self._attending.handle_answer(watcher, prompt, self._visits(), self._clock.now().mono)
        if taken is None:
            raise NotFound("This question is not open.", "该在岗确认已处理或不存在。")
        self._note(watcher, ev.AttentionAnswered(watcher.user, watcher.site, prompt, round(taken, 3)))
        self.look()

    def standing(self, watcher: Watcher) -> PresenceStatus:
        """How an officer stands now."""
        return self._attending.status_of(watcher)

    # --- what follows --------------------------------------------------------------------------------------------

    def look(self) -> None:
        """See who counts, and tell everybody whom it concerns."""
        now, visits = self._clock.now().mono, self._visits()
        cap = min((visit.policy.sessions_per_supervisor for visit in visits.values()), default=1)
        look = self._attending.tick(visits, cap, now)
        for session, watchers in look.present.items():
            live = self._live.get(session)
            if live is not None:
                live.take(ev.WatchersChanged(watchers))
        for watcher in look.asked:
            self._note(watcher, ev.AttentionAsked(watcher.user, watcher.site, self._prompt(watcher)))
        for watcher in look.missed:
            self._note(watcher, ev.AttentionMissed(watcher.user, watcher.site, self._prompt(watcher)))
        for session in visits:
            self._warn(self._live[session], look.wavering)
        for watcher in look.statuses:
            self._bus.emit("standing", watcher)

    def _visits(self) -> dict[SessionId, Visit]:
        return {
            session: Visit(frozenset(live.session.slot.place(side).site for side in Side), live.policy)
            for session, live in self._live.items()
            if live.session.state in _OPEN
        }

    def _prompt(self, watcher: Watcher) -> str:
        prompt = self._attending.attention.prompt_of(watcher)
        return prompt.id if prompt else ""

    def _note(self, watcher: Watcher, fact: ev.AttentionAsked | ev.AttentionAnswered | ev.AttentionMissed) -> None:
        """A question belongs to every session of its officer's duty; where there is none, to the journal alone."""
        attended = [live for s in self._attending.attended(watcher) if (live := self._live.get(s)) is not None]
        for live in attended:
            live.take(fact)
        if not attended:
            self._journal.note(ev.kind(fact), None, author_of(fact), ev.data(fact))

    def _warn(self, live: SessionRunner, wavering: frozenset[Watcher]) -> None:
        """Which sides would lose their quorum with those who leave their question unanswered."""
        session, need = live.session, live.policy.min_supervisors
        there, left = session.processes.watchers, session.processes.watchers - wavering
        at_risk = frozenset(
            side
            for side in Side
            if reached(there, session.slot, side, need) and not reached(left, session.slot, side, need)
        )
        if at_risk != live.at_risk:
            live.take(ev.QuorumWavers(at_risk))
