"""Who is connected and what they are told. The broker says which session changed; a pump turns that into one view for
each kind of viewer and hands it to those who may see it. Changes that come while the pump works are taken together."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import structlog
from aiohttp import WSCloseCode
from pydantic import ValidationError

from broker.kernel.errors import NotFound, TooMany
from broker.kernel.ids import SessionId, Side, SiteId
from broker.presence.presence import PresenceStatus
from broker.presence.quorum import Watcher
from broker.session.state import State
from signaling.api import messages as msg
from signaling.auth.scope import Terminal, User, Who, author, may_see
from signaling.live.client import Client
from signaling.server.errors import Replaced, translate
from signaling.views.presence import standing_of, watcher_of
from signaling.views.session import session_view
from signaling.views.viewers import known_to

if TYPE_CHECKING:
    from signaling.server.context import Context
    from signaling.server.ports import Live

log = structlog.get_logger("signaling")
PER_USER = 8  # several pages of one officer
ALL = 2000
STRANGERS = 200  # sockets that have not said who they are
STRANGERS_OF_ONE = 20  # of one address
FIRST = 500  # sessions in the first message


class Hub:
    """All sockets of this process."""

    def __init__(self, house: "Context") -> None:
        self._house = house
        self._clients: WeakSet[Client] = WeakSet()
        self._strangers: Counter[str] = Counter()
        self._dirty: dict[SessionId, None] = {}
        self._changed = asyncio.Event()
        self._closing = False

    # ---- coming and going ------------------------------------------------------------------------------------

    @contextmanager
    def stranger(self, address: str) -> Iterator[None]:
        """While somebody has not said who they are. Raises TooMany."""
        if self._strangers.total() >= STRANGERS or self._strangers[address] >= STRANGERS_OF_ONE:
            raise TooMany()
        self._strangers[address] += 1
        try:
            yield
        finally:
            self._strangers[address] -= 1
            self._strangers += Counter()  # forget those that are back at zero

    def enter(self, client: Client) -> None:
        """Count a client in; a terminal's older socket has to go. Raises TooMany."""
        same = [one for one in self._clients if author(one.who) == author(client.who)]
        if isinstance(client.who, Terminal):
            for old in same:
                old.end(Replaced())
        elif len(same) >= PER_USER:
            raise TooMany(f"At most {PER_USER} sockets.", f"最多同时保持 {PER_USER} 个连接。")
        if len(self._clients) >= ALL or self._closing:
            raise TooMany()
        self._clients.add(client)

    def kinds(self) -> Counter[str]:
        """How many sockets officers and terminals have."""
        return Counter("terminal" if isinstance(one.who, Terminal) else "user" for one in self._clients)

    def leave(self, client: Client) -> None:
        """Count a client out."""
        self._clients.discard(client)

    def present(self, who: Who) -> bool:
        """Whether somebody has a socket here."""
        return any(author(client.who) == author(who) for client in self._clients)

    def of_token(self, token: str) -> list[Client]:
        """The sockets under one sign-in."""
        return [client for client in self._clients if client.who.token == token]

    def tokens(self) -> frozenset[str]:
        """Every sign-in that has a socket."""
        return frozenset(client.who.token for client in self._clients)

    async def close(self) -> None:
        """Tell everybody that the server goes, and wait until they are gone (each at most a few seconds)."""
        self._closing = True
        clients = list(self._clients)
        for client in clients:
            client.end(WSCloseCode.GOING_AWAY)
        await asyncio.gather(*(client.closed.wait() for client in clients))

    # ---- telling ---------------------------------------------------------------------------------------------

    async def welcome(self, client: Client) -> None:
        """Who you are, and all that you may see."""
        client.say(msg.Welcome(who=who_view(client.who), server_time=self._house.now().wall))
        seen = [live for live in self._house.broker.sessions() if may_see(client.who, live.session.slot)]
        seen.sort(key=lambda live: live.session.slot.starts_at, reverse=True)
        views = [await self.view(live, client.who) for live in reversed(seen[:FIRST])]
        client.say(msg.Sessions(sessions=views))
        self._stand(client, greeting=True)
        missed, client.missed = client.missed or set(), None
        for session in missed:  # a view from before must not be the last word
            self.session_changed(SessionId(session))

    async def view(self, live: "Live", who: Who) -> msg.SessionView:
        """A session as this caller may see it."""
        return await session_view(self._house.scene(live), self._house.names, my_side(who, live))

    def session_changed(self, session: SessionId) -> None:
        """The broker's word; returns at once."""
        self._dirty[session] = None
        self._changed.set()

    def quality(self, session: SessionId, sides: dict[str, Any]) -> None:
        """Numbers for officers, once a second; rooms have no use for them."""
        texts: dict[SiteId | None, str] = {}
        try:
            live = self._house.broker.live(session)
            told = msg.Quality.model_validate({"session": session, "sides": sides}, strict=False)
            for client in self._seeing(live):
                if isinstance(client.who, User) and client.missed is None:
                    site = client.who.site
                    if site not in texts:
                        viewers = known_to(site, live.viewers.values())
                        texts[site] = told.model_copy(update={"viewers": viewers}).model_dump_json()
                    client.say_text(texts[site], f"quality {session}")
        except (NotFound, ValidationError) as error:
            log.warning("quality not shown", session=session, error=type(error).__name__)

    def standing(self, watcher: Watcher) -> None:
        """An officer stands otherwise now, or is asked something: to each of their pages."""
        for client in self._clients:
            if client.missed is None and watcher_of(client.who) == watcher:
                self._stand(client)

    def _stand(self, client: Client, greeting: bool = False) -> None:
        """Tell an officer how they stand; when greeting, only where there is something to tell."""
        watcher = watcher_of(client.who)
        if watcher is None or (greeting and self._house.broker.standing(watcher) == PresenceStatus()):
            return
        for message in standing_of(self._house, watcher):
            client.say(message, message.type)

    async def pump(self) -> None:
        """Until cancelled: views of changed sessions, for all who may see them. An error in one session stays there."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            dirty, self._dirty = self._dirty, {}
            for session in dirty:
                try:
                    await self._tell(session)
                except Exception as error:
                    log.error("view failed", session=session, code=translate(error).code)

    async def _tell(self, session: SessionId) -> None:
        live = self._house.broker.live(session)
        if live.session.state is State.ENDED:
            self._house.desk.forget_session(session)
        texts: dict[Side | None, str] = {}
        for client in self._seeing(live):
            if client.missed is not None:
                client.missed.add(session)
                continue
            side = my_side(client.who, live)
            if side not in texts:
                view = await self.view(live, client.who)
                texts[side] = msg.SessionChanged(session=view).model_dump_json()
            client.say_text(texts[side], f"session {session}")

    def _seeing(self, live: "Live") -> list[Client]:
        return [client for client in self._clients if may_see(client.who, live.session.slot)]


def my_side(who: Who, live: "Live") -> Side | None:
    """The side a terminal acts for; None for officers."""
    return live.session.slot.side_of_room(who.room) if isinstance(who, Terminal) else None


def who_view(who: Who) -> msg.WhoView:
    """Who the server takes the other end for. Raises TypeError for programs: they have no socket."""
    if isinstance(who, User):
        return msg.WhoView(kind="user", id=who.id, name=who.name, role=who.role, site=who.site)
    if isinstance(who, Terminal):
        return msg.WhoView(kind="terminal", id=who.id, site=who.site, room=who.room)
    raise TypeError("a program has no socket")
