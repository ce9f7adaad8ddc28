"""The drills of a day: which pairs of rooms are tried in the morning, when, and which visit a failed drill marks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time

from broker.booking.slot import Place, Slot
from broker.kernel.clock import in_shanghai
from broker.kernel.ids import RoomId, Side
from broker.session.effects import Reason
from broker.session.state import Session, State

WAITING = (State.SCHEDULED, State.CHECK_IN, State.READY)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two rooms of a drill."""

    prison: Place
    visitor: Place


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a drill of today: its session, its rooms, when it began, and where it failed; "" where it has
    passed, None while it runs."""

    drill: str
    prison: RoomId
    visitor: RoomId
    begun_at: datetime
    failed_at: str | None

    @property
    def rooms(self) -> tuple[RoomId, RoomId]:
        """The rooms of both sides, the prison's first."""
        return self.prison, self.visitor


def first_visits(sessions: Iterable[Session], now: datetime) -> dict[RoomId, Session]:
    """The first visit of today of each room, by the day in Shanghai; what was cancelled does not count."""
    today, found = in_shanghai(now).date(), dict[RoomId, Session]()
    for session in sorted(sessions, key=lambda one: (one.slot.starts_at, one.id)):
        cancelled = session.end is not None and session.end.reason is Reason.CANCELLED
        if session.slot.drill or cancelled or in_shanghai(session.slot.starts_at).date() != today:
            continue
        for side in Side:
            found.setdefault(session.slot.place(side).room, session)
    return found


def is_time(at: time | None, now: datetime) -> bool:
    """Whether the drills of the day may begin: from `at` on, by the clock in Shanghai. None: never."""
    return at is not None and in_shanghai(now).time() >= at


def due(sessions: Iterable[Session], done: Iterable[Outcome], now: datetime) -> tuple[Pair, ...]:
    """The pairs of rooms that have still to be tried today, in the order of their visits: those of first visits that
    have not begun. A pair that was tried is not tried again by itself, however it went."""
    tried = {outcome.rooms for outcome in done}
    pairs: dict[tuple[RoomId, RoomId], Slot] = {}
    for session in first_visits(sessions, now).values():
        if session.state is State.SCHEDULED:
            pairs.setdefault((session.slot.prison.room, session.slot.visitor.room), session.slot)
    slots = sorted((slot for rooms, slot in pairs.items() if rooms not in tried), key=lambda slot: slot.starts_at)
    return tuple(Pair(slot.prison, slot.visitor) for slot in slots)


def marks(
    sessions: Iterable[Session], outcomes: Iterable[Outcome], now: datetime
) -> tuple[tuple[Session, Outcome], ...]:
    """The visits that today's drills concern, each with the last drill of one of its rooms: the first visit of each
    room, as long as it has not begun."""
    last: dict[RoomId, Outcome] = {}
    for outcome in sorted(outcomes, key=lambda one: one.begun_at):
        if outcome.failed_at is not None:
            last |= dict.fromkeys(outcome.rooms, outcome)
    found: dict[str, tuple[Session, Outcome]] = {}
    for room, session in first_visits(sessions, now).items():
        if room not in last or session.state not in WAITING:
            continue
        before = found.get(session.id)
        if before is None or (last[room].failed_at and not before[1].failed_at):  # one failed room is enough
            found[session.id] = session, last[room]
    return tuple(found.values())
