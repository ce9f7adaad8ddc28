"""The journal over REST, for auditors of the province: its entries in pages, and a signed export of some days. The
journal is one chain of all sites, so that an auditor of one site gets neither. Each look and each export is journaled
before its first byte leaves."""

import asyncio
import json
from typing import Any

from aiohttp import web
from pydantic import Field

from broker.control.journal import reader
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Busy, Forbidden, NotFound, StorageUnavailable
from signaling.api.messages.fields import Day, Id, Inbound, NoteText, Outbound
from signaling.api.playback import send
from signaling.auth.scope import Role, author, scope
from signaling.budgets.allowance import LIST
from signaling.journal.order import MEDIA_TYPE, Made, Order
from signaling.journal.source import numbers_of
from signaling.server.routes import Call, Table

table = Table("journal")
JOURNAL = "/api/v1/journal"
EXPORT_COST = LIST * 8


class JournalQuery(Inbound):
    """Which entries: those behind the number `after`, at most `limit`, of one `session` or of one `kind`."""

    after: int = Field(default=0, ge=0, le=2**53 - 1)
    limit: int = Field(default=100, ge=1, le=1000)
    session: Id | None = None
    kind: str | None = Field(default=None, pattern=r"^[A-Za-z_]{1,63}$")


class JournalEntry(Outbound):
    """One entry of the journal: its number, when it was noted, of which visit, what, by whom, and what about it."""

    seq: int
    at: str
    session: str | None
    kind: str
    author: str
    data: dict[str, Any]


class JournalEntries(Outbound):
    """Entries of the journal, in order."""

    entries: list[JournalEntry]


class JournalExportOrder(Inbound):
    """The days of an export in Asia/Shanghai, of which `to` counts, and for what it is needed."""

    since: Day = Field(alias="from")
    until: Day = Field(alias="to")
    reason: NoteText


@table.add(
    "GET", JOURNAL, cost=LIST, roles=(Role.AUDITOR,), zh="日志", en="Entries of the journal", refused="JournalRefused"
)
async def get_entries(call: Call, query: JournalQuery) -> JournalEntries:
    """Entries of the journal in order, for auditors of the province. The next page is behind the last number; a page
    of fewer than `limit` is the last, as each look is an entry itself."""
    _check_province(call)
    engine = call.context.journal.engine
    found = await reader.entries(engine, query.session, query.after, query.limit, query.kind)
    seen = {"after": query.after, "found": len(found)}
    call.context.journal.note_access("JournalSeen", query.session, author(call.user), seen)
    rows = [
        JournalEntry(
            seq=entry.seq,
            at=entry.at,
            session=entry.session,
            kind=entry.kind,
            author=entry.author,
            data=json.loads(entry.data),
        )
        for entry in found
    ]
    return JournalEntries(entries=rows)


@table.add(
    "POST",
    f"{JOURNAL}/exports",
    cost=EXPORT_COST,
    roles=(Role.AUDITOR,),
    zh="导出日志",
    en="An export of the journal",
    problems=(NotFound, Busy),
    gives=MEDIA_TYPE,
    headers=("Content-Disposition",),
    refused="JournalRefused",
)
async def post_export(call: Call, body: JournalExportOrder) -> web.StreamResponse:
    """The entries of up to 366 days as a signed ZIP: JSON Lines as they are hashed, checkpoints, public keys, a
    workbook and a manifest. `huijian verify --journal` proves it without a database."""
    _check_province(call)
    context = call.context
    order = await _order(call, body)
    with context.streams.running(call.caller, call.request) as stream:
        async with context.journal_exports.made(order) as made:
            await _note(call, order, made)
            file = await asyncio.to_thread(open, made.path, "rb")
            try:
                size = await asyncio.to_thread(file.seek, 0, 2)
                answer = web.StreamResponse(headers=_headers(order))
                answer.content_type, answer.content_length = MEDIA_TYPE, size
                await answer.prepare(call.request)
                await send(stream, answer, file, 0, size)
            finally:
                await asyncio.to_thread(file.close)
    return answer


async def _order(call: Call, body: JournalExportOrder) -> Order:
    """Return what is asked for. Raises BadRequest, NotFound."""
    context, settings = call.context, call.context.settings
    first, last = await numbers_of(context.journal.engine, body.since, body.until)
    return Order(
        since=body.since,
        until=body.until,
        first=first,
        last=last,
        by=call.user.id,
        reason=body.reason,
        made_at=in_shanghai(context.now().wall).isoformat(timespec="seconds"),
        archive_dir=str(settings.archive_dir),
        keys_dir=str(settings.keys_dir),
        signing=settings.archive_signing,
        folder="",
    )


def _check_province(call: Call) -> None:
    """Check that an auditor is of the province. Raises Forbidden."""
    if scope(call.user) is not None:
        raise Forbidden(
            "The journal is one chain of all sites, for auditors of the province; a visit has its own entries.",
            "日志是全省单位共有的一条链，仅限省级审计员；单场会见的记录请在该会见中查看。",
        )


async def _note(call: Call, order: Order, made: Made) -> None:
    """Journal the export, and return when the entry is on disk. Raises StorageUnavailable where it cannot be."""
    context = call.context
    if not context.journal.healthy(context.mono()):
        raise StorageUnavailable("Exports cannot be journaled at the moment.", "目前无法记录日志，暂停导出。")
    facts = {"from": str(order.since), "to": str(order.until), "first": order.first, "last": order.last}
    facts |= {"reason": order.reason, "manifest": made.manifest}
    context.journal.note("JournalExported", None, author(call.user), facts)
    await context.journal.flush()


def _headers(order: Order) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{order.name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
