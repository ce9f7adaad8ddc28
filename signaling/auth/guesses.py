"""Limits on guesses at passwords, pure. They stop a guesser and not the officer whose name is guessed at:

| who | is counted by |
|---|---|
| a known device of the account | account and device: 5, then 5 a minute |
| an address from which the account has signed in lately | account and address: 5, then 5 a minute |
| any other address, on its first FREE attempts in a day | account and address; 30 a minute; 60 a day and network |
| any other address after that | account and address; 30 a minute; at the account together: 30, then 10 a minute |

So an attacker with N networks gets at most 30 + 14,400 + 60 N guesses a day at one account, and none of them keeps its
officer from an own device or usual place. Attempts are paid before the hashing and given back after a success, so that
many at once gain nothing. Every moment is in monotonic seconds.
"""

from collections import OrderedDict
from dataclasses import dataclass

from signaling.auth.hashing_queue import Lane, network_of, place_of
from signaling.auth.rate_limit import Limit, SharedLimit

DAY = 86_400.0
LATELY = 30 * DAY
"""For so long a place from which an account has signed in counts as usual."""
FREE = 3
"""Attempts of an address in a day that the limit of the account does not concern: a password and two slips."""
FREE_OF_NETWORK = 60
REMEMBERED = 50_000
"""Places that are remembered, of each kind; the one used longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an attempt comes from. `device`: the id of a browser that is known for the account, "" for any other."""

    address: str
    device: str = ""

    @property
    def place(self) -> str:
        """The part of the address that one client has to itself."""
        return place_of(self.address)


Charge = tuple[Limit, str]
"""A limit, and the name under which an attempt was charged to it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was admitted, and what it was charged. `place` is counted where it is no usual one, else ""."""

    lane: Lane
    place: str
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for one kind of secret. `own_…`: of a known device and of a usual place; `account_…`: of all other
    places together; `free`: attempts of an address in a day that the latter does not concern."""

    own_burst: int = 5
    own_per_minute: float = 5
    account_burst: int = 30
    account_per_minute: float = 10
    free: int = FREE


PASSWORDS = Limits()


class Guesses:
    """The limits, and the memory of places."""

    def __init__(self, limits: Limits = PASSWORDS) -> None:
        self._by_device = Limit(limits.own_burst, limits.own_per_minute)
        self._by_both = Limit(limits.own_burst, limits.own_per_minute, REMEMBERED)
        self._by_place = Limit(burst=30, per_minute=30, names=REMEMBERED)
        self._free_tries = limits.free
        self._free = Limit(burst=FREE_OF_NETWORK, per_minute=FREE_OF_NETWORK / 1440, names=REMEMBERED)
        self._by_account = SharedLimit(burst=limits.account_burst, per_minute=limits.account_per_minute)
        self._tried: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._usual: OrderedDict[tuple[str, str], float] = OrderedDict()

    def admit(self, user: str, origin: Origin, now: float) -> Attempt:
        """Pay for an attempt at `user`, and return it with the lane in which it waits. Raises TooMany."""
        place = origin.place
        if origin.device:
            return self._charged(Lane.DEVICE, "", now, (self._by_device, f"{user} {origin.device}"))
        both = (self._by_both, f"{user} {place}")
        if self._is_usual(user, place, now):
            return self._charged(Lane.PLACE, "", now, both)
        tries = self._tries(place, now)
        network = network_of(place)
        free = tries < self._free_tries and self._free.may(network, now)
        last = (self._free, network) if free else (self._by_account, user)
        lane = Lane.REST if tries else Lane.NEAR if self._is_usual(user, network, now) else Lane.UNFAILED
        attempt = self._charged(lane, place, now, both, (self._by_place, place), last)
        self._count(place, 1, now)
        return attempt

    def give_back(self, attempt: Attempt, now: float) -> None:
        """Return what an attempt was charged that was no guess: the password was right, or was not looked at."""
        for limit, name in attempt.charges:
            limit.give_back(name)
        if attempt.place:
            self._count(attempt.place, -1, now)

    def _charged(self, lane: Lane, place: str, now: float, *charges: Charge) -> Attempt:
        for limit, name in charges:
            if limit is not self._free:  # which was taken already, to see whether there was any
                limit.take(name, now)
        return Attempt(lane, place, charges)

    def remember(self, user: str, origin: Origin, now: float) -> None:
        """Note that `user` has signed in from there: its place is a usual one from now on."""
        for where in (origin.place, network_of(origin.place)):
            self._usual[user, where] = now
            self._usual.move_to_end((user, where))
        while len(self._usual) > REMEMBERED:
            self._usual.popitem(last=False)

    def _is_usual(self, user: str, where: str, now: float) -> bool:
        at = self._usual.get((user, where))
        return at is not None and now - at < LATELY

    def _tries(self, place: str, now: float) -> int:
        tries, since = self._tried.get(place, (0, now))
        return tries if now - since < DAY else 0

    def _count(self, place: str, more: int, now: float) -> None:
        """Add to the attempts of a place in its day; only those that were wrong stay counted."""
        tries = self._tries(place, now) + more
        _, since = self._tried.pop(place, (0, now))
        if tries > 0:
            self._tried[place] = (tries, since if now - since < DAY else now)
        if len(self._tried) > REMEMBERED:
            self._tried.popitem(last=False)
