"""The re-listen duty (复听, Yunnan 26(6)): the lists of what is due or done, and the ratings of two people."""

from datetime import UTC, datetime

from broker.control.store.history.ratings import Rating
from broker.history.acts import acts_in
from broker.kernel.errors import Conflict, SamePerson
from signaling.api.audit.access import check_kept, visit_of
from signaling.api.audit.messages import RatingOrder, RatingView, RelistenItem, RelistenList, RelistenQuery
from signaling.api.audit.visits import REFUSED, VISIT
from signaling.auth.scope import Role, author, scope
from signaling.budgets.allowance import LIST
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("relisten")
AUDITOR = (Role.AUDITOR,)


@table.add("GET", "/api/v1/relisten", cost=LIST, roles=AUDITOR, zh="复听任务", en="Recordings to hear again")
async def get_relisten(call: Call, query: RelistenQuery) -> RelistenList:
    """The recordings of the auditor's site that were chosen by their ids; `mine`: the auditor has rated it already."""
    duties = await call.context.store.relisten_duties(query.state, scope(call.user), call.context.now().wall)
    mine = await call.context.store.rated_by(call.user.id, [duty.session for duty in duties])
    return RelistenList(
        duties=[
            RelistenItem(
                session=duty.session,
                starts_at=datetime.fromtimestamp(duty.moment, UTC),
                due_at=duty.due_at,
                rated=duty.rated,
                mine=duty.session in mine,
            )
            for duty in duties
        ]
    )


@table.add(
    "POST",
    f"{VISIT}/ratings",
    roles=AUDITOR,
    zh="复听评定",
    en="Rate a visit after hearing its recording again",
    status=201,
    problems=(Conflict, SamePerson),
    refused=REFUSED,
)
async def post_rating(call: Call, body: RatingOrder) -> RatingView:
    """Only recordings that were chosen and are still kept are rated, by auditors who have played them. The second
    rating is another person's, and none is changed later."""
    slot, row = await visit_of(call)
    if row.relisten_due is None or row.film_seconds is None:
        raise Conflict("This recording need not be heard again.", "该录像不在复听范围内。")
    await check_kept(call, row)
    if call.user.id not in acts_in(await call.context.history.entries(slot.session)).viewers:
        raise Conflict("Play the recording first, and then rate it.", "请先播放该录像，再作评定。")
    rating = await call.context.store.add_rating(slot.session, call.user.id, body.verdict, body.text)
    data = {"number": rating.number, "verdict": rating.verdict}
    call.context.journal.note("RelistenRated", slot.session, author(call.user), data)
    return await _view(call.context, rating)


async def rating_views(context: Context, session: str) -> list[RatingView]:
    """Return the ratings of a recording in their order."""
    return [await _view(context, rating) for rating in await context.store.ratings_of(session)]


async def _view(context: Context, rating: Rating) -> RatingView:
    members = {name: getattr(rating, name) for name in RatingView.model_fields if name != "by_name"}
    return RatingView(**members, by_name=await context.names.user(rating.by))
