"""Inspections of single visits by procurators (派驻检察): begun with a reason, which opens the visit live and
recorded, read-only. A procurator is never counted among the supervisors, and the officers of both sides see who looks
on and why."""

from broker.kernel.errors import NotFound
from broker.kernel.ids import SessionId
from signaling.api.inspections.messages import InspectionList, InspectionOrder, InspectionView, inspection_view
from signaling.auth.scope import OFFICERS, Role, author, found, seen, sign_in_of
from signaling.auth.session_expiry import end_media
from signaling.server.routes import Call, Table

table = Table("inspections")
INSPECTIONS = "/api/v1/sessions/{session}/inspections"
PROCURATOR = (Role.PROCURATOR,)
REFUSED = "InspectionRefused"
"""Journal kind of a refusal."""


@table.add("POST", INSPECTIONS, roles=PROCURATOR, zh="开始检察", en="Begin an inspection", status=201, refused=REFUSED)
async def begin_inspection(call: Call, body: InspectionOrder) -> InspectionView:
    """Begin to inspect a visit of the procurator's prison, of any prison for the province's: one to come, under way or
    recorded."""
    session, reason = await _session(call), body.reason.strip()
    call.context.changes.take(author(call.caller), call.context.mono())
    begun = await call.context.store.begin_inspection(session, call.user.id, reason)
    data = {"inspection": begun.id, "reason": reason}
    call.context.journal.note("InspectionBegun", session, author(call.user), data)
    return await inspection_view(call.context.names, begun)


@table.add("GET", INSPECTIONS, roles=OFFICERS | {Role.PROCURATOR}, zh="本场检察记录", en="Inspections of a visit")
async def get_inspections(call: Call) -> InspectionList:
    """The inspections of this visit, with persons and reasons: for the officers of both sides."""
    session = await _session(call)
    listed = await call.context.store.inspections_of(session)
    return InspectionList(inspections=[await inspection_view(call.context.names, inspection) for inspection in listed])


@table.add(
    "POST",
    f"{INSPECTIONS}/{{inspection}}/end",
    roles=PROCURATOR,
    zh="结束检察",
    en="End an inspection",
    status=204,
    refused=REFUSED,
)
async def end_inspection(call: Call) -> None:
    """End one's own inspection; what is watched or played under it ends with it."""
    session, id = await _session(call), call.id("inspection")
    await call.context.store.end_inspection(session, id, call.user.id)
    call.context.journal.note("InspectionEnded", session, author(call.user), {"inspection": id})
    if not await call.context.store.inspects(session, call.user.id):
        await end_media(call.context, author(call.user), session)
        call.context.streams.end(sign_in_of(call.user))  # a film of another visit is asked for again by its player


async def _session(call: Call) -> SessionId:
    """Return the visit of the path. Raises NotFound where it does not exist for the caller, and for a drill, which is
    no visit."""
    slot = seen(call.caller, await found(call.context.store.slot_of_session(call.id("session"))))
    if slot.drill:
        raise NotFound()
    return slot.session
