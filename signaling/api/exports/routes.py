"""Exports (移交): an auditor asks for a recording to be handed over, with a reason and a receiver; another auditor or
an administrator of the same scope decides; the package is built in the background and can be fetched until it expires,
by the accounts that were named alone. Each step is journaled."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from broker.control.store import records
from broker.kernel.errors import BadRequest, Conflict, CredentialTooNew, Forbidden, NotFound, SamePerson
from recorder.export.program import FAILURES, FAULT
from recorder.export.queue import STATES, Row, State
from signaling.api.exports.download import PACKAGE_TYPE, note_seen, send_package
from signaling.api.exports.messages import (
    DownloaderList,
    ExportDecision,
    ExportList,
    ExportOrder,
    ExportQuery,
    ExportView,
)
from signaling.api.messages.session_view import Officer
from signaling.auth.scope import Role, author, scope
from signaling.auth.second_officer import check_permit
from signaling.budgets.allowance import LIST, PACKAGE
from signaling.server.errors import PreconditionFailed
from signaling.server.ranges import RangeNotSatisfiable
from signaling.server.routes import Call, Table
from signaling.views.recordings import sessions_of

table = Table("exports")
AUDITOR = (Role.AUDITOR,)
DECIDING = (Role.AUDITOR, Role.ADMIN)
EXPORT = "/api/v1/exports/{export}"
REFUSED = "ExportNotAllowed"
"""Journal kind of a refusal by the front door; `ExportRefused` is the decision of an officer."""


@table.add(
    "POST",
    "/api/v1/recordings/{session}/exports",
    roles=AUDITOR,
    zh="申请移交录像",
    en="Request the export of a recording",
    status=201,
    problems=(Conflict,),
    refused=REFUSED,
)
async def post_export(call: Call, body: ExportOrder) -> ExportView:
    """Ask for the package of a recording. It is built when another officer approves."""
    session = call.id("session")
    recording = await _recording(call, session)
    downloaders = list(dict.fromkeys(body.downloaders)) or [call.user.id]
    await _check_downloaders(call, downloaders)
    exports, now = call.context.exports, call.context.now().wall
    reason, receiver = body.reason.strip(), body.receiver.strip()
    row = await exports.add(session, recording["site"], reason, receiver, downloaders, call.user.id, now)
    await _note(call, "ExportRequested", row, reason=reason, downloaders=downloaders)
    return await _view(call, row)


@table.add(
    "GET",
    "/api/v1/recordings/{session}/downloaders",
    cost=LIST,
    roles=AUDITOR,
    zh="可列为下载人的账号",
    en="Who may be named to fetch a package",
)
async def get_downloaders(call: Call) -> DownloaderList:
    """The auditors who see this recording, by name: a request names up to five of them."""
    await _recording(call, call.id("session"))
    users = [user for user in await call.context.store.users() if await _may_fetch(call, user)]
    return DownloaderList(downloaders=[Officer(id=user.id, name=user.name) for user in users])


@table.add("GET", "/api/v1/exports", cost=LIST, roles=DECIDING, zh="移交申请", en="Requests for exports")
async def get_exports(call: Call, query: ExportQuery) -> ExportList:
    """The requests about recordings of the caller's site; of all sites for the province."""
    state = State(query.state) if query.state else None
    site = scope(call.user)
    among = None if site is None else sessions_of(site)
    rows = await call.context.exports.listed(state, query.session, among)
    call.context.journal.note_access("ExportsListed", None, author(call.user), {"found": len(rows)})
    return ExportList(exports=[await _view(call, row) for row in rows])


@table.add("GET", EXPORT, roles=DECIDING, zh="移交申请详情", en="One request for an export")
async def get_export(call: Call) -> ExportView:
    """State and progress of a request."""
    row = await _row(call)
    note_seen(call, row)
    return await _view(call, row)


@table.add(
    "POST",
    f"{EXPORT}/decide",
    roles=DECIDING,
    zh="批准或不批准移交",
    en="Approve or refuse an export",
    problems=(Conflict, CredentialTooNew, SamePerson),
    refused=REFUSED,
)
async def decide(call: Call, body: ExportDecision) -> ExportView:
    """The decision of the second person. For an approval both passwords must be old enough for a permit, and both
    accounts must count as two people. A refusal says why."""
    row, approve, note = await _row(call), body.decision == "approve", body.note.strip()
    exports, now = call.context.exports, call.context.now().wall
    if row["by"] != call.user.id:
        if approve:
            await check_permit(call.context, row["by"])  # it may have been barred, or got another password, since
        await check_permit(call.context, call.user.id, row["by"])
    row = await exports.decide(row["id"], approve, call.user.id, note, now)
    await _note(call, "ExportApproved" if approve else "ExportRefused", row, by=row["by"], note=note)
    call.context.wake_exports()
    return await _view(call, row)


