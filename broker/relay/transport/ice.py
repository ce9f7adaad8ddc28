"""ICE-lite for one client (RFC 8445 2.5), pure: which passwords it may come with, which addresses it has proven with
them, and which of these we send to. Nothing is ever sent to an address that is not in here.

A nominated check moves us to where it came from, at once. So does the first check from a new address of a client that
has long been connected: its line has changed (a NAT forgot it, a cable was pulled), and should it only be trying, its
next nominated check brings us back. A restart (RFC 8445 9) gives a second password; the first one, and everything
proven with it, is good until a check with the second nominates."""

import secrets
from typing import Any, NamedTuple

from broker.relay.transport.route import Address, Route

CONSENT = 30.0  # seconds without a check after which an address has withdrawn its consent (RFC 7675 5.1)
QUIET = 2.0  # seconds in which every client says something; if not, another of its addresses is as good
MAX_ADDRESSES = 8  # the newest ones of a client: two networks, both families, UDP and TCP; more is somebody playing
MAX_CHECKS = 4096  # remembered: those of a visit's credentials, at one each 2.5 s, several times over
MARK, RECORD = 8, 20  # bytes: of where one came from, and with its transaction id


class Credentials(NamedTuple):
    """The user fragment and password of one ICE session."""

    ufrag: str
    pwd: str


class Check(NamedTuple):
    """A connectivity or consent check whose integrity held."""

    ufrag: str
    nominated: bool


class Ice:
    """The addresses of `owner`, who stands under each of them in `book`."""

    def __init__(self, owner: Any, book: dict[Address, Any]) -> None:
        self._owner, self._book = owner, book
        self.route: Route | None = None
        self.settled = False
        """Whether the client is connected; before that it is still trying its addresses."""
        self._sessions = [_issue()]
        self._proven: dict[Address, tuple[str, float, Route]] = {}
        self._checks = bytearray()
        """Of each check its transaction id and, in MARK bytes, where it came from: there are a thousand in a visit."""
        self._heard = 0.0

    @property
    def credentials(self) -> Credentials:
        """Those that were issued last."""
        return self._sessions[-1]

    def password(self, ufrag: str) -> str | None:
        """The password that goes with `ufrag`, while it may be used."""
        return next((one.pwd for one in self._sessions if one.ufrag == ufrag), None)

    def restart(self) -> Credentials:
        """New credentials beside those in use; they take the place of others that were never used."""
        self._sessions = [self._sessions[0], _issue()]
        return self.credentials

    def addresses(self) -> list[Address]:
        """What has been proven and still counts, the oldest first."""
        return list(self._proven)

    def heard(self, route: Route, now: float) -> None:
        """Something authentic came along `route`."""
        if route == self.route:
            self._heard = now

    def original(self, route: Route, transaction: bytes) -> bool:
        """Whether a check is the client's own: false for the copy of one that came from elsewhere. A copy is good for
        as long as its password is, so all are remembered for that long."""
        origin = hash(route.address).to_bytes(MARK, "big", signed=True)
        at = self._checks.find(transaction)
        while at >= 0 and at % RECORD:
            at = self._checks.find(transaction, at + 1)
        if at >= 0:
            return self._checks[at + RECORD - MARK : at + RECORD] == origin
        self._checks += transaction + origin
        del self._checks[: -MAX_CHECKS * RECORD]
        return True

    def checked(self, route: Route, check: Check, now: float) -> bool:
        """`route` has been proven. True when we now send to another place than before."""
        new = route.address not in self._proven
        self._proven[route.address] = (check.ufrag, now, route)
        self._book[route.address] = self._owner
        if check.nominated and check.ufrag == self.credentials.ufrag:
            self._finish_restart()
        moves = route != self.route and self._moves(route, check, new, now)
        if moves:
            self.route = route
        self.heard(route, now)
        self._trim()
        return moves

    def _moves(self, route: Route, check: Check, new: bool, now: float) -> bool:
        if self.route is None or check.nominated:
            return True
        if not self.settled or check.ufrag != self._sessions[0].ufrag:
            return False
        return (new and not route.stream) or now - self._heard > QUIET

    def _finish_restart(self) -> None:
        """The first credentials and whatever only they have proven are no good any more."""
        self._sessions = self._sessions[-1:]
        for address, (ufrag, _, _) in list(self._proven.items()):
            if ufrag != self.credentials.ufrag:
                self.forget(address)

    def _trim(self) -> None:
        while len(self._proven) > MAX_ADDRESSES:
            self.forget(next(old for old in self._proven if self.route is None or old != self.route.address))

    def expire(self, now: float) -> None:
        """Forget what has not been checked for CONSENT; where we send to ends with the client itself."""
        for address, (_, at, _) in list(self._proven.items()):
            if now - at > CONSENT and (self.route is None or address != self.route.address):
                self.forget(address)

    def forget(self, address: Address) -> None:
        """It counts no more, and nothing is sent there."""
        self._proven.pop(address, None)
        if self._book.get(address) is self._owner:
            del self._book[address]
        if self.route is not None and self.route.address == address:
            self.route = None

    def lost(self, address: Address, now: float) -> None:
        """A connection was closed. Where it was our way, the next one is what else has been proven just now: a client
        that came back before we knew that it was gone has no reason to check again soon."""
        self.forget(address)
        if self.route is None:
            fresh = [(at, route) for _, at, route in self._proven.values() if now - at <= QUIET]
            self.route = max(fresh, key=lambda one: one[0])[1] if fresh else None

    def close(self) -> None:
        """Forget every address; the route stays for a last word."""
        route = self.route
        for address in self.addresses():
            self.forget(address)
        self.route = route


def _issue() -> Credentials:
    return Credentials(secrets.token_hex(4), secrets.token_hex(16))
