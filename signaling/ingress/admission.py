"""Budgets of the front door, pure: who may open how many connections, how often, and how many of them control takes.
Time is an argument, in monotonic seconds. All limits are per process; there is one ingress process."""

from collections import Counter
from dataclasses import dataclass

from broker.kernel.errors import TooMany
from broker.kernel.token_bucket import TokenBucket
from signaling.auth.rate_limit import Limit


@dataclass(frozen=True)
class Limits:
    """The numbers of admission, each with its reason."""

    waiting: int = 1024
    """Connections whose first request is not complete. More of them take the place of the oldest ones."""
    first_byte_seconds: float = 5.0
    head_seconds: float = 10.0
    body_seconds: float = 10.0
    reads: int = 64
    """Pieces in which a request may come: a head of 16 KiB takes twelve segments of a small line."""
    arrivals_at_once: int = 1000
    arrivals_per_minute: float = 12_000
    """New connections of one place. A page of eighty files, loaded by thirty officers behind one address, opens 2,400
    connections of one request each in a few seconds."""
    terminal_connections: int = 16
    """A kiosk uses two: the socket, and one for media and self-tests."""
    user_connections: int = 48
    """A browser opens six beside its sockets, of which an officer may have eight."""
    user_handovers_at_once: int = 200
    user_handovers_per_minute: float = 1800
    """New connections of one officer that reach control: behind a proxy each file of a page is one."""
    terminal_handovers_at_once: int = 60
    terminal_handovers_per_minute: float = 600
    program_handovers_at_once: int = 60
    program_handovers_per_minute: float = 600
    open_in_control: int = 4000
    """Connections that control serves at the same time."""
    unknown_open: int = 200
    unknown_open_of_place: int = 20
    """Sockets in control that have not signed in yet. They have five seconds for it (`signaling/live/socket.py`)."""
    unknown_at_once: int = 40
    unknown_per_second: float = 20.0
    """Sockets without a credential that reach control, from all places together: each costs it a few milliseconds."""
    known_at_once: int = 40
    known_per_second: float = 20.0
    """The same, for addresses that a credential was valid from lately."""
    metrics_at_once: int = 10
    metrics_per_second: float = 2.0
    """Readings of the metrics by programs on this machine, without a key."""
    guesses_at_once: int = 20
    guesses_per_minute: float = 30
    """Tokens of one place that no list has and that are looked up in the database."""
    lookups_at_once: int = 40
    lookups_per_second: float = 20.0
    """The same, of all places together."""


TERMINAL, USER = "terminal", "user"


class Admission:
    """The budgets of one ingress process. What is over one of them is refused by TooMany."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits = limits or Limits()
        self._arrivals = Limit(limits.arrivals_at_once, limits.arrivals_per_minute)
        self._guesses = Limit(limits.guesses_at_once, limits.guesses_per_minute)
        self._handovers = {
            TERMINAL: Limit(limits.terminal_handovers_at_once, limits.terminal_handovers_per_minute),
            USER: Limit(limits.user_handovers_at_once, limits.user_handovers_per_minute),
            "": Limit(limits.program_handovers_at_once, limits.program_handovers_per_minute),
        }
        self._unknown = TokenBucket(limits.unknown_per_second, limits.unknown_at_once)
        self._known = TokenBucket(limits.known_per_second, limits.known_at_once)
        self._metrics = TokenBucket(limits.metrics_per_second, limits.metrics_at_once)
        self._lookups = TokenBucket(limits.lookups_per_second, limits.lookups_at_once)
        self._open: dict[str, str] = {}
        self._by_payer: Counter[str] = Counter()
        self._unknown_open = 0

    # ---- connections that arrive -----------------------------------------------------------------------------

    def may_arrive(self, place: str, now: float) -> bool:
        """Whether one more connection of a place is read from."""
        try:
            self._arrivals.take(place, now)
        except TooMany:
            return False
        return True

    # ---- connections that control takes ----------------------------------------------------------------------

    def hand_over(self, author: str, now: float) -> None:
        """Check that control takes one more connection of a known author. Raises TooMany."""
        kind = author.partition(":")[0]
        most = self.limits.user_connections if kind == USER else self.limits.terminal_connections
        if self._by_payer[author] >= most:
            raise TooMany(f"At most {most} connections.", f"最多同时保持 {most} 个连接。")
        self._check_room()
        self._handovers.get(kind, self._handovers[""]).take(author, now)

    def hand_over_unknown(self, place: str, known_address: bool, now: float) -> None:
        """Check that control takes one more socket that signs in by its first message. Raises TooMany."""
        if self._by_payer[place] >= self.limits.unknown_open_of_place:
            raise TooMany()
        if self._unknown_open >= self.limits.unknown_open and not known_address:
            raise TooMany()
        self._check_room()
        if not ((known_address and self._known.take(now)) or self._unknown.take(now)):
            raise TooMany(retry_after=2)

    def read_metrics(self, now: float) -> None:
        """Check that control answers one more program of this machine. Raises TooMany."""
        if not self._metrics.take(now):
            raise TooMany(retry_after=1)

    def opened(self, id: str, payer: str) -> None:
        """Count a connection that control has; `payer` is its author, or the place of an unknown one."""
        self.closed(id)
        self._open[id] = payer
        self._by_payer[payer] += 1
        self._unknown_open += not is_author(payer)

    def closed(self, id: str) -> None:
        """Forget a connection that control no longer has."""
        payer = self._open.pop(id, None)
        if payer is not None:
            self._unknown_open -= not is_author(payer)
            self._by_payer[payer] -= 1
            if not self._by_payer[payer]:
                del self._by_payer[payer]

    def forget_open(self) -> None:
        """Forget all connections of a control process that is gone."""
        self._open.clear()
        self._by_payer.clear()
        self._unknown_open = 0

    @property
    def open(self) -> int:
        """The number of connections that control has."""
        return len(self._open)

    def open_of(self, payer: str) -> int:
        """The number of connections that control has of one author or place."""
        return self._by_payer[payer]

    def _check_room(self) -> None:
        if len(self._open) >= self.limits.open_in_control:
            raise TooMany()

    # ---- tokens ----------------------------------------------------------------------------------------------

    def look_up(self, place: str, now: float) -> None:
        """Check that one more token of a place is looked up in the database. Raises TooMany."""
        self._guesses.take(place, now)
        if not self._lookups.take(now):
            raise TooMany(retry_after=2)


def is_author(payer: str) -> bool:
    """Whether a payer is an author (`user:li`), and not a place (`10.1.2.0/24`, `2001:db8::/64`)."""
    return payer.partition(":")[0] in ("user", "terminal", "integrator", "observer")
