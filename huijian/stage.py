"""What a demonstration needs in the store: two sites under the demo pack, a room and a terminal each, two supervisors
of each site, and the key of a booking system. Secrets are made anew each time and live in memory only."""

import secrets
from dataclasses import dataclass

from broker.errors import Conflict
from broker.ids import Side
from broker.live.records import Role, SiteKind
from broker.live.store import Store

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


async def set_up(store: Store) -> Stage:
    """Make, or find again, the places and people of the demonstration."""
    terminals: dict[Side, str] = {}
    officers: list[Officer] = []
    for side, post in POSTS.items():
        await _ensure_place(store, post)
        terminals[side] = await store.enrol_terminal(post.room, replace=True)
        for number in (1, 2):
            officers.append(await _officer(store, side, post, number))
    return Stage(terminals, tuple(officers), await store.add_api_key(f"demo-{secrets.token_hex(4)}"))


async def _ensure_place(store: Store, post: Post) -> None:
    if post.site not in {site.id for site in await store.sites()}:
        await store.add_site(post.site, post.kind, post.site_name, POLICY)
    if post.room not in {room.id for room in await store.rooms()}:
        await store.add_room(post.room, post.site, post.room_name)


async def _officer(store: Store, side: Side, post: Post, number: int) -> Officer:
    officer = Officer(f"{post.site}-{number}", side, secrets.token_urlsafe(12))
    name = f"{post.site_name}管理员{number}"
    try:
        await store.add_user(officer.id, name, Role.SUPERVISOR, officer.password, post.site)
    except Conflict:
        await store.set_password(officer.id, officer.password)
    return officer