@table.add(
    "POST",
    f"{EXPORT}/build",
    roles=DECIDING,
    zh="重新制作移交包",
    en="Build a failed package again",
    status=202,
    problems=(Conflict,),
    refused=REFUSED,
)
async def build(call: Call) -> ExportView:
    """Have an approved package built once more, after what stood in its way is mended."""
    row = await _row(call)
    row = await call.context.exports.again(row["id"], call.context.now().wall)
    await _note(call, "ExportBuildOrdered", row)
    call.context.wake_exports()
    return await _view(call, row)


@table.add(
    "POST",
    f"{EXPORT}/withdraw",
    roles=DECIDING,
    zh="撤回移交",
    en="Withdraw an export",
    problems=(Conflict,),
    refused=REFUSED,
)
async def withdraw(call: Call) -> ExportView:
    """End a request now, also while its package is being built, and remove the package. Only the officer who asked or
    the one who approved may do so."""
    row = await _row(call)
    if call.user.id not in (row["by"], row["decided_by"]):
        raise Forbidden("Only the officers of this request may withdraw it.", "只有申请人和批准人可以撤回。")
    row = await call.context.exports.withdraw(row["id"], call.context.now().wall)
    await call.context.remove_export(row["id"])
    await _note(call, "ExportWithdrawn", row)
    return await _view(call, row)


@table.add(
    "GET",
    f"{EXPORT}/package",
    cost=PACKAGE,
    roles=AUDITOR,
    zh="下载移交包",
    en="The package, by range",
    gives=PACKAGE_TYPE,
    headers=("ETag", "Accept-Ranges", "Content-Range", "Content-Disposition"),
    problems=(RangeNotSatisfiable, PreconditionFailed, Conflict),
    refused=REFUSED,
    or_status=304,
    also=(206,),
)
async def get_package(call: Call) -> web.StreamResponse:
    """The ZIP, for the accounts that the request names and while it is ready."""
    row = await _row(call)
    row = await call.context.exports.fetchable(row["id"], call.user.id, call.context.now().wall)
    return await send_package(call, row)


async def _note(call: Call, kind: str, row: Row, **data: Any) -> None:
    """Journal a step, and return when the entry is on disk. Raises StorageUnavailable."""
    call.context.journal.note(kind, row["session"], author(call.user), {"export": row["id"], **data})
    await call.context.journal.flush()


async def _row(call: Call) -> Row:
    """Return the request in the path. Raises NotFound, in the same words for those of other sites."""
    try:
        row = await call.context.exports.row(call.id("export"))
    except NotFound:
        raise NotFound() from None
    if not await _sees(call, row):
        raise NotFound()
    return row


async def _sees(call: Call, row: Mapping[str, Any]) -> bool:
    return await call.context.recordings.one(row["session"], scope(call.user)) is not None


async def _recording(call: Call, session: str) -> Mapping[str, Any]:
    row = await call.context.recordings.one(session, scope(call.user))
    if row is None:
        raise NotFound()
    return row


async def _check_downloaders(call: Call, users: list[str]) -> None:
    """Check that each account may fetch packages, and sees the recording. Raises BadRequest."""
    for id in users:
        user = await call.context.store.user_named(id)
        if user is None or not await _may_fetch(call, user):
            raise BadRequest(f"{id} is no auditor of this recording.", f"{id} 不是有权查看该录像的审计员账号。")


async def _may_fetch(call: Call, user: records.User) -> bool:
    """Whether an account may be named to fetch the package of the recording in the path."""
    if user.disabled or user.role != records.Role.AUDITOR:
        return False
    return user.site is None or await call.context.recordings.one(call.id("session"), user.site) is not None


async def _view(call: Call, row: Row) -> ExportView:
    names, state = call.context.names, State(row["state"])
    failure = FAILURES.get(row["failure"], FAILURES[FAULT]) if row["failure"] else ("", "")
    kept = ("id", "session", "site", "reason", "receiver", "at", "decided_at", "progress", "failure")
    more = ("bytes", "sha256", "sound", "ready_at", "expires_at")
    return ExportView(
        **{name: row[name] for name in (*kept, *more)},
        state=state.value,
        state_zh=STATES[state],
        downloaders=[await names.officer(user) for user in row["downloaders"]],
        by=await names.officer(row["by"]),
        decided_by=await names.officer(row["decided_by"]) if row["decided_by"] else None,
        note=row["note"] or "",
        failure_zh=failure[0],
        failure_en=failure[1],
        mine=call.user.id in row["downloaders"],
    )
