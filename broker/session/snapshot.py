"""Snapshot of a session: JSON by which a restarted control process finds what it was in the middle of. Pure.

What only living processes know (media, watchers, recorder, relay) is not saved: they report it again when they connect.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.session.effects import HoldReason, Reason
from broker.session.parts import farewell
from broker.session.parts.alerts import Alerts
from broker.session.parts.check_in import CheckIn
from broker.session.parts.drill_mark import DrillMark
from broker.session.parts.extension import extensions_from_json
from broker.session.parts.extension_request import requests_from_json
from broker.session.parts.gate import Gate
from broker.session.parts.hold import Hold
from broker.session.parts.interventions import Interventions
from broker.session.parts.processes import Processes
from broker.session.state import End, Session, State

SETTLING = 10.0
"""Seconds for which a session that was open stays shut after a restart, though everything may be back sooner: for
moments no officer decided, so they get to see it before the rooms see each other again."""


def to_json(session: Session, boot: str) -> dict[str, Any]:
    """What must survive a restart; `boot` identifies the monotonic clock that the seconds belong to."""
    return {
        "boot": boot,
        "state": str(session.state),
        **({"pack": session.pack} if session.pack else {}),
        **session.processes.to_json(),
        **session.check_in.to_json(),
        "hold": session.hold.to_json() if session.hold else None,
        "farewell": farewell.to_json(session.farewell),
        **session.gate.to_json(),
        "end": session.end.to_json() if session.end else None,
        "acts": session.interventions.to_json(),
        "alerts": session.alerts.to_json(),
        **({"drill": session.drill.to_json()} if session.drill else {}),
        "extensions": [approval.to_json() for approval in session.extensions],
        **({"requests": [one.to_json() for one in session.extension_requests]} if session.extension_requests else {}),
    }


def from_json(slot: Slot, saved: Mapping[str, Any], now: Instant, boot: str) -> Session:
    """The session as it stands after a restart at `now`: what was LIVE is HELD until every process is back.

    After a reboot the monotonic clock began anew, so an opened session cannot be continued: it ends as technical.
    """
    state, same_boot = State(saved["state"]), saved["boot"] == boot
    session = Session(
        slot=slot,
        state=state,
        end=End.from_json(saved["end"]) if saved["end"] else None,
        processes=Processes.from_json(saved),
        gate=Gate.from_json(saved) if same_boot else Gate(),
        check_in=CheckIn.from_json(saved, same_boot),
        hold=Hold.from_json(saved["hold"]) if saved["hold"] else None,
        farewell=farewell.from_json(saved.get("farewell") or {}) if same_boot else {},
        interventions=Interventions.from_json(saved.get("acts") or {}),
        alerts=Alerts.from_json(saved.get("alerts") or {}),
        extensions=extensions_from_json(saved.get("extensions", ())),
        extension_requests=requests_from_json(saved.get("requests", ())),
        pack=saved.get("pack", ""),
        drill=DrillMark.from_json(saved.get("drill")),
    )
    if not session.begun:
        return session
    return _held(session, now) if same_boot else _lost(session, now)


def _held(session: Session, now: Instant) -> Session:
    """Hold a session that was open. A hold that was on before the restart keeps the cause that began it; a snapshot
    that is older than the cause had no other than an officer's, if there was one."""
    former = HoldReason.SUPERVISOR if session.hold is not None else HoldReason.TAKEN_UP
    held_by = session.gate.held_by or former
    gate = replace(session.gate, held_since=now.mono, held_by=held_by, resumes_at=now.mono + SETTLING)
    return replace(session, state=State.HELD, gate=gate)


def _lost(session: Session, now: Instant) -> Session:
    """End what was open when the machine went down. The relay's gate is shut by the same stroke."""
    end = End(Reason.TECHNICAL, now.wall, cause="power_lost")
    return replace(session, state=State.HELD, end=end, gate=Gate(held_since=now.mono, hard_stop=now.mono))
