"""The queue in front of password hashing, pure. A hash takes 64 MiB and a core for a tenth of a second, so that a flood
of guesses fills any queue: it is bounded by count and by time, and an attempt that is probably an officer's goes first.

Lanes come one after another. Within a lane networks take turns, and within a network its addresses, each in the order
of arrival: who asks most waits longest. In a full queue the last ticket of the network that has most in the worst lane
makes room for a better one.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from broker.kernel.errors import Busy

MOST = 32
"""Tickets that wait, in all lanes together: some three seconds' work of one core."""
PATIENCE = 6.0
"""Seconds after which a ticket has waited too long: a page waits eight for its answer. Who goes first waits for no more
than the hash in progress, and a duty that begins on a busy machine has all its officers in."""
RETRY_AFTER = 5


class Lane(IntEnum):
    """How likely it is that an attempt is an officer's, the best first."""

    DEVICE = 0
    """A browser in which this account has signed in."""
    PLACE = 1
    """An address from which this account has signed in lately."""
    NEAR = 2
    """An address of a network from which this account has signed in lately, that has not guessed wrong lately."""
    UNFAILED = 3
    """Any other address that has not guessed wrong lately."""
    REST = 4


@lru_cache(4096)
def place_of(address: str) -> str:
    """Return the part of a client's address that one client has to itself: an IPv4 address, the /64 of an IPv6 one.
    What is no address, such as the name a proxy has made up, is a place of its own."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{address}/64", strict=False)) if isinstance(parsed, IPv6Address) else address


@lru_cache(4096)
def network_of(place: str) -> str:
    """Return the network around a place, which one organisation has: a /24 of IPv4, a /48 of IPv6."""
    host = place.partition("/")[0].partition(" ")[0]
    try:
        bits = 48 if isinstance(ip_address(host), IPv6Address) else 24
    except ValueError:
        return place
    return str(ip_network(f"{host}/{bits}", strict=False))


@dataclass(slots=True, eq=False)
class Ticket:
    """One attempt that waits since `at`, in monotonic seconds."""

    lane: Lane
    place: str
    at: float
    network: str = field(init=False)

    def __post_init__(self) -> None:
        self.network = network_of(self.place)


_Networks = OrderedDict[str, OrderedDict[str, deque[Ticket]]]


class HashingQueue:
    """The tickets that wait: `most` at once, none longer than `patience` seconds, while `at_once` hashes are made."""

    def __init__(self, at_once: int, most: int = MOST, patience: float = PATIENCE) -> None:
        self._at_once, self._most, self._patience = at_once, most, patience
        self._lanes: dict[Lane, _Networks] = {lane: OrderedDict() for lane in Lane}
        self._hashing = 0
        self.waiting = 0

    def enter(self, ticket: Ticket) -> Ticket | None:
        """Queue a ticket; return the one that has to go for it. Raises Busy where it does not get in itself."""
        gone = self._making_room(ticket) if self.waiting >= self._most else None
        places = self._lanes[ticket.lane].setdefault(ticket.network, OrderedDict())
        places.setdefault(ticket.place, deque()).append(ticket)
        self.waiting += 1
        return gone

    def begin(self) -> Ticket | None:
        """Return the ticket whose hash begins now; None while all places are taken or no ticket waits."""
        for lane, networks in self._lanes.items():
            if networks and self._hashing < self._places(lane):
                self._hashing += 1
                return self._first(networks)
        return None

    def _places(self, lane: Lane) -> int:
        """The places that a lane may use: the last one is kept for accounts at their own devices and places."""
        return self._at_once if lane <= Lane.NEAR else max(1, self._at_once - 1)

    def done(self) -> None:
        """Note that a hash has ended."""
        self._hashing -= 1

    def expired(self, now: float) -> list[Ticket]:
        """Remove and return the tickets that have waited too long at `now`."""
        late = [ticket for ticket in self._tickets() if now - ticket.at > self._patience]
        for ticket in late:
            self.leave(ticket)
        return late

    def leave(self, ticket: Ticket) -> None:
        """Remove a ticket that waits; others are left alone."""
        places = self._lanes[ticket.lane].get(ticket.network, OrderedDict())
        tickets = places.get(ticket.place)
        if tickets and ticket in tickets:
            tickets.remove(ticket)
            self._forget_empty(ticket)
            self.waiting -= 1

    def _first(self, networks: _Networks) -> Ticket:
        """Take the first ticket of the network whose turn it is; then it is the next network's turn."""
        network, places = next(iter(networks.items()))
        place, tickets = next(iter(places.items()))
        ticket = tickets.popleft()
        networks.move_to_end(network)
        places.move_to_end(place)
        self._forget_empty(ticket)
        self.waiting -= 1
        return ticket

    def _forget_empty(self, ticket: Ticket) -> None:
        networks = self._lanes[ticket.lane]
        places = networks[ticket.network]
        if not places[ticket.place]:
            del places[ticket.place]
        if not places:
            del networks[ticket.network]

    def _making_room(self, ticket: Ticket) -> Ticket:
        """Remove and return the last ticket of the network that has most in the worst lane, where `ticket` is better or
        its network has less. Raises Busy where it is not."""
        worst = max(lane for lane, networks in self._lanes.items() if networks)
        networks = self._lanes[worst]
        network = max(networks, key=lambda name: _count(networks[name]))
        place = max(networks[network], key=lambda name: len(networks[network][name]))
        if not (ticket.lane < worst or (ticket.lane is worst and self._has_less(ticket, network, place))):
            raise Busy(retry_after=RETRY_AFTER)
        gone = networks[network][place][-1]
        self.leave(gone)
        return gone

    def _has_less(self, ticket: Ticket, network: str, place: str) -> bool:
        """Whether the ticket's network, or within the same one its place, waits for less than these do."""
        networks = self._lanes[ticket.lane]
        own = networks.get(ticket.network, OrderedDict())
        if ticket.network != network:
            return _count(own) + 1 < _count(networks[network])
        return len(own.get(ticket.place, ())) + 1 < len(own[place])

    def _tickets(self) -> Iterator[Ticket]:
        for networks in self._lanes.values():
            for places in networks.values():
                for tickets in places.values():
                    yield from tickets


def _count(places: OrderedDict[str, deque[Ticket]]) -> int:
    return sum(len(tickets) for tickets in places.values())
