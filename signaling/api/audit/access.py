"""The access to one visit of the history: for auditors of its two sites and of the province, and for no others; and to
what is written about its recording, as long as that is kept."""

from typing import Any

from broker.booking.slot import Slot
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import SessionId
from signaling.api.inspections.check import check_inspects
from signaling.auth.scope import may_see
from signaling.history.sources import HAS_FILM
from signaling.server.routes import Call


async def visit_of(call: Call) -> tuple[Slot, Any]:
    """Return the slot of the visit in the path and its row in the history, if it exists for the auditor. Raises
    NotFound, in the same words for those of other sites, or InspectionNeeded."""
    session, store = SessionId(call.id("session")), call.context.store
    slot = (await store.slots_of([session])).get(session)
    if slot is None or slot.drill or not may_see(call.user, slot):
        raise NotFound()
    await check_inspects(call.context, call.user, session)
    row = await store.visit_row(session)
    if row is None:  # it was booked a moment ago
        call.context.history.want(session)
        await call.context.history.settle()
        row = await store.visit_row(session)
    if row is None:
        raise NotFound()
    return slot, row


async def check_kept(call: Call, row: Any) -> None:
    """Check that the recording of a visit is still kept: words about it, which may name people, go with it and are not
    written later. Raises Conflict."""
    recording = await call.context.recordings.one(row.session, None)
    if not row.named or recording is None or recording["state"] not in HAS_FILM:
        raise Conflict("The recording of this visit is not kept any more.", "该会见的录像已不再保存。")
