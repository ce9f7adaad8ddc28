"""`huijian admin sites` and `huijian admin rooms`."""

from pathlib import Path
from typing import Annotated

import typer

from broker.control.store.records import Room, Site, SiteKind
from broker.kernel.errors import PolicyViolation
from config.pack_loader import load_pack
from huijian.admin.office import Office, in_office
from huijian.output import Json, say, say_all

sites = typer.Typer(no_args_is_help=True, help="Prisons, bureaus and offices. 单位")
rooms = typer.Typer(no_args_is_help=True, help="Visiting rooms. 会见室")

Id = Annotated[str, typer.Argument(help="Chosen by you: a-z, 0-9 and '-'.")]


@sites.command("add", epilog="Example: sites add panlong --kind bureau --name 盘龙区司法局 --policy yunnan")
def add_site(
    ctx: typer.Context,
    id: Id,
    kind: Annotated[SiteKind, typer.Option(help="What it is.")],
    name: Annotated[str, typer.Option(help="The name people know.")],
    policy: Annotated[str, typer.Option(help="yunnan, guangdong, or the path of a pack.")],
    parent: Annotated[str | None, typer.Option(help="The site over it: of a bureau, its city's.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Allow the demonstration's rules.")] = False,
    json: Json = False,
) -> None:
    """Register a site."""

    pack = str(Path(policy).resolve()) if policy.endswith(".toml") else policy

    async def work(office: Office) -> Site:
        if load_pack(pack).demo and not demo:
            raise PolicyViolation("The demonstration's rules are for demonstrations only (--demo).")
        site = await office.store.add_site(id, kind, name, pack, parent)
        await office.note("SiteAdded", site=id, kind=kind, policy=pack)
        return site

    say(in_office(ctx, work), json)


@sites.command("put-under", epilog="Example: sites put-under panlong kunming")
def put_under(
    ctx: typer.Context,
    id: Id,
    parent: Annotated[str, typer.Argument(help="The site over it.")],
    json: Json = False,
) -> None:
    """Say which site is over another: whose approvers decide and file what is proposed there."""

    async def work(office: Office) -> Site:
        await office.store.put_under(id, parent)
        await office.note("SitePutUnder", site=id, parent=parent)
        return await office.store.site(id)

    say(in_office(ctx, work), json)


@sites.command("list")
def list_sites(ctx: typer.Context, json: Json = False) -> None:
    """All sites."""
    say_all(in_office(ctx, lambda office: office.store.sites()), json)


@rooms.command("add", epilog="Example: rooms add panlong-1 --site panlong --name 视频会见室一")
def add_room(
    ctx: typer.Context,
    id: Id,
    site: Annotated[str, typer.Option(help="The site it belongs to.")],
    name: Annotated[str, typer.Option(help="The name on its door.")],
    json: Json = False,
) -> None:
    """Register a visiting room."""

    async def work(office: Office) -> Room:
        room = await office.store.add_room(id, site, name)
        await office.note("RoomAdded", room=id, site=site)
        return room

    say(in_office(ctx, work), json)


@rooms.command("list")
def list_rooms(
    ctx: typer.Context,
    site: Annotated[str | None, typer.Option(help="Of this site only.")] = None,
    json: Json = False,
) -> None:
    """Rooms of all sites or of one."""
    say_all(in_office(ctx, lambda office: office.store.rooms(site)), json)
