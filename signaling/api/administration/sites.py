"""Sites over HTTP, which the province's administrators add, rename, close and open, and put under one another; a site's
officers see their own."""

from collections import Counter

from broker.booking.packs import pack_for_new_site
from broker.control.store.records import Site, SiteKind, TerminalState
from broker.kernel.errors import BadRequest, Conflict, NotFound, PolicyViolation
from config.pack_loader import packs
from signaling.api.administration.access import READERS, REFUSED, WRITERS, check_province, note
from signaling.api.administration.messages import Because, NewName, NewParent, SiteForm, SiteList, SiteView
from signaling.auth.scope import scope
from signaling.server.routes import Call, Table

table = Table("sites")
SITES = "/api/v1/sites"
SITE = f"{SITES}/{{site}}"


@table.add("GET", SITES, roles=READERS, zh="单位一览", en="All sites")
async def get_sites(call: Call) -> SiteList:
    """The sites that the caller may know of: all for the province's officers, their own for others."""
    own = scope(call.user)
    return SiteList(sites=[view for view in await _views(call) if own in (None, view.id)])


@table.add(
    "POST",
    SITES,
    roles=WRITERS,
    zh="增设单位",
    en="Add a site",
    status=201,
    problems=(Conflict, NotFound, PolicyViolation),
    refused=REFUSED,
)
async def add_site(call: Call, body: SiteForm) -> SiteView:
    """A prison, a bureau or an office, by an administrator of the province."""
    check_province(call)
    store = call.context.store
    if body.policy not in packs() and body.policy not in {site.policy for site in await store.sites()}:
        raise BadRequest(
            f"There is no pack {body.policy}. The first site with a pack of its own is added on the server, with "
            "`huijian admin sites add`.",
            f"没有规则包 {body.policy}。首次使用自备规则包的单位，请在服务器上用 huijian admin sites add 增设。",
        )
    pack_for_new_site(body.policy, body.demo and call.context.settings.demo)
    await store.add_site(body.id, SiteKind(body.kind), body.name, body.policy, body.parent)
    await store.keep_in_force([body.policy])
    await note(call, "SiteAdded", site=body.id, kind=body.kind, policy=body.policy)
    return await _view(call, body.id)


@table.add("POST", f"{SITE}/rename", roles=WRITERS, zh="更改单位名称", en="Rename a site", refused=REFUSED)
async def rename_site(call: Call, body: NewName) -> SiteView:
    """The name that people know the site by; its id stays."""
    id = _site(call)
    await call.context.store.rename_site(id, body.name)
    call.context.names.forget()
    await note(call, "SiteRenamed", site=id, name=body.name)
    return await _view(call, id)


@table.add(
    "POST",
    f"{SITE}/put-under",
    roles=WRITERS,
    zh="调整隶属关系",
    en="Put a site under another one",
    problems=(NotFound,),
    refused=REFUSED,
)
async def put_under(call: Call, body: NewParent) -> SiteView:
    """The approvers of the site over it decide and file the suspensions that are proposed at this one."""
    id = _site(call)
    await call.context.store.put_under(id, body.parent)
    await note(call, "SitePutUnder", site=id, parent=body.parent)
    return await _view(call, id)


@table.add(
    "POST", f"{SITE}/close", roles=WRITERS, zh="停用单位", en="Close a site", problems=(Conflict,), refused=REFUSED
)
async def close_site(call: Call, body: Because) -> SiteView:
    """Its rooms are closed and its terminals revoked before. What was kept of it stays."""
    id = _site(call)
    await call.context.store.close_site(id)
    await note(call, "SiteClosed", site=id, reason=body.reason)
    return await _view(call, id)


@table.add(
    "POST",
    f"{SITE}/reopen",
    roles=WRITERS,
    zh="恢复单位",
    en="Open a site again",
    problems=(Conflict,),
    refused=REFUSED,
)
async def reopen_site(call: Call, body: Because) -> SiteView:
    """Its rooms stay closed until each of them is opened."""
    id = _site(call)
    await call.context.store.reopen_site(id)
    await note(call, "SiteReopened", site=id, reason=body.reason)
    return await _view(call, id)


def _site(call: Call) -> str:
    """Return the id in the path for an administrator of the province. Raises Forbidden."""
    check_province(call)
    return call.id("site")


async def _view(call: Call, id: str) -> SiteView:
    return next(view for view in await _views(call) if view.id == id)


async def _views(call: Call) -> list[SiteView]:
    store = call.context.store
    rooms = Counter(room.site for room in await store.rooms() if room.closed_at is None)
    terminals = Counter(each.site for each in await store.terminals() if each.state is not TerminalState.REVOKED)
    users = Counter(user.site for user in await store.users() if user.site and not user.disabled)
    return [_row(site, rooms[site.id], terminals[site.id], users[site.id]) for site in await store.sites()]


def _row(site: Site, rooms: int, terminals: int, users: int) -> SiteView:
    return SiteView(
        id=site.id,
        kind=site.kind.value,
        name=site.name,
        policy=site.policy,
        parent=site.parent,
        closed_at=site.closed_at,
        rooms=rooms,
        terminals=terminals,
        users=users,
    )
