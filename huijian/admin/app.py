"""`huijian admin`: all its groups."""

import typer

from huijian.admin import journal, keys, places, slots, terminals, users

app = typer.Typer(
    no_args_is_help=True,
    help="Sites, rooms, terminals, users, keys, slots, journal. 管理\n\n"
    "What is written here is seen by a running server at once (slots excepted, see there). "
    "Every change is journaled with the account it was made under.",
    epilog="Example: huijian admin sites add first-prison --kind prison --name 第一监狱 --policy yunnan",
)
app.add_typer(places.sites, name="sites")
app.add_typer(places.rooms, name="rooms")
app.add_typer(terminals.app, name="terminals")
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(slots.app, name="slots")
app.add_typer(journal.app, name="journal")
