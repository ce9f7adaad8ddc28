"""Announcements (公告) of why visits stop, over REST: who announces depends on the cause, and the province files them
(Guangdong 36)."""

from broker.booking.announcement import PROVINCE, Announcement, Publisher, announce, check_files, file, may_announce
from broker.booking.packs import pack_named
from broker.control.session_runner import SessionRunner
from broker.kernel.errors import Conflict, Forbidden, NotFound, PolicyViolation
from broker.kernel.ids import AnnouncementId, SessionId
from config.articles.grounds import Intervention
from signaling.api.messages.follow_ups import (
    AnnouncementDue,
    AnnouncementList,
    AnnouncementOrder,
    AnnouncementView,
)
from signaling.auth.scope import OFFICERS, Role, User, author, found, may_see, seen
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table

table = Table("announcements")
ANNOUNCEMENTS = "/api/v1/announcements"
PUBLISHES = (Role.SUPERVISOR, Role.APPROVER, Role.CLERK)


@table.add("GET", ANNOUNCEMENTS, cost=LIST, roles=OFFICERS | {Role.CLERK}, zh="公告", en="Announcements")
async def get_announcements(call: Call) -> AnnouncementList:
    """All announcements, the newest first, and the visits of the caller whose stop is not announced yet."""
    kept = await call.context.store.announcements()
    announced = {one.session for one in kept}
    publisher = await _publisher(call) if call.user.site is not None and call.user.role in PUBLISHES else None
    due = [
        AnnouncementDue(
            session=live.session.id,
            code=cause.code,
            issuer=cause.issuer,
            at=live.session.end.at if live.session.end is not None else None,
            mine=publisher is not None and may_announce(publisher, cause.issuer),
        )
        for live in call.context.broker.sessions()
        if may_see(call.caller, live.session.slot) and live.session.id not in announced
        for cause in _causes(live)
        if cause.issuer is not None
    ]
    files = publisher is not None and publisher.kind == PROVINCE and call.user.role is Role.APPROVER
    views = [await _view(call, one, mine=files and not one.filed) for one in kept]
    return AnnouncementList(announcements=views, due=due)


def _causes(live: SessionRunner) -> list[Intervention]:
    """The ground under which officers ended or hold this visit, where it is known."""
    session = live.session
    code = session.end.article if session.end is not None else session.hold.article if session.hold else ""
    found = live.policy.intervention(code)
    return [] if found is None else [found]


@table.add(
    "POST",
    ANNOUNCEMENTS,
    roles=PUBLISHES,
    zh="发布公告",
    en="Announce a cause",
    problems=(PolicyViolation, Conflict, NotFound),
    refused="AnnouncementRefused",
)
async def post_announcement(call: Call, body: AnnouncementOrder) -> AnnouncementView:
    """An announcement of the caller's site. The same `id` again counts once."""
    context, publisher = call.context, await _publisher(call)
    if body.session is not None:
        seen(call.caller, await found(context.store.slot_of_session(body.session)))
    made = announce(
        pack_named((await context.store.site(publisher.site)).policy),
        publisher,
        context.now().wall,
        id=AnnouncementId(body.id),
        code=body.code,
        text=body.text.strip(),
        session=SessionId(body.session) if body.session is not None else None,
    )
    kept = await context.store.add_announcement(made)
    if kept is made:
        data = {"announcement": made.id, "article": made.code, "issuer": str(made.issuer), "site": made.site}
        context.journal.note("AnnouncementPublished", made.session, author(call.caller), data)
    return await _view(call, kept)


@table.add(
    "POST",
    f"{ANNOUNCEMENTS}/{{announcement}}/file",
    roles=(Role.APPROVER,),
    zh="公告备案",
    en="File an announcement",
    problems=(Conflict,),
    refused="AnnouncementRefused",
)
async def file_announcement(call: Call) -> AnnouncementView:
    """Put an announcement on file with the province."""
    context = call.context
    publisher = await _publisher(call)
    check_files(publisher)
    filed = file(await found(context.store.announcement(call.id("announcement"))), publisher, context.now().wall)
    await context.store.file_announcement(filed)
    data = {"announcement": filed.id, "article": filed.code, "site": str(filed.filed_site)}
    context.journal.note("AnnouncementFiled", filed.session, author(call.caller), data)
    return await _view(call, filed)


async def _publisher(call: Call) -> Publisher:
    user = call.user
    if user.site is None:
        raise Forbidden()
    return Publisher(user.id, user.site, str((await call.context.store.site(user.site)).kind))


async def _view(call: Call, made: Announcement, *, mine: bool = False) -> AnnouncementView:
    names, seen = call.context.names, made.session
    if seen is not None and isinstance(call.caller, User):
        seen = seen if may_see(call.caller, await call.context.store.slot_of_session(seen)) else None
    return AnnouncementView(
        id=made.id,
        code=made.code,
        cause=made.cause,
        issuer=made.issuer,
        article=made.article,
        text=made.text,
        site=await names.site(made.site),
        at=made.at,
        session=seen,
        filed_at=made.filed_at,
        filed_site=await names.site(made.filed_site) if made.filed_site is not None else None,
        mine=mine,
    )
