"""Re-booking requests (另行优先安排会见; Yunnan 18, Guangdong 36): a visit that a fault, an emergency or the
institutions themselves took away is booked again first, and does not use up the month's visit. Pure.

A request is made with the end of its session, once a session, and has a state: OPEN, then REBOOKED by a slot that names
it, or DECLINED with a reason. A request whose new slot is cancelled before its visit is open again.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.booking.identity import MADE_HERE
from broker.booking.slot import Person, Slot
from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import RebookingId, SessionId, SlotId
from broker.session.state import Session, State
from config.policy import Policy


class RebookingState(StrEnum):
    """State of a re-booking request."""

    OPEN = "open"
    REBOOKED = "rebooked"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Rebooking:
    """A request to book a visit again first. `cause` is that of the session's end, `article` the pack's article on
    faults; `new_slot` keeps it, or `by` declined it with `reason`."""

    id: RebookingId
    session: SessionId
    slot: SlotId
    cause: str
    article: str
    at: datetime
    state: RebookingState = RebookingState.OPEN
    new_slot: SlotId | None = None
    by: str = ""
    reason: str = ""
    decided_at: datetime | None = None


def rebooking_of(slot: Slot, cause: str, at: datetime, policy: Policy) -> Rebooking:
    """The request for a slot. Its id follows from the session, so that one session has one request however often its
    end is written down."""
    article = next((code.article for code in policy.interventions if code.technical), "")
    return Rebooking(RebookingId(f"rbk_{slot.session}"), slot.session, slot.id, cause, article, at)


def requested(session: Session, policy: Policy) -> Rebooking | None:
    """The request that the end of a session made, or None."""
    end = session.end
    if session.state is not State.ENDED or end is None or not end.rebook:
        return None
    return rebooking_of(session.slot, end.cause, end.at, policy)


def check_keeps(request: Rebooking, former: Slot, slot: Slot) -> None:
    """Check that a new slot keeps a request. Raises Conflict where it is closed, BadRequest for other inmates."""
    check_open(request)
    if not _same_inmates(former, slot):
        raise BadRequest(
            "The slot does not list the inmates of the visit that is booked again.",
            "该时段所列服刑（戒毒）人员与待重新安排的会见不一致。",
            rebooks=request.id,
        )


def check_open(request: Rebooking) -> None:
    """Raise Conflict unless the request is open."""
    if request.state is not RebookingState.OPEN:
        raise Conflict(f"This request is {request.state} already.", "该重新安排请求已办结。", state=str(request.state))


def _same_inmates(former: Slot, slot: Slot) -> bool:
    """Whether a slot lists the inmates of another one, on whichever sides."""
    before, after = _inmates(former), _inmates(slot)
    return len(before) == len(after) and all(any(_same(old, new) for new in after) for old in before)


def _inmates(slot: Slot) -> list[Person]:
    return [person for person in slot.people if person.inmate]


def _same(old: Person, new: Person) -> bool:
    """Whether two listings are of one person. A person without an id of booking's is known by the name only."""
    if old.identity and old.identity == new.identity:
        return True
    return old.name == new.name if old.id.startswith(MADE_HERE) else old.id == new.id
