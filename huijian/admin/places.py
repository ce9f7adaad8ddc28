"""The commands `huijian admin sites` and `huijian admin rooms`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from broker.booking.packs import pack_for_new_site
from broker.control.store.records import Room, Site, SiteKind
from huijian.admin.context import AdminContext
from huijian.admin.text_options import name_option
from huijian.output import Json, say, say_all
from huijian.remote.server import Api, as_record, perform, works_remotely

sites = typer.Typer(no_args_is_help=True, help="Prisons, bureaus and offices. 单位")
rooms = typer.Typer(no_args_is_help=True, help="Visiting rooms. 会见室")

Id = Annotated[str, typer.Argument(help="An id that you choose: a-z, 0-9 and '-'.")]


@sites.command("add", epilog="Example: sites add panlong --kind bureau --name 盘龙区司法局 --policy yunnan")
@works_remotely
def add_site(
    ctx: typer.Context,
    id: Id,
    kind: Annotated[SiteKind, typer.Option(help="Kind of the site.")],
    name: Annotated[str, name_option("Name that people know the site by.")],
    policy: Annotated[str, typer.Option(help="Rules of the site: yunnan, guangdong, or the path of a pack.")],
    parent: Annotated[str | None, typer.Option(help="Id of the site over it; the city's for a bureau.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Allow the rules of the demonstration.")] = False,
    json: Json = False,
) -> None:
    """Add a site: a prison, a bureau or an office."""

    pack = str(Path(policy).resolve()) if policy.endswith(".toml") else policy

    async def work(admin: AdminContext) -> Any:
        pack_for_new_site(pack, demo)
        site = await admin.store.add_site(id, kind, name, pack, parent)
        await admin.note("SiteAdded", site=id, kind=kind, policy=pack)
        return site

    def ask(api: Api) -> dict[str, Any]:
        body = {"id": id, "kind": kind, "name": name, "policy": policy, "parent": parent, "demo": demo}
        return as_record(Site, api.post("sites", body=body))

    say(perform(ctx, work, ask), json)


@sites.command("put-under", epilog="Example: sites put-under panlong kunming")
@works_remotely
def put_under(
    ctx: typer.Context,
    id: Id,
    parent: Annotated[str, typer.Argument(help="Id of the site over it.")],
    json: Json = False,
) -> None:
    """Set the site over another one. Its approvers decide and file the suspensions that are proposed there."""

    async def work(admin: AdminContext) -> Any:
        await admin.store.put_under(id, parent)
        await admin.note("SitePutUnder", site=id, parent=parent)
        return await admin.store.site(id)

    def ask(api: Api) -> dict[str, Any]:
        return as_record(Site, api.post("sites", id, "put-under", body={"parent": parent}))

    say(perform(ctx, work, ask), json)


@sites.command("list")
@works_remotely
def list_sites(ctx: typer.Context, json: Json = False) -> None:
    """List all sites in the order of their ids."""

    async def work(admin: AdminContext) -> list[Any]:
        return await admin.store.sites()

    def ask(api: Api) -> list[Any]:
        return [as_record(Site, view) for view in api.get("sites")["sites"]]

    say_all(perform(ctx, work, ask), json)


@rooms.command("add", epilog="Example: rooms add panlong-1 --site panlong --name 视频会见室一")
@works_remotely
def add_room(
    ctx: typer.Context,
    id: Id,
    site: Annotated[str, typer.Option(help="Id of the site that the room belongs to.")],
    name: Annotated[str, name_option("Name on the door of the room.")],
    json: Json = False,
) -> None:
    """Add a visiting room to a site."""

    async def work(admin: AdminContext) -> Any:
        room = await admin.store.add_room(id, site, name)
        await admin.note("RoomAdded", room=id, site=site)
        return room

    def ask(api: Api) -> dict[str, Any]:
        return as_record(Room, api.post("rooms", body={"id": id, "site": site, "name": name}))

    say(perform(ctx, work, ask), json)


@rooms.command("list")
@works_remotely
def list_rooms(
    ctx: typer.Context,
    site: Annotated[str | None, typer.Option(help="Only rooms of this site.")] = None,
    json: Json = False,
) -> None:
    """List the rooms of all sites, or of one."""

    async def work(admin: AdminContext) -> list[Any]:
        return await admin.store.rooms(site)

    def ask(api: Api) -> list[Any]:
        return [as_record(Room, view) for view in api.get("rooms", site=site)["rooms"]]

    say_all(perform(ctx, work, ask), json)
