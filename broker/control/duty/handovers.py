"""Handovers in the running service: officers begin and answer them, and every look of presence follows them. In the
journal each step stands in each visit that is handed over. They live as long as the control process: after a restart
those who gave are on duty as before, and begin again."""

from collections.abc import Mapping, Sequence

from pyee.asyncio import AsyncIOEventEmitter

from broker.control.journal.journal import Journal
from broker.control.session_runner import SessionRunner
from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import HandoverId, SessionId
from broker.presence import handover as rules
from broker.presence.handover import ANSWER, Handover, HandoverState, Places, Visit
from broker.presence.presence import Presence
from broker.presence.quorum import Watcher
from broker.session.state import State

AT_PAGE = 10.0
"""Seconds for which the page of an officer may be silent before the officer counts as gone from it: a page that
connects anew is back sooner."""
KEPT = 64
"""Handovers that are remembered after their end, so that the same request sent again finds its own."""
_OPEN = frozenset({State.CHECK_IN, State.READY, State.LIVE, State.HELD})
_KINDS = {
    HandoverState.OFFERED: "HandoverBegan",
    HandoverState.ACCEPTED: "HandoverAccepted",
    HandoverState.COMPLETED: "HandoverCompleted",
    HandoverState.DECLINED: "HandoverDeclined",
    HandoverState.WITHDRAWN: "HandoverWithdrawn",
    HandoverState.LAPSED: "HandoverLapsed",
}
"""Journal kind of each stage."""


class Handovers:
    """The handovers of this service, open and lately closed. Each step is told on the bus, as "handover"."""

    def __init__(
        self,
        sessions: Mapping[SessionId, SessionRunner],
        presence: Presence,
        journal: Journal,
        clock: Clock,
        bus: AsyncIOEventEmitter,
    ) -> None:
        self._sessions, self._presence = sessions, presence
        self._journal, self._clock, self._bus = journal, clock, bus
        self._all: dict[HandoverId, Handover] = {}

    def begin(self, id: HandoverId, giver: Watcher, taker: Watcher, sessions: Sequence[SessionId]) -> Handover:
        """Offer visits to a colleague; the same again finds the handover that was begun. Raises what
        `broker.presence.handover.offer` raises, and Conflict where another handover has the id."""
        visits = tuple(dict.fromkeys(sessions))
        before = self._all.get(id)
        if before is not None:
            if (before.giver, before.taker, before.sessions) != (giver, taker, visits):
                raise Conflict("This id belongs to another handover.", "该编号已用于其他交班。")
            return before
        now = self._clock.now().mono
        made = Handover(id, giver, taker, visits, HandoverState.OFFERED, now + ANSWER)
        rules.offer(made, self._visits(), self._at_page(), self.open(), self._places())
        self._keep(made, giver)
        return made

    def accept(self, id: HandoverId, by: Watcher) -> Handover:
        """Take over, by the colleague who was asked. Raises NotFound, Conflict or PolicyViolation."""
        found = self._found(id, by, of_taker=True)
        if found.stage is HandoverState.ACCEPTED:
            return found
        self._keep(rules.accept(found, self._places(), self._clock.now().mono), by)
        self.follow()
        return self._all[id]

    def decline(self, id: HandoverId, by: Watcher) -> Handover:
        """Refuse, by the colleague who was asked, also after accepting. Raises NotFound or Conflict."""
        return self._keep(rules.close(self._found(id, by, of_taker=True), HandoverState.DECLINED), by)

    def withdraw(self, id: HandoverId, by: Watcher) -> Handover:
        """Take it back, by the officer who began it. Raises NotFound or Conflict."""
        return self._keep(rules.close(self._found(id, by, of_taker=False), HandoverState.WITHDRAWN), by)

    def open(self) -> list[Handover]:
        """Return the handovers that are under way."""
        return [handover for handover in self._all.values() if handover.open]

    def most(self) -> int:
        """Return in how many visits one officer counts at most, by the strictest rules of those that go on; 0 where
        none does."""
        return self._places().most

    def colleagues(self, of: Watcher) -> dict[Watcher, int]:
        """Return the officers of the same site who are at a page now, each with in how many visits they have chosen to
        count."""
        chosen = self._places().chosen
        others = sorted(self._at_page() - {of})
        return {one: len(chosen.get(one, ())) for one in others if one.site == of.site}

    def follow(self) -> None:
        """Complete or end what is due. Presence calls it after each look."""
        under_way = self.open()
        if not under_way:
            return
        visits, at_page, now = self._visits(), self._at_page(), self._clock.now().mono
        for handover in under_way:
            followed = rules.follow(handover, visits, at_page, now)
            if followed is not handover:
                self._keep(followed, None)

    def _found(self, id: HandoverId, by: Watcher, of_taker: bool) -> Handover:
        found = self._all.get(id)
        if found is None or by != (found.taker if of_taker else found.giver):
            raise NotFound()
        return found

    def _keep(self, handover: Handover, by: Watcher | None) -> Handover:
        self._all.pop(handover.id, None)  # the latest change stands last: what was just closed is not what is dropped
        self._all[handover.id] = handover
        data = {"handover": handover.id, "from": handover.giver.user, "to": handover.taker.user}
        author = f"user:{by.user}" if by is not None else "broker"
        for session in handover.sessions:
            self._journal.note(_KINDS[handover.stage], session, author, data)
        over = [handover for handover in self._all.values() if not handover.open]
        for old in over[: max(0, len(over) - KEPT)]:
            del self._all[old.id]
        self._bus.emit("handover", handover)
        return handover

    def _running(self) -> dict[SessionId, SessionRunner]:
        return {id: runner for id, runner in self._sessions.items() if runner.session.state in _OPEN}

    def _visits(self) -> dict[SessionId, Visit]:
        return {
            id: Visit(runner.session.slot, runner.policy.min_supervisors, runner.session.processes.watchers)
            for id, runner in self._running().items()
        }

    def _at_page(self) -> frozenset[Watcher]:
        return self._presence.at_page(self._clock.now().mono, AT_PAGE)

    def _places(self) -> Places:
        running = self._running()
        policies = [runner.policy for runner in running.values()]
        strictest = min(policies, key=lambda policy: policy.sessions_per_supervisor, default=None)
        chosen = {officer: sessions & running.keys() for officer, sessions in self._presence.chosen().items()}
        if strictest is None:
            return Places(0, "", chosen)
        return Places(strictest.sessions_per_supervisor, strictest.articles["sessions_per_supervisor"], chosen)
