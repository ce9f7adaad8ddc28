"""ICE-lite for one client (RFC 8445 2.5), pure: the passwords that are valid, the addresses that the client has proven
with them, and which of these the relay sends to. Nothing is ever sent to an address that is not proven here.

A nominated check makes its source address the route at once. So does the first check from a new address of a connected
client: its network has changed (a NAT lost the mapping, a cable was pulled), and if the client is only probing, its
next nominated check restores the route. A restart (RFC 8445 9) issues a second password; the first one, and all
addresses proven with it, stay valid until a check with the second one nominates."""

import secrets
from typing import Any, NamedTuple

from broker.relay.transport.route import Address, Route

CONSENT = 30.0  # seconds without a check after which an address has withdrawn its consent (RFC 7675 5.1)
QUIET = 2.0  # seconds in which every live route brings a packet; after that another proven address may replace it
MAX_ADDRESSES = 8  # kept for a client, the newest: two networks, both families, UDP and TCP make eight
MAX_CHECKS = 4096  # remembered: several times as many as a visit has, at one check each 2.5 s
MARK, RECORD = 8, 20  # bytes of a check's source mark, and of the record: transaction id and mark


class Credentials(NamedTuple):
    """The user fragment and password that the relay issued for an ICE session."""

    ufrag: str
    pwd: str


class Check(NamedTuple):
    """A connectivity or consent check whose integrity held."""

    ufrag: str
    nominated: bool


class Ice:
    """The proven addresses of a client. `owner` is entered in `book` under each of them."""

    def __init__(self, owner: Any, book: dict[Address, Any]) -> None:
        self._owner, self._book = owner, book
        self.route: Route | None = None
        self.settled = False
        """Whether the client is connected; before that it still probes its addresses."""
        self._sessions = [_issue()]
        self._proven: dict[Address, tuple[str, float, Route]] = {}
        self._checks = bytearray()
        """Records of RECORD bytes, one for each check: its transaction id, then a hash of its source in MARK bytes.
        There are a thousand checks in a visit; packed bytes keep them small."""
        self._heard = 0.0

    @property
    def credentials(self) -> Credentials:
        """The credentials that were issued last."""
        return self._sessions[-1]

    def password(self, ufrag: str) -> str | None:
        """Return the password that belongs to `ufrag`, or None when the pair is not valid (any more)."""
        return next((session.pwd for session in self._sessions if session.ufrag == ufrag), None)

    def restart(self) -> Credentials:
        """Issue and return new credentials beside those in use. They replace earlier ones that were never used."""
        self._sessions = [self._sessions[0], _issue()]
        return self.credentials

    def addresses(self) -> list[Address]:
        """Return the addresses that are proven now, the oldest first."""
        return list(self._proven)

    def heard(self, route: Route, now: float) -> None:
        """Note that an authentic packet came along `route`."""
        if route == self.route:
            self._heard = now

    def original(self, route: Route, transaction: bytes) -> bool:
        """Whether a check is the client's own, and not a copy of one that came from another address.

        A copied check passes its integrity test for as long as the password is valid, so all checks are remembered for
        that long."""
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
        """Enter the source of a valid check as proven, and return whether the route has changed."""
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
        """Drop the first credentials, and the addresses that only they have proven."""
        self._sessions = self._sessions[-1:]
        for address, (ufrag, _, _) in list(self._proven.items()):
            if ufrag != self.credentials.ufrag:
                self.forget(address)

    def _trim(self) -> None:
        while len(self._proven) > MAX_ADDRESSES:
            self.forget(next(old for old in self._proven if self.route is None or old != self.route.address))

    def expire(self, now: float) -> None:
        """Forget addresses without a check for CONSENT seconds. The route stays: it ends with the client itself."""
        for address, (_, at, _) in list(self._proven.items()):
            if now - at > CONSENT and (self.route is None or address != self.route.address):
                self.forget(address)

    def forget(self, address: Address) -> None:
        """Remove an address: it is not proven any more, and nothing is sent there."""
        self._proven.pop(address, None)
        if self._book.get(address) is self._owner:
            del self._book[address]
        if self.route is not None and self.route.address == address:
            self.route = None

    def lost(self, address: Address, now: float) -> None:
        """Forget the address of a closed connection. If it was the route, the address that was proven last takes its
        place, if that was within QUIET: a client that reconnected before the close was noticed does not check again
        soon."""
        self.forget(address)
        if self.route is None:
            fresh = [(at, route) for _, at, route in self._proven.values() if now - at <= QUIET]
            self.route = max(fresh, key=lambda entry: entry[0])[1] if fresh else None

    def close(self) -> None:
        """Forget every address but keep the route, so that BYE and close_notify can still be sent."""
        route = self.route
        for address in self.addresses():
            self.forget(address)
        self.route = route


def _issue() -> Credentials:
    return Credentials(secrets.token_hex(4), secrets.token_hex(16))
