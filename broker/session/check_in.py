"""The check-in desk (入场核验), pure: what staff confirm of each person and of the room, and what is still lacking.

Yunnan 8, 10 to 12, 19 and 23, Guangdong 23, 24 and 28. `session.py` merges `DESK` into its table; the policy pack says
which checks a person needs. Nothing here opens a gate: it only says that everything has been confirmed, or what not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from broker.booking.language import needs_interpreter
from broker.booking.slot import Person, PersonRole, Slot
from broker.kernel.clock import Instant
from broker.kernel.errors import NotFound
from broker.kernel.ids import PersonId, Side
from broker.session import events as ev
from config.checkin import CheckInRules, Consequence, Tick
from config.policy import Policy

if TYPE_CHECKING:
    from broker.session.transitions import Session

LATE_ARRIVAL = "YN-17-2"
"""The ground on which an officer notes that kin did not arrive within the agreed time."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """The last test of a room's equipment. `parts` says `passed`, `failed` or `not_checked` of each part; it is empty
    where staff tested by hand."""

    passed: bool
    by: str
    at: datetime
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lack:
    """What is still to be confirmed of one person, in the desk's order."""

    person: Person
    ticks: tuple[Tick, ...]


# --- what is needed, and what is there ----------------------------------------------------------------------------


def required(person: Person, rules: CheckInRules) -> tuple[Tick, ...]:
    """The checks that this person needs. An interpreter comes from outside, on whichever side."""
    if person.meets and person.side is Side.PRISON:
        return rules.prisoner_checks
    signs = rules.commitment_letter and person.meets and person.first_visit
    return (*rules.visitor_checks, Tick.LETTER) if signs else rules.visitor_checks


def lacks(session: "Session", side: Side, policy: Policy) -> tuple[Lack, ...]:
    """Who of a side still needs what; those noted absent need nothing."""
    found = (
        Lack(person, _open(session, person, policy.check_in))
        for person in session.slot.people_of(side)
        if person.id not in session.absent
    )
    return tuple(lack for lack in found if lack.ticks)


def _open(session: "Session", person: Person, rules: CheckInRules) -> tuple[Tick, ...]:
    done = session.ticks.get(person.id, frozenset())
    return tuple(tick for tick in required(person, rules) if tick not in done)


def counted(session: "Session", policy: Policy) -> "Session":
    """The session with `checked` as its ticks say; asked while the desk is open, and not changed afterwards."""
    open_ = {lack.person.id for side in Side for lack in lacks(session, side, policy)}
    checked = frozenset(person.id for person in session.slot.people) - session.absent - open_
    return session if checked == session.checked else replace(session, checked=checked)


def complete(session: "Session", side: Side) -> bool:
    """Every listed person of the side is checked in or noted absent, and one of those who meet is there."""
    listed = {person.id for person in session.slot.people_of(side)}
    return _parties_complete(session, side) and listed <= session.checked | session.absent


def _parties_complete(session: "Session", side: Side) -> bool:
    parties = {person.id for person in session.slot.parties_of(side)}
    return bool(parties & session.checked) and parties <= session.checked | session.absent


def all_came(session: "Session") -> bool:
    """Whether nobody who meets can be late any more. An interpreter who is away is not the family's fault."""
    return all(_parties_complete(session, side) for side in Side)


def late_side(session: "Session") -> Side | None:
    """The side that has not come in time, the visitors' first."""
    return next((side for side in (Side.VISITOR, Side.PRISON) if not _parties_complete(session, side)), None)


def lacks_only_letters(session: "Session", side: Side, policy: Policy) -> bool:
    """Whether the check-in of a side waits for nothing but signatures (Guangdong 24)."""
    found = lacks(session, side, policy)
    return bool(found) and all(lack.ticks == (Tick.LETTER,) for lack in found)


def lacks_letter(session: "Session", side: Side, policy: Policy) -> bool:
    """Whether somebody of the side still has to sign."""
    return any(Tick.LETTER in lack.ticks for lack in lacks(session, side, policy))


