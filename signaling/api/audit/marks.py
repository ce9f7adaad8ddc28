"""Marks of auditors on recordings. A mark has an author and is never changed; withdrawn, it stays in the list."""

from broker.control.store.history.marks import Mark
from broker.kernel.errors import BadRequest, Conflict, TooMany
from broker.kernel.ids import new_id
from signaling.api.audit.access import check_kept, visit_of
from signaling.api.audit.messages import MarkOrder, MarkView, WithdrawOrder
from signaling.api.audit.visits import REFUSED, VISIT
from signaling.auth.scope import Role, author
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("marks")
AUDITOR = (Role.AUDITOR,)
SLACK = 1.0
"""Seconds behind the end of the film that a player may name."""


@table.add(
    "POST",
    f"{VISIT}/marks",
    roles=AUDITOR,
    zh="标记录像",
    en="Mark a moment or a stretch of a recording",
    status=201,
    problems=(Conflict, TooMany),
    refused=REFUSED,
)
async def post_mark(call: Call, body: MarkOrder) -> MarkView:
    """Only where there is a film, and within it. The journal has the mark's id, and not its words."""
    slot, row = await visit_of(call)
    if row.film_seconds is None or not row.named:
        raise Conflict("There is no recording to mark.", "该会见没有可标记的录像。")
    end = body.to if body.to is not None else body.at
    if end < body.at or end > row.film_seconds + SLACK:
        raise BadRequest("The mark does not lie in the film.", "标记不在录像时间范围内。")
    now = call.context.now().wall
    mark = Mark(new_id("mrk"), slot.session, body.at, body.to, body.kind, body.text, call.user.id, now)
    await call.context.store.add_mark(mark)
    call.context.journal.note("MarkMade", slot.session, author(call.user), {"mark": mark.id, "kind": mark.kind})
    return await _view(call.context, mark)


@table.add(
    "POST",
    f"{VISIT}/marks/{{mark}}/withdraw",
    roles=AUDITOR,
    zh="撤回标记",
    en="Withdraw a mark",
    problems=(Conflict,),
    refused=REFUSED,
)
async def withdraw_mark(call: Call, body: WithdrawOrder) -> MarkView:
    """Each auditor who sees the mark may withdraw it, with a reason and under the own name, as long as the recording is
    kept."""
    slot, row = await visit_of(call)
    await check_kept(call, row)
    mark, user = call.id("mark"), call.user
    withdrawn = await call.context.store.withdraw_mark(
        slot.session, mark, user.id, body.reason, call.context.now().wall
    )
    call.context.journal.note("MarkWithdrawn", slot.session, author(user), {"mark": mark})
    return await _view(call.context, withdrawn)


async def mark_views(context: Context, session: str) -> list[MarkView]:
    """Return the marks on a recording in the order of the film, withdrawn ones too."""
    return [await _view(context, mark) for mark in await context.store.marks_of(session)]


async def _view(context: Context, mark: Mark) -> MarkView:
    members = {name: getattr(mark, name) for name in MarkView.model_fields if name != "by_name"}
    return MarkView(**members, by_name=await context.names.user(mark.by))
