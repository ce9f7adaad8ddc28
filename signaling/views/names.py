"""Display names of sites, rooms and officers, for pages. The store is asked at most once a minute for each, because the
command line renames them in another process; the cache is bounded, so that a flood of unknown ids costs nothing."""

from collections.abc import Awaitable, Callable

from broker.booking.drill import NAME, drill_of
from broker.control.store.store import Store
from broker.kernel.errors import NotFound, StorageUnavailable
from signaling.api.messages.session_view import Observer, Officer

KEPT_SECONDS = 60.0
KEPT = 4096


class Names:
    """Display names by id; an unknown id is its own name."""

    def __init__(self, store: Store, mono: Callable[[], float]) -> None:
        self._store = store
        self._mono = mono
        self._names: dict[tuple[str, str], tuple[float, str]] = {}

    async def site(self, site: str) -> str:
        """Return the name of a site."""
        return await self._name("site", site, self._site)

    async def room(self, room: str) -> str:
        """Return the name of a room."""
        return await self._name("room", room, self._room)

    async def user(self, user: str) -> str:
        """Return the name of an officer."""
        return await self._name("user", user, self._user)

    async def officer(self, user: str) -> Officer:
        """Return an officer by id and name, as views show one."""
        return Officer(id=user, name=await self.user(user))

    async def observer(self, session: str, user: str) -> Observer:
        """Return a procurator who looks on at a session, with the reason; none while the database does not answer."""
        try:
            inspection = await self._store.open_inspection(session, user)
        except StorageUnavailable:
            inspection = None
        return Observer(id=user, name=await self.user(user), reason=inspection.reason if inspection else "")

    def forget(self) -> None:
        """Have all names read anew, because one of them was changed here."""
        self._names.clear()

    async def _site(self, site: str) -> str | None:
        try:
            return (await self._store.site(site)).name
        except NotFound:
            return None

    async def _room(self, room: str) -> str | None:
        try:
            return (await self._store.room(room)).name
        except NotFound:
            return None

    async def _user(self, user: str) -> str | None:
        if drill_of(user) is not None:
            return NAME
        record = await self._store.user_named(user)
        return record.name if record is not None else None

    async def _name(self, kind: str, id_: str, read: Callable[[str], Awaitable[str | None]]) -> str:
        now = self._mono()
        at, name = self._names.get((kind, id_), (now - KEPT_SECONDS - 1, ""))
        if now - at < KEPT_SECONDS:
            return name
        try:
            name = await read(id_) or id_
        except StorageUnavailable:
            name = name or id_  # a page must say that the database is gone, whatever a room is called
        if len(self._names) >= KEPT:
            self._names.clear()
        self._names[kind, id_] = (now, name)
        return name