def interpreted(session: "Session", policy: Policy) -> bool:
    """No interpreter is needed, or one is checked in, in whichever room (F16)."""
    return not needs_interpreter(session.slot, policy.check_in) or interpreter_here(session)


def interpreter_here(session: "Session") -> bool:
    """Whether an interpreter is checked in."""
    return any(one.role is PersonRole.INTERPRETER and one.id in session.checked for one in session.slot.people)


# --- late (Yunnan 10, 17(2); Guangdong 23) ------------------------------------------------------------------------


def lost_by(session: "Session", side: Side, policy: Policy) -> Consequence:
    """What a side that is not complete in time has lost.

    The month is lost by those who were late or stayed away. Where the desk had begun with somebody of them, they had
    arrived, and only this visit is lost: nobody is punished because staff were slow.
    """
    arrived = any(session.ticks.get(person.id) for person in session.slot.parties_of(side))
    return Consequence.VISIT if arrived else policy.check_in.late_consequence


def noted_late(session: "Session", article: str) -> bool:
    """Whether an officer who ends on this ground notes what is so: that visitors have not arrived."""
    return article == LATE_ARRIVAL and not _parties_complete(session, Side.VISITOR)


def deadline(slot: Slot, policy: Policy) -> datetime:
    """Until when those who meet must be checked in; afterwards the visit counts as given up."""
    return min(slot.starts_at + policy.late_grace, slot.ends_at)


# --- facts --------------------------------------------------------------------------------------------------------


def _check_listed(session: "Session", side: Side, person: PersonId) -> None:
    if person not in {listed.id for listed in session.slot.people_of(side)}:
        raise NotFound("This person is not on the approved list.", "该人员不在批准名单中。")


def _with_ticks(session: "Session", person: PersonId, ticks: frozenset[Tick]) -> "Session":
    others = {one: done for one, done in session.ticks.items() if one != person}
    return replace(session, ticks=others | {person: ticks} if ticks else others)


def _ticked(session: "Session", fact: ev.Ticked, now: Instant) -> "Session":
    """A check made, or taken back. Whoever is being checked is not absent."""
    _check_listed(session, fact.side, fact.person)
    done = session.ticks.get(fact.person, frozenset())
    if not fact.on:
        return _with_ticks(session, fact.person, done - {fact.tick})
    session = _with_ticks(session, fact.person, done | {fact.tick})
    return replace(session, absent=session.absent - {fact.person})


def _checked_in(session: "Session", fact: ev.PersonCheckedIn, now: Instant) -> "Session":
    _check_listed(session, fact.side, fact.person)
    done = session.ticks.get(fact.person, frozenset())
    session = _with_ticks(session, fact.person, done | frozenset(fact.ticks))
    return replace(session, absent=session.absent - {fact.person})


def _absent(session: "Session", fact: ev.PersonAbsent, now: Instant) -> "Session":
    """Not here: what was confirmed before must be confirmed again, should they come after all."""
    _check_listed(session, fact.side, fact.person)
    session = _with_ticks(session, fact.person, frozenset())
    return replace(session, absent=session.absent | {fact.person})


def _seat(session: "Session", fact: ev.SeatReady, now: Instant) -> "Session":
    return replace(session, seats=session.seats | {fact.side} if fact.on else session.seats - {fact.side})


def tested(session: "Session", fact: ev.SelfTested, now: Instant) -> "Session":
    """A passed test counts from now on; a failed one takes the earlier one away. Both are shown."""
    kept = {side: at for side, at in session.tested.items() if side is not fact.side}
    equipment = {**session.equipment, fact.side: Equipment(fact.passed, fact.by, now.wall, fact.parts)}
    return replace(session, tested=kept | {fact.side: now.mono} if fact.passed else kept, equipment=equipment)


DESK: dict[type, Callable[..., "Session"]] = {
    ev.PersonCheckedIn: _checked_in,
    ev.PersonAbsent: _absent,
    ev.Ticked: _ticked,
    ev.SeatReady: _seat,
    ev.SelfTested: tested,
}
"""What staff do while check-in is open; once people meet, nobody is added and nothing is taken back."""
