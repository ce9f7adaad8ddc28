"""The ledger of a site over REST (台账; Yunnan 26(6), Guangdong 27, 30). Auditors get the full one; approvers and
administrators of the site the one that is made public, which has no names (Guangdong 31(5), 32). To put the ledger in
order is the duty of the officers who watch (Yunnan 26(6)): they get the full one of their own site, a day at a time.
Each one is journaled before its first byte leaves."""

import base64
from typing import Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from broker.kernel.clock import in_shanghai
from broker.kernel.errors import BadRequest, Busy, Forbidden, NotFound, StorageUnavailable
from signaling.api.messages.fields import Day, Inbound, Name
from signaling.auth.scope import Role, author, scope
from signaling.budgets.allowance import LIST
from signaling.ledgers.entry import Head, Request
from signaling.ledgers.order import MEDIA_TYPES, Format, Made, chinese_name, journaled
from signaling.ledgers.source import LedgerSource, bounds
from signaling.server.routes import Call, Table

table = Table("ledgers")
LEDGERS = "/api/v1/ledgers"
SIGNATURE = "Huijian-Signature"
"""Header with the signed statement about the file, as JSON in Base64, for `huijian verify --ledger`."""
MAKERS = (Role.AUDITOR, Role.APPROVER, Role.ADMIN, Role.SUPERVISOR)
COST = LIST * 4


class LedgerQuery(Inbound):
    """What a ledger is of: a site (the officer's own where none is named), and days in Asia/Shanghai, today where none
    are named; `to` counts, and is the day of `from` where it is missing. `public`: the version without names."""

    site: Name | None = None
    since: Day | None = Field(default=None, alias="from")
    until: Day | None = Field(default=None, alias="to")
    format: Literal["xlsx", "pdf", "json", "zip"] = "xlsx"
    public: bool = False


@table.add(
    "GET",
    LEDGERS,
    cost=COST,
    roles=MAKERS,
    zh="导出台账",
    en="The ledger of a site",
    problems=(NotFound, Busy),
    gives=tuple(MEDIA_TYPES.values()),
    headers=(SIGNATURE, "Content-Disposition"),
    refused="LedgerRefused",
)
async def get_ledger(call: Call, query: LedgerQuery) -> web.Response:
    """A site's visits of a day or up to 31 days, whatever became of them, with totals and the end of the site's chain,
    as a workbook, as pages, as JSON, or all of them with their signatures (zip). Signed."""
    context = call.context
    request = _request(call, query)
    bounds(request)
    await context.history.settle()
    source = LedgerSource(context.store, context.recordings, context.names)
    head = await source.head(request, context.now().wall, author(call.user), call.user.name)
    made = await context.ledgers.build(head, source.entries(request), query.format)
    await _note(call, request, query.format, made)
    return _answer(head, query.format, made)


def _request(call: Call, query: LedgerQuery) -> Request:
    """Return what is asked for. Raises Forbidden, BadRequest, or NotFound for sites of others."""
    own = scope(call.user)
    _check_version(call.user.role, query)
    site = query.site or own
    if site is None:
        raise BadRequest("Say of which site.", "请指明单位（site）。")
    if own is not None and site != own:
        raise NotFound()
    since = query.since or query.until or in_shanghai(call.context.now().wall).date()
    until = query.until or since
    if call.user.role is Role.SUPERVISOR and since != until:
        raise Forbidden("Officers on duty get the ledger of one day.", "监督管理员只能导出一天的台账，请选择同一天。")
    return Request(site=site, since=since, until=until, public=query.public)


def _check_version(role: Role, query: LedgerQuery) -> None:
    """Check that a role may have the ledger with names. Raises Forbidden."""
    if not query.public and role not in (Role.AUDITOR, Role.SUPERVISOR):
        raise Forbidden(
            "The full ledger is for auditors and officers on duty; ask for public=true.",
            "完整台账仅限审计员和本单位监督管理员导出；请导出公示版（public=true）。",
        )


async def _note(call: Call, request: Request, format: Format, made: Made) -> None:
    """Journal the ledger, and return when the entry is on disk. Raises StorageUnavailable where it cannot be."""
    context = call.context
    if not context.journal.healthy(context.mono()):
        raise StorageUnavailable("Ledgers cannot be journaled at the moment.", "目前无法记录日志，暂停导出台账。")
    context.journal.note_access("LedgerMade", None, author(call.user), journaled(request, format, made.visits))
    await context.journal.flush()


def _answer(head: Head, format: Format, made: Made) -> web.Response:
    name = quote(chinese_name(head, format))
    headers = {
        "Content-Disposition": f"attachment; filename=\"{made.name}\"; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    if made.signature:
        headers[SIGNATURE] = base64.b64encode(made.signature).decode()
    return web.Response(body=made.data, content_type=MEDIA_TYPES[format], headers=headers)
