"""Where a connection goes, by its first request: to control with a valid credential, to control within a small budget
where only control can answer, and otherwise to the application for strangers in this process. Begin here to read
ingress."""

import asyncio
import socket

from broker.kernel.errors import TooMany, VisitError
from broker.kernel.tasks import Tasks
from config.settings import Settings
from signaling.api.messages.socket import SUBPROTOCOL
from signaling.identity.routes import PATHS
from signaling.ingress.admission import Admission
from signaling.ingress.anonymous_app import DOCUMENT, METRICS, SIGN_INS, SOCKET
from signaling.ingress.anonymous_server import AnonymousServer
from signaling.ingress.control_link import ControlLink
from signaling.ingress.counters import Counters
from signaling.ingress.fairness import prefix_of
from signaling.ingress.head_reader import HeadReader, first_bytes
from signaling.ingress.incoming import Incoming
from signaling.ingress.known_tokens import KnownTokens
from signaling.ingress.request_head import RequestHead
from signaling.server.client_address import FORWARDED, FORWARDED_FOR, Proxies, is_local_client
from signaling.server.cookies import PREFIX, SESSION
from signaling.server.pages import PAGES, VERIFIER

COOKIES = frozenset({SESSION, PREFIX + SESSION})
_FORWARDED = tuple(name.lower() for name in FORWARDED)


