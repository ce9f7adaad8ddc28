"""Conditions of an open gate, derived from what is known and never stored: what still stands between a session and
READY, and why a visit that has begun is held."""

from enum import StrEnum

from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.presence import quorum
from broker.session.effects import HoldReason
from broker.session.parts import check_in
from broker.session.parts.processes import Recorder
from broker.session.state import Session
from config.policy import Policy


class Missing(StrEnum):
    """What still stands between the session and READY."""

    STORAGE = "storage"
    RELAY = "relay"
    RECORDER = "recorder"
    PRISON_CHECK_IN = "prison_check_in"
    VISITOR_CHECK_IN = "visitor_check_in"
    PRISON_SELF_TEST = "prison_self_test"
    VISITOR_SELF_TEST = "visitor_self_test"
    PRISON_MEDIA = "prison_media"
    VISITOR_MEDIA = "visitor_media"
    PRISON_SUBSCRIPTION = "prison_subscription"
    VISITOR_SUBSCRIPTION = "visitor_subscription"
    PRISON_FILM = "prison_film"
    VISITOR_FILM = "visitor_film"
    PRISON_QUORUM = "prison_quorum"
    VISITOR_QUORUM = "visitor_quorum"
    VISITOR_LETTER = "visitor_letter"
    PRISON_SEAT = "prison_seat"
    VISITOR_SEAT = "visitor_seat"
    PRISON_RULES = "prison_rules"
    VISITOR_RULES = "visitor_rules"
    INTERPRETER = "interpreter"
    ELIGIBILITY = "eligibility"
    SECOND_APPROVAL = "second_approval"
    DRILL = "drill"


def has_quorum(session: Session, side: Side, policy: Policy) -> bool:
    """Whether enough officers of the side's own site are present (Yunnan 25)."""
    return quorum.reached(session.processes.watchers, session.slot, side, policy.min_supervisors)


def self_test_fresh(session: Session, side: Side, now: Instant, policy: Policy) -> bool:
    """Whether the room's equipment passed its test lately enough (Yunnan 12)."""
    passed = session.check_in.tested.get(side)
    return passed is not None and now.mono <= fresh_until(passed, policy)


def fresh_until(passed: float, policy: Policy) -> float:
    """The last monotonic second at which a test that was `passed` still counts."""
    return passed + policy.self_test_fresh.total_seconds()


def missing(session: Session, now: Instant, policy: Policy) -> tuple[Missing, ...]:
    """What still stands between the session and READY, in the order in which staff would mend it."""
    found = [what for side in Side for what in _missing_of(session, side, now, policy)]
    processes = session.processes
    conditions = {
        Missing.SECOND_APPROVAL: not session.slot.awaits_approval,
        Missing.ELIGIBILITY: not session.bars,
        Missing.INTERPRETER: check_in.interpreted(session.check_in, session.slot, policy.check_in),
        Missing.DRILL: session.drill is None or not session.drill.stands_in_the_way,
        Missing.STORAGE: processes.storage,
        Missing.RELAY: processes.relay,
        Missing.RECORDER: processes.recorder is not Recorder.ABSENT,
    }
    return (*found, *(what for what, holds in conditions.items() if not holds))


def _missing_of(session: Session, side: Side, now: Instant, policy: Policy) -> list[Missing]:
    part, slot, rules = session.check_in, session.slot, policy.check_in
    only_letters = check_in.lacks_only_letters(part, slot, side, rules)
    conditions = {
        "check_in": check_in.complete(part, slot, side) or only_letters,
        "letter": not check_in.lacks_letter(part, slot, side, rules),
        "seat": side in part.seats,
        "rules": check_in.acknowledged(part, side, policy.rules_text) or not rules.acknowledgement,
        "self_test": self_test_fresh(session, side, now, policy),
        "media": side in session.processes.media,
        "subscription": side in session.processes.receiving,
        "film": side not in session.processes.unusable_films,
        "quorum": has_quorum(session, side, policy),
    }
    return [Missing(f"{side}_{name}") for name, holds in conditions.items() if not holds]


def rooms_lack(session: Session) -> tuple[Missing, ...]:
    """What does not come from each room, or does not reach it."""
    processes = session.processes
    lacks = {"media": frozenset(Side) - processes.media, "subscription": frozenset(Side) - processes.receiving}
    return tuple(Missing(f"{side}_{name}") for side in Side for name, rooms in lacks.items() if side in rooms)


def lost(session: Session, policy: Policy) -> tuple[HoldReason, ...]:
    """What the gate cannot be open without and is not there now: what may come back, and be lost again, by itself."""
    processes = session.processes
    reasons = {
        HoldReason.STORAGE_LOST: not processes.storage,
        HoldReason.RELAY_LOST: not processes.relay,
        HoldReason.RECORDER_LOST: not processes.recorder.writes,
        HoldReason.ROOM_LOST: processes.media & processes.receiving != frozenset(Side),
        HoldReason.FILM_UNUSABLE: bool(processes.unusable_films),
        HoldReason.QUORUM_LOST: not all(has_quorum(session, side, policy) for side in Side),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def hold_reasons(session: Session, policy: Policy) -> tuple[HoldReason, ...]:
    """Why the gate must be shut in a session that has begun; empty means it may be open."""
    ordered = {
        HoldReason.SUPERVISOR: session.hold is not None,
        HoldReason.TAKEN_UP: session.gate.resumes_at is not None,
    }
    return (*(reason for reason, holds in ordered.items() if holds), *lost(session, policy))
