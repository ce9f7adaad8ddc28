"""What follows a visit that did not take place: the request to book it again first (Yunnan 18, Guangdong 36), and the
note of those who did not come (Yunnan 10, Guangdong 23). Decisions about both are stored, noted and shown from here."""

from collections.abc import Iterable, Mapping

from pyee.asyncio import AsyncIOEventEmitter

from broker.booking.absence import Absence
from broker.booking.rebooking import Rebooking
from broker.control.journal.journal import Journal
from broker.control.session_runner import SessionRunner
from broker.control.store.store import Store
from broker.kernel.ids import SessionId, SlotId
from broker.session.state import State

DECISIONS = {"forfeit": "AbsenceForfeited", "take_back": "ForfeitTakenBack", "excuse": "AbsenceExcused"}
"""What the journal calls a decision about an absence."""


class FollowUps:
    """Re-booking requests and absences of the sessions that ended, as the store has them and the runners show them."""

    def __init__(
        self, runners: Mapping[SessionId, SessionRunner], store: Store, journal: Journal, bus: AsyncIOEventEmitter
    ) -> None:
        self._runners, self._store, self._journal, self._bus = runners, store, journal, bus

    async def decline_rebooking(self, id: str, by: str, reason: str) -> Rebooking:
        """Close a re-booking request without a visit. Raises NotFound or Conflict."""
        request = await self._store.decline_rebooking(id, by, reason)
        self._journal.note("RebookingDeclined", request.session, by, {"rebooking": request.id, "reason": reason})
        self._show(request)
        return request

    async def decide_absence(self, absence: Absence, by: str) -> None:
        """Store and note the last decision about an absence. Raises Conflict."""
        await self._store.add_absence_decision(absence)
        last = absence.decided[-1]
        data = {"absence": absence.id, "reason": last.reason, "article": last.article, "people": list(last.people)}
        self._journal.note(DECISIONS[last.decision], absence.session, by, data)
        if (live := self._runners.get(absence.session)) is not None:
            live.absence = absence
            self._bus.emit("session", absence.session)

    def stored(self, session: SessionId, request: Rebooking | None, absence: Absence | None) -> None:
        """Show what the end of a session asked for and noted, as soon as it is stored."""
        if (live := self._runners.get(session)) is not None:
            live.rebooking, live.absence = live.rebooking or request, live.absence or absence
            self._bus.emit("session", session)

    async def rebooked(self, request: str) -> None:
        """Show that a new slot keeps a request."""
        self._show(await self._store.rebooking(request))

    async def reopened(self, slot: SlotId, runners: Iterable[SessionRunner]) -> None:
        """Show a request as open again whose new slot was cancelled."""
        for live in runners:
            if live.rebooking is not None and live.rebooking.new_slot == slot:
                self._show(await self._store.rebooking(live.rebooking.id))

    async def recall(self, session: SessionId) -> None:
        """Find what the end of a session asked for and noted before this start."""
        live = self._runners.get(session)
        if live is not None and live.session.state is State.ENDED:
            live.rebooking = await self._store.rebooking_of(session)
            live.absence = await self._store.absence_of(session)

    def _show(self, request: Rebooking) -> None:
        if (live := self._runners.get(request.session)) is not None:
            live.rebooking = request
            self._bus.emit("session", request.session)
