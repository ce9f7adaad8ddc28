"""What a demonstration needs in the store: two sites under the demo pack, a room and a terminal each, two supervisors
of each site, and the key of a booking system. Secrets are made anew each time and live in memory only."""

import secrets
from dataclasses import dataclass

from broker.control.journal.journal import Journal
from broker.control.store.records import Role, SiteKind
from broker.control.store.store import Store
from broker.kernel.errors import Conflict
from broker.kernel.ids import Side

POLICY = "demo"


@dataclass(frozen=True, slots=True)
class Post:
    """One end of the stage."""

    site: str
    kind: SiteKind
    site_name: str
    room: str
    room_name: str


POSTS = {
    Side.PRISON: Post("demo-prison", SiteKind.PRISON, "演示监狱", "demo-prison-1", "一号会见室"),
    Side.VISITOR: Post("demo-bureau", SiteKind.BUREAU, "演示县司法局", "demo-bureau-1", "司法局会见室"),
}


@dataclass(frozen=True, slots=True)
class Officer:
    """A supervisor who can sign in."""

    id: str
    side: Side
    password: str


@dataclass(frozen=True, slots=True)
class Stage:
    """Everybody's credentials."""

    terminals: dict[Side, str]
    officers: tuple[Officer, ...]
    key: str
    key_id: str


AUTHOR = "command:demo"


async def set_up(store: Store, journal: Journal, policy: str = POLICY) -> Stage:
    """Make, or find again, the places and people of the demonstration, under the pack `policy`. Journaled like an
    admin's commands."""
    terminals: dict[Side, str] = {}
    officers: list[Officer] = []
    for side, post in POSTS.items():
        await _ensure_place(store, journal, post, policy)
        terminals[side] = await store.enrol_terminal(post.room, replace=True)
        journal.note("TerminalEnrolled", None, AUTHOR, {"room": post.room})
        for number in (1, 2):
            officers.append(await _officer(store, side, post, number))
            journal.note("UserAdded", None, AUTHOR, {"user": officers[-1].id, "role": Role.SUPERVISOR})
    key = await store.add_api_key("demo")
    known = await store.api_key_by_token(key)
    assert known is not None  # a moment ago
    journal.note("KeyAdded", None, AUTHOR, {"key": known.id})
    await journal.flush()
    return Stage(terminals, tuple(officers), key, known.id)


async def dismiss(store: Store, journal: Journal, stage: Stage) -> None:
    """The demonstration is over: its key is good for nothing more."""
    await store.revoke_api_key(stage.key_id)
    journal.note("KeyRevoked", None, AUTHOR, {"key": stage.key_id})
    await journal.flush()


async def _ensure_place(store: Store, journal: Journal, post: Post, policy: str) -> None:
    if post.site not in {site.id for site in await store.sites()}:
        await store.add_site(post.site, post.kind, post.site_name, policy)
        journal.note("SiteAdded", None, AUTHOR, {"site": post.site, "kind": post.kind, "policy": policy})
    if post.room not in {room.id for room in await store.rooms()}:
        await store.add_room(post.room, post.site, post.room_name)
        journal.note("RoomAdded", None, AUTHOR, {"room": post.room, "site": post.site})


async def _officer(store: Store, side: Side, post: Post, number: int) -> Officer:
    officer = Officer(f"{post.site}-{number}", side, secrets.token_urlsafe(12))
    name = f"{post.site_name}管理员{number}"
    try:
        await store.add_user(officer.id, name, Role.SUPERVISOR, officer.password, post.site)
    except Conflict:
        await store.set_password(officer.id, officer.password)
    return officer
