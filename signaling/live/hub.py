"""All connected clients, and the views that are sent to them. The broker says which session changed; a pump turns that
into one view for each kind of viewer and hands it to the clients that may see it. Changes that come while the pump
works are taken together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import structlog
from aiohttp import WSCloseCode
from pydantic import ValidationError

from broker.control.broker import Broker
from broker.control.session_runner import SessionRunner
from broker.kernel.clock import Clock
from broker.kernel.errors import NotFound, TooMany
from broker.kernel.ids import RoomId, SessionId, Side, SiteId
from broker.presence.handover import Handover
from broker.presence.presence import PresenceStatus
from broker.presence.quorum import Watcher
from broker.session.parts.gate import LEASE
from broker.session.state import State
from signaling.api.messages.session_view import SessionView
from signaling.api.messages.socket import HandoverChanged, Quality, SessionChanged, Sessions, Welcome, WhoView
from signaling.auth.scope import Caller, Terminal, User, author, may_see, sign_in_of
from signaling.budgets.allowance import VIEW, Allowance
from signaling.live.client import Client
from signaling.server.errors import Replaced, translate
from signaling.views.moment import moment_of
from signaling.views.names import Names
from signaling.views.presence import handover_view, standing_views, watcher_of
from signaling.views.session import session_view
from signaling.views.viewers import known_to

log = structlog.get_logger("signaling")
PER_USER = 8  # several pages of one officer
ALL = 2000
WITHOUT_HELLO = 200  # sockets that have not signed in yet
WITHOUT_HELLO_PER_ADDRESS = 20
MOST_VIEWS = 500  # sessions in the first message, and in one answer


class Hub:
    """All sockets of this process. `session_ended` is called with each session that has ended, also repeatedly."""

    def __init__(
        self,
        broker: Broker,
        names: Names,
        clock: Clock,
        session_ended: Callable[[SessionId], None],
        allowance: Allowance,
    ) -> None:
        self._broker, self._names, self._clock = broker, names, clock
        self._session_ended, self._allowance = session_ended, allowance
        self._clients: WeakSet[Client] = WeakSet()
        self._without_hello: Counter[str] = Counter()
        self._dirty: dict[SessionId, None] = {}
        self._handovers: list[Handover] = []
        self._changed = asyncio.Event()
        self._closing = False

    # ---- clients ---------------------------------------------------------------------------------------------

    @contextmanager
    def without_hello(self, address: str) -> Iterator[None]:
        """Count a socket while it has not signed in. Raises TooMany."""
        if self._without_hello.total() >= WITHOUT_HELLO or self._without_hello[address] >= WITHOUT_HELLO_PER_ADDRESS:
            raise TooMany()
        self._without_hello[address] += 1
        try:
            yield
        finally:
            self._without_hello[address] -= 1
            self._without_hello += Counter()  # forget those that are back at zero

    def enter(self, client: Client) -> None:
        """Add a client; a terminal's older socket is closed. Raises TooMany."""
        same = self.of_author(client.caller)
        if isinstance(client.caller, Terminal):
            for old in same:
                old.close(Replaced())
        elif len(same) >= PER_USER:
            raise TooMany(f"At most {PER_USER} sockets.", f"最多同时保持 {PER_USER} 个连接。")
        if len(self._clients) >= ALL or self._closing:
            raise TooMany()
        self._clients.add(client)

    def kinds(self) -> Counter[str]:
        """Return how many sockets officers and terminals have."""
        return Counter("terminal" if isinstance(client.caller, Terminal) else "user" for client in self._clients)

    def leave(self, client: Client) -> None:
        """Remove a client whose socket closes."""
        self._clients.discard(client)

    def is_connected(self, caller: Caller) -> bool:
        """Whether a caller has a socket here."""
        return any(author(client.caller) == author(caller) for client in self._clients)

    def has_terminal_of(self, room: RoomId) -> bool:
        """Whether the terminal of a room has a socket here."""
        return any(isinstance(client.caller, Terminal) and client.caller.room == room for client in self._clients)

    def of_sign_in(self, sign_in: str) -> list[Client]:
        """Return the sockets under one sign-in."""
        return [client for client in self._clients if sign_in_of(client.caller) == sign_in]

    def of_author(self, caller: Caller) -> list[Client]:
        """Return the sockets of one officer or terminal."""
        return [client for client in self._clients if author(client.caller) == author(caller)]

    def terminals(self) -> list[tuple[Terminal, Client]]:
        """Return the terminals that are connected, with their sockets."""
        return [(client.caller, client) for client in self._clients if isinstance(client.caller, Terminal)]

    def callers(self) -> list[Caller]:
        """Return the caller at the other end of each socket."""
        return [client.caller for client in self._clients]

    async def close(self) -> None:
        """Close every socket because the server stops, and wait for that (each takes a few seconds at most)."""
        self._closing = True
        clients = list(self._clients)
        for client in clients:
            client.close(WSCloseCode.GOING_AWAY)
        await asyncio.gather(*(client.closed.wait() for client in clients))

    # ---- messages --------------------------------------------------------------------------------------------

    async def welcome(self, client: Client) -> None:
        """Send a client its identity and all sessions that it may see."""
        lease = round(LEASE * 1000)
        client.send(Welcome(who=who_view(client.caller), server_time=self._clock.now().wall, gate_lease_ms=lease))
        seen = [live for live in self._broker.sessions() if may_see(client.caller, live.session.slot)]
        seen.sort(key=lambda live: live.session.slot.starts_at, reverse=True)
        views = await self.views(seen[:MOST_VIEWS][::-1], client.caller)
        client.send_text(f'{{"type":"{Sessions.model_fields["type"].default}","sessions":{views}}}')
        self._send_standing(client, greeting=True)
        await self._greet_with_handovers(client)
        missed, client.missed = client.missed or set(), None
        for session in missed:  # a view from before must not be the last one
            self.session_changed(SessionId(session))

    async def views(self, lives: Sequence[SessionRunner], caller: Caller) -> str:
        """Return sessions as this caller may see them, as a JSON array. Each is charged to the caller, and the loop
        does other work between them: 500 views take half a second. Raises TooMany."""
        self._allowance.take(author(caller), VIEW * len(lives), self._clock.now().mono)
        texts = []
        for live in lives:
            view = await self.view(live, caller)
            texts.append(view.model_dump_json())
            await asyncio.sleep(0)
        return f"[{','.join(texts)}]"

    async def view(self, live: SessionRunner, caller: Caller) -> SessionView:
        """Return a session as this caller may see it."""
        return await session_view(moment_of(live, self._clock.now()), self._names, my_side(caller, live))

    def session_changed(self, session: SessionId) -> None:
        """Remember that a session has to be sent again; returns at once. The broker calls it."""
        self._dirty[session] = None
        self._changed.set()

    def quality(self, session: SessionId, sides: dict[str, Any]) -> None:
        """Send the numbers of the last second to officers; rooms have no use for them."""
        texts: dict[SiteId | None, str] = {}
        try:
            live = self._broker.live(session)
            quality = Quality.model_validate({"session": session, "sides": sides}, strict=False)
            for client in self._seeing(live):
                if isinstance(client.caller, User) and client.missed is None:
                    site = client.caller.site
                    if site not in texts:
                        viewers = known_to(site, live.viewers.values())
                        texts[site] = quality.model_copy(update={"viewers": viewers}).model_dump_json()
                    client.send_text(texts[site], f"quality {session}")
        except (NotFound, ValidationError) as error:
            log.warning("quality not sent", session=session, error=type(error).__name__)

    def standing(self, watcher: Watcher) -> None:
        """Send an officer's presence, which has changed, or a new question to each of the officer's pages."""
        for client in self._clients:
            if client.missed is None and watcher_of(client.caller) == watcher:
                self._send_standing(client)

    def _send_standing(self, client: Client, greeting: bool = False) -> None:
        """Send an officer's presence; as a greeting, only where there is something to report."""
        watcher = watcher_of(client.caller)
        if watcher is None:
            return
        status = self._broker.standing(watcher)
        if greeting and status == PresenceStatus():
            return
        for message in standing_views(status, self._clock.now().mono):
            client.send(message, message.type)

    def handover(self, handover: Handover) -> None:
        """Remember that a handover has changed, for its two officers; returns at once. The broker calls it."""
        self._handovers.append(handover)
        self._changed.set()

    async def _greet_with_handovers(self, client: Client) -> None:
        watcher = watcher_of(client.caller)
        for handover in self._broker.handovers.open():
            if watcher in (handover.giver, handover.taker):
                client.send(await self._handover_changed(handover))

    async def _send_handover(self, handover: Handover) -> None:
        message = await self._handover_changed(handover)
        for client in self._clients:
            if client.missed is None and watcher_of(client.caller) in (handover.giver, handover.taker):
                client.send(message)

    async def _handover_changed(self, handover: Handover) -> HandoverChanged:
        return HandoverChanged(handover=await handover_view(handover, self._names, self._clock.now()))

    async def pump(self) -> None:
        """Send views of changed sessions until cancelled. An error in one session does not touch the others."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            dirty, self._dirty = self._dirty, {}
            handovers, self._handovers = self._handovers, []
            for handover in handovers:
                try:
                    await self._send_handover(handover)
                except Exception as error:
                    log.error("handover not sent", code=translate(error).code)
            for session in dirty:
                try:
                    await self._send_session(session)
                except Exception as error:
                    log.error("view failed", session=session, code=translate(error).code)

    async def _send_session(self, session: SessionId) -> None:
        live = self._broker.live(session)
        if live.session.state is State.ENDED:
            self._session_ended(session)
        texts: dict[Side | None, str] = {}
        for client in self._seeing(live):
            if client.missed is not None:
                client.missed.add(session)
                continue
            side = my_side(client.caller, live)
            if side not in texts:
                view = await self.view(live, client.caller)
                texts[side] = SessionChanged(session=view).model_dump_json()
            client.send_text(texts[side], f"session {session}")

    def _seeing(self, live: SessionRunner) -> list[Client]:
        return [client for client in self._clients if may_see(client.caller, live.session.slot)]


def my_side(caller: Caller, live: SessionRunner) -> Side | None:
    """Return the side that a terminal acts for; None for officers."""
    return live.session.slot.side_of_room(caller.room) if isinstance(caller, Terminal) else None


def who_view(caller: Caller) -> WhoView:
    """Return the identity that the client is told. Raises TypeError for programs: they have no socket."""
    if isinstance(caller, User):
        return WhoView(kind="user", id=caller.id, name=caller.name, role=caller.role, site=caller.site)
    if isinstance(caller, Terminal):
        return WhoView(kind="terminal", id=caller.id, site=caller.site, room=caller.room)
    raise TypeError("a program has no socket")
