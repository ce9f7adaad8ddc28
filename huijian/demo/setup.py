"""Sets up the store for a demonstration: two sites under the demo pack, a room and a terminal each, two supervisors of
each site, and the key of a booking system. Secrets are made anew each time and exist in memory only."""

import secrets
from dataclasses import dataclass

from broker.control.journal.journal import Journal
from broker.control.store.devices.terminals import PublicKey
from broker.control.store.records import Role, SiteKind
from broker.control.store.store import Store
from broker.kernel.errors import Conflict
from broker.kernel.ids import Side
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import FileKey

POLICY = "demo"


@dataclass(frozen=True, slots=True)
class Place:
    """Site and room of one side of the demonstration."""

    site: str
    kind: SiteKind
    site_name: str
    room: str
    room_name: str


PLACES = {
    Side.PRISON: Place("demo-prison", SiteKind.PRISON, "演示监狱", "demo-prison-1", "一号会见室"),
    Side.VISITOR: Place("demo-bureau", SiteKind.BUREAU, "演示县司法局", "demo-bureau-1", "司法局会见室"),
}


@dataclass(frozen=True, slots=True)
class Officer:
    """Account of a supervisor, with which to sign in."""

    id: str
    side: Side
    password: str


@dataclass(frozen=True, slots=True)
class DemoTerminal:
    """A terminal whose key this process has made, and keeps in memory."""

    id: str
    room: str
    key: FileKey

    def identity(self, server: str) -> Identity:
        """Return its identity at a server."""
        return Identity(server, self.id, self.key)


async def enrol(store: Store, room: str) -> DemoTerminal:
    """Enrol a terminal with a new key for a room, in the place of the one that it has."""
    key = FileKey.new()
    enrolled = await store.enrol_terminal(room, PublicKey(key.public, key.kind), replace=True)
    return DemoTerminal(enrolled.terminal.id, room, key)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Secrets of the demonstration: terminals' keys, officers' passwords (the prison's first), the booking key."""

    terminals: dict[Side, DemoTerminal]
    officers: tuple[Officer, ...]
    key: str
    key_id: str


AUTHOR = "command:demo"


async def set_up(store: Store, journal: Journal, policy: str = POLICY) -> Credentials:
    """Make, or find again, the places and people of the demonstration, under the pack `policy`. All of it is journaled,
    as for the admin commands."""
    terminals: dict[Side, DemoTerminal] = {}
    officers: list[Officer] = []
    for side, place in PLACES.items():
        await ensure_place(store, journal, place, policy)
        terminals[side] = terminal = await enrol(store, place.room)
        journal.note("TerminalEnrolled", None, AUTHOR, {"terminal": terminal.id, "room": place.room})
        for number in (1, 2):
            officers.append(await _officer(store, side, place, number))
            journal.note("UserAdded", None, AUTHOR, {"user": officers[-1].id, "role": Role.SUPERVISOR})
    key = await store.add_api_key("demo")
    record = await store.api_key_by_token(key)
    assert record is not None  # it was added above
    journal.note("KeyAdded", None, AUTHOR, {"key": record.id})
    await journal.flush()
    return Credentials(terminals, tuple(officers), key, record.id)


async def revoke(store: Store, journal: Journal, credentials: Credentials) -> None:
    """Revoke the booking key when the demonstration is over."""
    await store.revoke_api_key(credentials.key_id)
    journal.note("KeyRevoked", None, AUTHOR, {"key": credentials.key_id})
    await journal.flush()


async def ensure_place(store: Store, journal: Journal, place: Place, policy: str, author: str = AUTHOR) -> None:
    """Make the site and the room of a place, where they are not there."""
    if place.site not in {site.id for site in await store.sites()}:
        await store.add_site(place.site, place.kind, place.site_name, policy)
        journal.note("SiteAdded", None, author, {"site": place.site, "kind": place.kind, "policy": policy})
    if place.room not in {room.id for room in await store.rooms()}:
        await store.add_room(place.room, place.site, place.room_name)
        journal.note("RoomAdded", None, author, {"room": place.room, "site": place.site})


async def _officer(store: Store, side: Side, place: Place, number: int) -> Officer:
    officer = Officer(f"{place.site}-{number}", side, secrets.token_urlsafe(12))
    name = f"{place.site_name}管理员{number}"
    try:
        await store.add_user(officer.id, name, Role.SUPERVISOR, officer.password, place.site)
    except Conflict:
        await store.set_password(officer.id, officer.password)
    return officer
