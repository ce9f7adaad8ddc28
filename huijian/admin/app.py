"""The command `huijian admin` with all its groups."""

import typer

from huijian.admin import clock, confirm, keys, place_changes, places, slots, terminals, users
from huijian.history import rebuild
from huijian.journal import command as journal

app = typer.Typer(
    no_args_is_help=True,
    help="Sites, rooms, terminals, users, keys, slots, journal. 管理\n\n"
    "A running server sees at once what these commands write, except slots: see `huijian admin slots`. "
    "The journal records every change with the account of the operating system under which it was made.",
    epilog="Example: huijian admin sites add first-prison --kind prison --name 第一监狱 --policy yunnan",
)
place_changes.add_to(places.sites, places.rooms)
app.add_typer(places.sites, name="sites")
app.add_typer(places.rooms, name="rooms")
app.add_typer(terminals.app, name="terminals")
users.app.add_typer(confirm.app)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(slots.app, name="slots")
app.add_typer(journal.app, name="journal")
app.add_typer(rebuild.app, name="history")
app.command("clock")(clock.clock)
