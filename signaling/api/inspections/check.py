"""What a procurator needs for one visit: an inspection of it, begun with a reason, that goes on."""

from broker.kernel.errors import InspectionNeeded
from signaling.auth.scope import Caller, Role, User, role_of
from signaling.server.context import Context


async def check_inspects(context: Context, caller: Caller, session: str) -> None:
    """Check that a procurator has begun an inspection of a visit; other roles need none. Raises InspectionNeeded."""
    if not isinstance(caller, User) or role_of(caller) is not Role.PROCURATOR:
        return
    if not await context.store.inspects(session, caller.id):
        raise InspectionNeeded(
            "Begin an inspection of this visit first, with a reason (POST …/inspections).",
            "请先写明理由，对本场会见开始检察（POST …/inspections）。",
        )
