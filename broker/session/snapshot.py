"""A session as JSON and back, so that a restarted control process finds what it was in the middle of. Pure.

What only living processes know (media, watchers, recorder, relay) is not kept: they say it again when they connect.
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.kernel.ids import PersonId, Side
from broker.session import alerts, extension, interventions
from broker.session.check_in import Equipment
from broker.session.events import Reason
from broker.session.transitions import End, Hold, Session, State
from config.checkin import Consequence, Tick

SETTLING = 10.0
"""Seconds for which a session that was open stays shut after a restart, though everybody may be back sooner: for
moments nobody decided, so officers get to see it before the rooms see each other again."""


def freeze(session: Session, boot: str) -> dict[str, Any]:
    """What must survive a restart; `boot` identifies the monotonic clock that the seconds belong to."""
    end = session.end
    return {
        "boot": boot,
        "state": str(session.state),
        "recorded": session.recorded,
        "checked": sorted(session.checked),
        "absent": sorted(session.absent),
        "tested": {str(side): at for side, at in session.tested.items()},
        "hold": asdict(session.hold) if session.hold else None,
        "hard_stop": session.hard_stop,
        "crossed": session.crossed,
        "deadline": session.deadline,
        "end": {**asdict(end), "at": end.at.isoformat()} if end else None,
        "acts": interventions.freeze(session),
        "alerts": alerts.freeze(session),
        "extensions": extension.freeze(session),
        **_freeze_desk(session),
    }


def thaw(slot: Slot, kept: Mapping[str, Any], now: Instant, boot: str) -> Session:
    """The session as it stands after a restart at `now`: what was LIVE is HELD until everybody is back.

    After a reboot the monotonic clock began anew, so an opened session cannot be continued: it ends as technical.
    """
    state = State(kept["state"])
    begun = state in (State.LIVE, State.HELD)
    session = Session(
        slot=slot,
        state=State.HELD if begun else state,
        held_since=now.mono if begun else None,
        recorded=bool(kept["recorded"]),
        checked=frozenset(PersonId(person) for person in kept["checked"]),
        absent=frozenset(PersonId(person) for person in kept["absent"]),
        hold=Hold(**kept["hold"]) if kept["hold"] else None,
        end=_end(kept["end"]),
        **interventions.thaw(kept.get("acts") or {}),
        alerts=alerts.thaw(kept.get("alerts") or {}),
        ticks=_ticks(kept),
        seats=frozenset(Side(side) for side in kept.get("seats", ())),
        extensions=extension.thaw(kept.get("extensions", [])),
    )
    if kept["boot"] != boot:
        end = End(Reason.TECHNICAL, now.wall, cause="power_lost") if begun else session.end
        return replace(session, end=end, hard_stop=now.mono if begun else None)
    return replace(
        session,
        tested={Side(side): at for side, at in kept["tested"].items()},
        equipment={Side(side): _equipment(one) for side, one in kept.get("equipment", {}).items()},
        hard_stop=kept["hard_stop"],
        crossed=kept["crossed"],
        deadline=kept["deadline"],
        resumes_at=now.mono + SETTLING if begun else None,
    )


def _end(kept: Mapping[str, Any] | None) -> End | None:
    if kept is None:
        return None
    side = Side(kept["side"]) if kept["side"] else None
    return End(
        Reason(kept["reason"]),
        datetime.fromisoformat(kept["at"]),
        side,
        kept["by"],
        kept["article"],
        kept["cause"],
        Consequence(kept["lost"]) if kept.get("lost") else None,
    )


# --- the check-in desk --------------------------------------------------------------------------------------------


def _freeze_desk(session: Session) -> dict[str, Any]:
    return {
        "ticks": {person: sorted(done) for person, done in sorted(session.ticks.items())},
        "seats": sorted(session.seats),
        "equipment": {
            str(side): {**asdict(one), "at": one.at.isoformat()} for side, one in sorted(session.equipment.items())
        },
    }


def _ticks(kept: Mapping[str, Any]) -> dict[PersonId, frozenset[Tick]]:
    """Where a former program kept no ticks, those whom it had checked in had the three that it knew."""
    former = {person: (Tick.IDENTITY, Tick.SECURITY, Tick.RULES) for person in kept["checked"]}
    ticks: Mapping[str, Any] = kept.get("ticks", former)
    return {PersonId(person): frozenset(Tick(tick) for tick in done) for person, done in ticks.items()}


def _equipment(kept: Mapping[str, Any]) -> Equipment:
    return Equipment(kept["passed"], kept["by"], datetime.fromisoformat(kept["at"]), kept["parts"])
