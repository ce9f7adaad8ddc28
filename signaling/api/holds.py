"""Legal holds (证据保全), for auditors: a held recording is not deleted, even when it is due. Each order has a reason,
is journaled, and stands as a signed line in the chain of the recording's site beside its row."""

import asyncio
from collections.abc import Mapping
from typing import Any

from broker.kernel.errors import Conflict, CredentialTooNew, NotFound, StorageUnavailable
from recorder.evidence.signing import KeyProblem, installed, trusted
from recorder.retention.hold_repair import repair
from recorder.retention.holds import Chains, Holds
from signaling.api.messages.recordings import HoldList, HoldOrder, HoldView
from signaling.auth.scope import Role, author, scope
from signaling.auth.second_officer import check_permit
from signaling.budgets.allowance import LIST
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("holds")
AUDITOR = (Role.AUDITOR,)
HOLDS = "/api/v1/recordings/{session}/holds"
REFUSED = "HoldRefused"
"""Journal kind of a refusal."""


@table.add(
    "GET", "/api/v1/holds", cost=LIST, roles=AUDITOR, zh="保全中的录像", en="Standing legal holds", refused=REFUSED
)
async def get_holds(call: Call) -> HoldList:
    """The standing holds on recordings of the auditor's site; of all sites for auditors of the province."""
    holds = await _holds(call)
    rows = [row for row in await holds.listed() if await _sees(call, row["session"])]
    call.context.journal.note_access("HoldsListed", None, author(call.user), {"found": len(rows)})
    return HoldList(holds=[await hold_view(call.context, row) for row in rows])


@table.add(
    "POST",
    HOLDS,
    roles=AUDITOR,
    zh="保全录像",
    en="Hold a recording as evidence",
    status=201,
    problems=(Conflict,),
    refused=REFUSED,
)
async def post_hold(call: Call, body: HoldOrder) -> HoldList:
    """Hold a recording, also one that is still being made. The answer has every hold that stands on it."""
    session, reason = await _session(call), body.reason.strip()
    holds = await _holds(call)
    number = await holds.add(session, reason, call.user.id, call.context.now().wall)
    call.context.journal.note("HoldAdded", session, author(call.user), {"hold": number, "reason": reason})
    standing = [row for row in await holds.listed() if row["session"] == session]
    return HoldList(holds=[await hold_view(call.context, row) for row in standing])


@table.add(
    "POST",
    f"{HOLDS}/lift",
    roles=AUDITOR,
    zh="解除保全",
    en="Lift the holds of a recording",
    problems=(Conflict, CredentialTooNew),
    refused=REFUSED,
)
async def lift_holds(call: Call, body: HoldOrder) -> HoldList:
    """Lift every hold of a recording. The answer has the holds that were lifted. The auditor's password is old enough
    for a permit."""
    session, reason = await _session(call), body.reason.strip()
    await check_permit(call.context, call.user.id)
    holds = await _holds(call)
    standing = {row["id"] for row in await holds.listed() if row["session"] == session}
    count = await holds.lift(session, reason, call.user.id, call.context.now().wall)
    call.context.journal.note("HoldLifted", session, author(call.user), {"holds": count, "reason": reason})
    lifted = [row for row in await holds.listed(all=True) if row["id"] in standing]
    return HoldList(holds=[await hold_view(call.context, row) for row in lifted])


async def _holds(call: Call) -> Holds:
    """Return the holds, after bringing database and chains into agreement. Raises StorageUnavailable where the key that
    signs chains cannot be read."""
    settings, engine = call.context.settings, call.context.store.engine
    try:
        signer = await asyncio.to_thread(installed, settings.keys_dir, settings.archive_dir, settings.archive_signing)
        keys = await asyncio.to_thread(trusted, settings.keys_dir, settings.archive_signing)
    except (KeyProblem, OSError) as error:
        raise StorageUnavailable("The key of the archive cannot be read.", "存档密钥无法读取。") from error
    holds = Holds(engine, Chains(settings.archive_dir, signer, keys))
    for found in await repair(engine, holds, call.context.now().wall):
        data = {"kind": found.kind, "hold": found.hold}
        call.context.journal.note("HoldRepaired", found.session, "command", data)
    return holds


async def _session(call: Call) -> str:
    """Return the session in the path, if its recording is in the auditor's scope. Raises NotFound."""
    session = call.id("session")
    if not await _sees(call, session):
        raise NotFound()
    return session


async def _sees(call: Call, session: str) -> bool:
    return await call.context.recordings.one(session, scope(call.user)) is not None


async def hold_view(context: Context, row: Mapping[str, Any]) -> HoldView:
    """Return a hold as auditors see it: by names, and with the beginning of the recording by which they know it."""
    recording, lifted = await context.recordings.one(row["session"], None), row["lifted_by"]
    more = {
        "started_at": recording["started_at"] if recording is not None else None,
        "by_name": await context.names.user(row["by"]),
        "lifted_by_name": await context.names.user(lifted) if lifted else None,
    }
    return HoldView.model_validate({name: row[name] for name in HoldView.model_fields if name not in more} | more)
