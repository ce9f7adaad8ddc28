"""One visit of the history: what an auditor's list shows of it. Its sources are the slot, the session's saved state,
the journal and, once there is one, the recording; the row can be made anew from them at any time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from broker.booking.slot import Person, Slot
from broker.kernel.ids import Side
from broker.session.effects import AlertKind, Reason
from broker.session.state import State


class VisitState(StrEnum):
    """Where a visit of the history stands. `ended`: it took place, and has no archived recording (yet)."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    ARCHIVED = "archived"
    ENDED = "ended"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    REFUSED = "refused"

    @property
    def over(self) -> bool:
        """Whether nothing more happens at the visit itself."""
        return self not in (VisitState.SCHEDULED, VisitState.RUNNING)


REMINDERS = frozenset({str(AlertKind.ONE_MINUTE), str(AlertKind.FIVE_MINUTES)})
"""Alerts that every visit has: they are found, and not counted."""
_NEVER_BEGUN = {
    Reason.CANCELLED: VisitState.CANCELLED,
    Reason.NO_SHOW: VisitState.NO_SHOW,
    Reason.REFUSED: VisitState.REFUSED,
}


class Part(StrEnum):
    """The part of a listed person in a visit, as auditors search for people."""

    INMATE = "inmate"
    VISITOR = "visitor"
    INTERPRETER = "interpreter"


def part_of(person: Person) -> Part:
    """Return the part of a listed person. Where both sides hold inmates, both are found as inmates."""
    if not person.meets:
        return Part.INTERPRETER
    return Part.INMATE if person.inmate else Part.VISITOR


class Level(StrEnum):
    """How well a side's picture and sound were recorded: the share of the time of which nothing is missing."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"

    @property
    def rank(self) -> int:
        """The place in the order from good to poor."""
        return list(Level).index(self)


FAIR_FROM, POOR_FROM = 0.01, 0.05
"""Share of packets or of seconds that are missing, from which a side is fair, and poor: a picture that stands still for
one second in a hundred is noticed, one in twenty makes lips unreadable."""


def level_of(missing: float) -> Level:
    """Return the level for the share that is missing (0 to 1)."""
    return Level.GOOD if missing < FAIR_FROM else Level.FAIR if missing < POOR_FROM else Level.POOR


@dataclass(frozen=True, slots=True)
class Intervention:
    """Interventions of one kind under one article, counted. `article` is "" where the kind needs none."""

    kind: str
    article: str
    count: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How and when a visit ended. `cause`: a code of the system, never words of an officer."""

    code: str
    at: datetime
    side: str = ""
    article: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Film:
    """What the manifest of a recording says: its length, for each side the share of the time in which enough officers
    watched, and how well it was recorded. A former version's manifest may say nothing of the officers."""

    seconds: float
    coverage: Mapping[Side, float] | None
    quality: Mapping[Side, Level] | None


@dataclass(frozen=True, slots=True)
class Acts:
    """What the journal says of a visit. `present`: officers who counted as present; `acted`: those who gave orders;
    `viewers`: accounts that watched the recording later."""

    began_at: datetime | None = None
    ending: Ending | None = None
    interventions: tuple[Intervention, ...] = ()
    alerts: Mapping[str, int] = field(default_factory=dict)
    present: frozenset[str] = frozenset()
    acted: frozenset[str] = frozenset()
    viewers: frozenset[str] = frozenset()
    extended: float = 0.0
    pack: str = ""
    entries: int = 0


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of the history. `named`: the listed people's names are still kept; they go with the recording."""

    slot: Slot
    state: VisitState
    acts: Acts
    ending: Ending | None = None
    film: Film | None = None
    named: bool = True

    @property
    def seconds(self) -> float | None:
        """How long it went on, from the first crossing to the end, holds included; None where nothing crossed."""
        if self.acts.began_at is None or self.ending is None:
            return None
        return max(0.0, (self.ending.at - self.acts.began_at).total_seconds())

    @property
    def alarms(self) -> int:
        """How many alerts called the officers, without the reminders that every visit has."""
        return sum(count for kind, count in self.acts.alerts.items() if kind not in REMINDERS)


def state_of(session: State, ending: Ending | None, archived: bool) -> VisitState:
    """Return where a visit stands, from its session's state and whether its recording is archived."""
    if ending is None or session is not State.ENDED:
        return VisitState.SCHEDULED if session is State.SCHEDULED else VisitState.RUNNING
    never = _NEVER_BEGUN.get(Reason(ending.code)) if ending.code in set(Reason) else None
    return never or (VisitState.ARCHIVED if archived else VisitState.ENDED)
