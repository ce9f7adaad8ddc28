"""Inspections as clients send and see them."""

from broker.control.store.history.inspections import Inspection
from signaling.api.messages.fields import Inbound, Moment, NoteText, Outbound
from signaling.api.messages.session_view import Officer
from signaling.views.names import Names


class InspectionOrder(Inbound):
    """A procurator's reason to look at a visit; journaled, and seen by the officers of both sides."""

    reason: NoteText


class InspectionView(Outbound):
    """One inspection of a visit. It opens the visit, live and recorded, to `by` until `expires_at` or its end."""

    id: str
    session: str
    by: Officer
    reason: str
    begun_at: Moment
    expires_at: Moment
    ended_at: Moment | None


class InspectionList(Outbound):
    """All inspections of a visit, the latest first."""

    inspections: list[InspectionView]


async def inspection_view(names: Names, inspection: Inspection) -> InspectionView:
    """Return an inspection with the name of its procurator."""
    return InspectionView(
        id=inspection.id,
        session=inspection.session,
        by=await names.officer(inspection.user),
        reason=inspection.reason,
        begun_at=inspection.begun_at,
        expires_at=inspection.expires_at,
        ended_at=inspection.ended_at,
    )
