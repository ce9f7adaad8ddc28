"""Presence in the running service: takes what relays and pages report, decides at once when that changes anything, when
a page has been silent for too long, and four times a second, and gives the result to sessions, journal and pages."""

import asyncio
import random
from collections.abc import Mapping

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.duty.handovers import Handovers
from broker.control.journal.journal import Journal
from broker.control.persistence import author_of
from broker.control.session_runner import SessionRunner
from broker.ipc.relay_messages import Subscription
from broker.kernel.clock import Clock
from broker.kernel.errors import NotFound
from broker.kernel.ids import SessionId, Side, new_id
from broker.presence.attention_check import AttentionChecks
from broker.presence.presence import Presence, PresenceStatus, Report, Visit
from broker.presence.quorum import Watcher, reached, watcher_of
from broker.session import events as ev
from broker.session.state import State

LOOK = 0.25  # seconds between looks for what no report and no silence brings about, as questions that are due
JUST = 0.001  # seconds after the moment of a silence: its last instant still counts
LATE = 1.0  # seconds: a look that comes so late was delayed by this process; page reports that came are still unread
_OPEN = frozenset({State.CHECK_IN, State.READY, State.LIVE, State.HELD})


class PresenceTracker:
    """The one place that decides which officers count as present. `run` looks regularly."""

    def __init__(
        self,
        sessions: Mapping[SessionId, SessionRunner],
        journal: Journal,
        clock: Clock,
        bus: AsyncIOEventEmitter,
    ) -> None:
        self._sessions, self._journal, self._clock, self._bus = sessions, journal, clock, bus
        self._presence = Presence(AttentionChecks(random.SystemRandom().uniform, lambda: new_id("att")))
        self.handovers = Handovers(sessions, self._presence, journal, clock, bus)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        before = self._clock.now().mono
        while True:
            await asyncio.sleep(self._pause(before))
            now = self._clock.now().mono
            late, before = now - before > LATE, now
            if not late:
                self.look()

    def _pause(self, now: float) -> float:
        """Seconds until the next look: until a page falls silent, if that is before the regular one."""
        silent_at = self._presence.silent_at(now)
        return LOOK if silent_at is None else max(JUST, min(LOOK, silent_at - now + JUST))

    # --- what is reported ----------------------------------------------------------------------------------------

    def subscription_changed(self, session: SessionId, subscription: Subscription) -> None:
        """Take a relay's report that a subscriber receives a side, or no longer. Terminals are not counted."""
        officer = watcher_of(subscription.subscriber)
        if officer is None:
            return
        now, side = self._clock.now().mono, subscription.side
        self._presence.handle_receiving(session, subscription.resource, side, *officer, subscription.on, now)
        self.look()

    def sends(self, session: SessionId, side: Side, on: bool) -> None:
        """Take a relay's report that a room sends, or no longer."""
        self._presence.handle_sending(session, side, on, self._clock.now().mono)

    def forget(self, session: SessionId) -> None:
        """Drop what is known of a session that nothing can be received of any more."""
        self._presence.forget(session)

    def page_report(self, watcher: Watcher, page: str, report: Report) -> None:
        """Take a page's report about itself."""
        if self._presence.handle_report(watcher, page, report, self._clock.now().mono):
            self.look()

    def answer(self, watcher: Watcher, prompt: str) -> None:
        """Take an officer's answer to an attention check. Raises NotFound where it is not open (any more)."""
        seconds = self._presence.handle_answer(watcher, prompt, self._visits(), self._clock.now().mono)
        if seconds is None:
            raise NotFound("This question is not open.", "该在岗确认已处理或不存在。")
        self._note(watcher, ev.AttentionAnswered(watcher.user, watcher.site, prompt, round(seconds, 3)))
        self.look()

    def standing(self, watcher: Watcher) -> PresenceStatus:
        """Return whether an officer counts now, for which sessions, and why not."""
        return self._presence.status_of(watcher)

    # --- what follows --------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Decide who counts, and report every change."""
        now, visits = self._clock.now().mono, self._visits()
        cap = min((visit.policy.sessions_per_supervisor for visit in visits.values()), default=1)
        look = self._presence.tick(visits, cap, now)
        for session, watchers in look.present.items():
            runner = self._sessions.get(session)
            if runner is not None:
                runner.take(ev.WatchersChanged(watchers, look.left.get(session, frozenset())))
        for watcher in look.asked:
            self._note(watcher, ev.AttentionAsked(watcher.user, watcher.site, self._prompt(watcher)))
        for watcher in look.missed:
            self._note(watcher, ev.AttentionMissed(watcher.user, watcher.site, self._prompt(watcher)))
        for session in visits:
            self._warn(self._sessions[session], look.wavering)
        for watcher in look.statuses:
            self._bus.emit("standing", watcher)
        self.handovers.follow()

    def _visits(self) -> dict[SessionId, Visit]:
        return {
            session: Visit(
                frozenset(runner.session.slot.place(side).site for side in Side),
                runner.policy,
                runner.session.slot.drill,
            )
            for session, runner in self._sessions.items()
            if runner.session.state in _OPEN
        }

    def _prompt(self, watcher: Watcher) -> str:
        prompt = self._presence.attention.prompt_of(watcher)
        return prompt.id if prompt else ""

    def _note(self, watcher: Watcher, fact: ev.AttentionAsked | ev.AttentionAnswered | ev.AttentionMissed) -> None:
        """Give an attention check to every session of its officer's duty; without a session, to the journal alone."""
        attended = [
            self._sessions[session] for session in self._presence.attended(watcher) if session in self._sessions
        ]
        for runner in attended:
            runner.take(fact)
        if not attended:
            self._journal.note(ev.kind(fact), None, author_of(fact), ev.data(fact))

    def _warn(self, runner: SessionRunner, wavering: frozenset[Watcher]) -> None:
        """Report the sides that would lose their quorum with the officers who do not answer their question."""
        session, need = runner.session, runner.policy.min_supervisors
        present, left = session.processes.watchers, session.processes.watchers - wavering
        at_risk = frozenset(
            side
            for side in Side
            if reached(present, session.slot, side, need) and not reached(left, session.slot, side, need)
        )
        if at_risk != runner.at_risk:
            runner.take(ev.QuorumWavers(at_risk))