class Dispatch:
    """All connections of the ingress process, from their acceptance to the process that answers them."""

    def __init__(
        self,
        settings: Settings,
        admission: Admission,
        counters: Counters,
        tokens: KnownTokens,
        link: ControlLink,
        strangers: AnonymousServer,
    ) -> None:
        self._settings, self._admission, self._counters = settings, admission, counters
        self._tokens, self._link, self._strangers = tokens, link, strangers
        self._proxies = Proxies(settings.trusted_proxies)
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks()
        self.reader = HeadReader(admission.limits, counters, needs_body, self._arrived)

    def accept(self, connection: socket.socket, peer: str, secure: bool = False) -> None:
        """Take a connection that was accepted, if its place has not opened too many. Those of a trusted proxy are of
        many places, each is one of its own until its request says from where it comes. `secure`: TLS was taken off
        it."""
        self._counters.count("accepted")
        try:
            first = first_bytes(connection)
        except OSError:  # it waited for its turn, and its sender did not: most of a flood ends here
            self._counters.count("refused_gone")
            return connection.close()
        now, place = self._loop.time(), prefix_of(peer)
        incoming = Incoming(connection, peer, now, secure=secure)
        if self._proxies.trusts(peer):
            self.reader.add(incoming, f"{place} {incoming.number}", first)
        elif self._admission.may_arrive(place, now) or self._tokens.is_known(peer, now):
            self.reader.add(incoming, place, first)
        else:
            self._counters.count("refused_too_often")
            connection.close()

    async def close(self) -> None:
        """Close what has not been handed over."""
        self.reader.close()
        await self._strangers.close()
        await self._tasks.close()

    # ---- one request -----------------------------------------------------------------------------------------

    def _arrived(self, connection: Incoming) -> None:
        """Send a complete first request on its way."""
        head, now = connection.request, self._loop.time()
        named = any(head.values(name) for name in _FORWARDED)
        proxied = named and self._proxies.trusts(connection.peer)
        client = self._proxies.client(connection.peer, head.values(FORWARDED_FOR.lower()), head.values("forwarded"))
        place = prefix_of(client)
        tokens = [] if needs_body(head) else head.tokens(COOKIES)
        author = self._tokens.author_of(tokens)
        if author is not None:
            self._tokens.came_from(client, now)
            self._known(connection, author, proxied)
        elif proxied and not self._admission.may_arrive(place, now):
            self._refuse(connection, TooMany(retry_after=2), "too_often")
        elif tokens:
            self._look_up(connection, tokens, client, proxied)
        else:
            self._unknown(connection, client, proxied)

    def _look_up(self, connection: Incoming, tokens: list[str], client: str, proxied: bool) -> None:
        """Ask the database for a token that is not in the list; it may have been issued a moment ago."""
        try:
            self._admission.look_up(prefix_of(client), self._loop.time())
        except TooMany as error:
            return self._refuse(connection, error, "guesses")
        self._tasks.spawn(self._looked_up(connection, tokens, client, proxied))

    async def _looked_up(self, connection: Incoming, tokens: list[str], client: str, proxied: bool) -> None:
        try:
            author = await self._tokens.look_up(tokens)
        except VisitError as error:
            return self._refuse(connection, error, "storage")
        if author is not None:
            self._tokens.came_from(client, self._loop.time())
            self._known(connection, author, proxied)
        else:
            self._serve(connection, client)

    def _known(self, connection: Incoming, author: str, proxied: bool) -> None:
        """Hand a known sender over. A file of the page that comes through a proxy is answered here, before those of
        strangers: the proxy asks for eighty at once, over a connection each."""
        if proxied and is_page(connection.request):
            self._strangers.serve(connection, self._strangers.pages, author, first=True)
        else:
            self._hand_over(connection, author, proxied)

    def _hand_over(self, connection: Incoming, author: str, proxied: bool) -> None:
        try:
            self._link.check_ready()
            self._admission.hand_over(author, self._loop.time())
            self._link.hand_over(connection, author, proxied)
        except VisitError as error:
            return self._refuse(connection, error, "author" if isinstance(error, TooMany) else "control")
        self._counters.count("handed_over")

    def _unknown(self, connection: Incoming, client: str, proxied: bool) -> None:
        """Hand over what only control can answer; answer everything else here."""
        head, now, place = connection.request, self._loop.time(), prefix_of(client)
        socket_asked = asks_for_socket(head)
        metrics_asked = head.path == METRICS and self._is_local(connection)
        if not socket_asked and not metrics_asked:
            return self._serve(connection, client)
        try:
            self._link.check_ready()
            if socket_asked:
                self._admission.hand_over_unknown(place, self._tokens.is_known(client, now), now)
            else:
                self._admission.read_metrics(now)
            self._link.hand_over(connection, place, one_request=True)
        except VisitError as error:
            return self._refuse(connection, error, "unknown" if isinstance(error, TooMany) else "control")
        self._counters.count("handed_over_unknown")

    def _serve(self, connection: Incoming, client: str) -> None:
        head, lane = connection.request, self._strangers.pages
        if needs_body(head):
            lane = self._strangers.sign_ins if is_sign_in(head) else self._strangers.terminals
        first = self._tokens.is_known(client, self._loop.time())
        self._strangers.serve(connection, lane, prefix_of(client), first)

    def _is_local(self, connection: Incoming) -> bool:
        head = connection.request
        named = any(head.values(name) for name in _FORWARDED)
        return self._settings.metrics_on_loopback and is_local_client(
            connection.peer, head.value("host"), head.minor >= 1, named
        )

    def _refuse(self, connection: Incoming, error: VisitError, reason: str) -> None:
        self._counters.count(f"refused_{reason}")
        connection.refuse(error)


def is_sign_in(head: RequestHead) -> bool:
    """Whether a request is a sign-in, which is always answered here: the hashing of passwords is not control's work."""
    return head.method == "POST" and head.path in SIGN_INS


def is_page(head: RequestHead) -> bool:
    """Whether a request is for what is the same for everyone: a file of the page, or the OpenAPI document."""
    public = head.path in PAGES or head.path in (DOCUMENT, VERIFIER) or head.path.startswith("/web/")
    return head.method in ("GET", "HEAD") and public and not head.has_body


def needs_body(head: RequestHead) -> bool:
    """Whether the body is read before the request is answered: that of a sign-in of officers and terminals alone, all
    others are refused by their head or read by control."""
    return is_sign_in(head) or (head.method == "POST" and head.path in PATHS)


def asks_for_socket(head: RequestHead) -> bool:
    """Whether a request opens the WebSocket as the protocol describes it."""
    offered = {name.strip() for value in head.values("sec-websocket-protocol") for name in value.split(",")}
    return head.upgrades and head.path == SOCKET and SUBPROTOCOL in offered
