"""The access to one visit of the history: for auditors of its two sites and of the province, and for no others."""

from typing import Any

from broker.booking.slot import Slot
from broker.kernel.errors import NotFound
from broker.kernel.ids import SessionId
from signaling.auth.scope import may_see
from signaling.server.routes import Call


async def visit_of(call: Call) -> tuple[Slot, Any]:
    """Return the slot of the visit in the path and its row in the history, if it exists for the auditor. Raises
    NotFound, in the same words for those of other sites."""
    session, store = SessionId(call.id("session")), call.context.store
    slot = (await store.slots_of([session])).get(session)
    if slot is None or slot.drill or not may_see(call.user, slot):
        raise NotFound()
    row = await store.visit_row(session)
    if row is None:  # it was booked a moment ago
        call.context.history.want(session)
        await call.context.history.settle()
        row = await store.visit_row(session)
    if row is None:
        raise NotFound()
    return slot, row
