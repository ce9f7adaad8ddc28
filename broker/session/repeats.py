"""Orders that say nothing new: a page or a terminal that sends the same again, because an answer was lost or because it
is broken, gets its answer and causes no step, no line of the journal and no message to others. Pure."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.errors import VisitError
from broker.session import events as ev
from broker.session import refusals
from broker.session.events import Fact
from broker.session.parts import extension_request
from broker.session.parts.talkback import Talkback
from broker.session.state import Session
from broker.session.transitions import TRANSITIONS
from config.policy import Policy

AGAIN = timedelta(seconds=10)
"""Within this time the same result of a test is the same test. After it, a passed test counts for longer."""


def says_nothing_new(session: Session, fact: Fact, now: Instant, policy: Policy) -> bool:
    """Whether a fact that a person or a terminal reports would leave the session as it is. One that is refused says
    something new: the refusal has to be told."""
    repeats = _REPEATS.get(type(fact))
    if repeats is None or type(fact) not in TRANSITIONS[session.state] or not repeats(session, fact, now):
        return False
    try:
        refusals.check(session, fact, now, policy)
    except VisitError:
        return False
    return True


def _tested(session: Session, fact: ev.SelfTested, now: Instant) -> bool:
    last = session.check_in.equipment.get(fact.side)
    if last is not None and fact.test and (last.test, last.by) == (fact.test, fact.by):
        return True
    if last is None or (last.passed, last.by, last.parts, last.reason) != (
        *(fact.passed, fact.by, fact.parts, fact.reason),
    ):
        return False
    if fact.passed:
        tested = session.check_in.tested.get(fact.side)
        return tested is not None and 0 <= now.mono - tested < AGAIN.total_seconds()
    return timedelta(0) <= now.wall - last.at < AGAIN


def _ticked(session: Session, fact: ev.Ticked, now: Instant) -> bool:
    part = session.check_in
    done = fact.tick in part.ticks.get(fact.person, frozenset())
    return done is fact.on and not (fact.on and fact.person in part.absent) and _listed(session, fact)


def _checked_in(session: Session, fact: ev.PersonCheckedIn, now: Instant) -> bool:
    part = session.check_in
    done = part.ticks.get(fact.person, frozenset())
    return set(fact.ticks) <= done and fact.person not in part.absent and _listed(session, fact)


def _absent(session: Session, fact: ev.PersonAbsent, now: Instant) -> bool:
    part = session.check_in
    return fact.person in part.absent and not part.ticks.get(fact.person) and _listed(session, fact)


def _listed(session: Session, fact: ev.Ticked | ev.PersonCheckedIn | ev.PersonAbsent) -> bool:
    return fact.person in {person.id for person in session.slot.people_of(fact.side)}


def _seat(session: Session, fact: ev.SeatReady, now: Instant) -> bool:
    return (fact.side in session.check_in.seats) is fact.on


def _acknowledged(session: Session, fact: ev.RulesAcknowledged, now: Instant) -> bool:
    before = session.check_in.rules.get(fact.side)
    return before is not None and before.text == fact.text


def _speaks(session: Session, fact: ev.SpeechBegan, now: Instant) -> bool:
    return session.talkback == Talkback(fact.by, fact.site, fact.sides, fact.article)


def _requested(session: Session, fact: ev.ExtensionRequested, now: Instant) -> bool:
    return extension_request.same_request(session.extension_requests, fact)


def _silent(session: Session, fact: ev.SpeechEnded, now: Instant) -> bool:
    return session.talkback is None


_REPEATS: Mapping[type, Callable[[Session, Any, Instant], bool]] = {
    ev.SelfTested: _tested,
    ev.Ticked: _ticked,
    ev.PersonCheckedIn: _checked_in,
    ev.PersonAbsent: _absent,
    ev.SeatReady: _seat,
    ev.RulesAcknowledged: _acknowledged,
    ev.SpeechBegan: _speaks,
    ev.SpeechEnded: _silent,
    ev.ExtensionRequested: _requested,
}
"""The other orders are refused when they are repeated, each in its own part."""
