"""One moment of one session, from which all views are made, and the times that follow from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.booking.absence import Absence
from broker.booking.rebooking import Rebooking
from broker.control.session_runner import RecordingView, SessionRunner
from broker.control.viewers import observers_of
from broker.kernel.clock import Instant
from broker.kernel.ids import Side, UserId
from broker.session.state import Session
from config.policy import Policy


@dataclass(frozen=True, slots=True)
class SessionMoment:
    """A session as it is `now`, with its rules and its recording. `at_risk`: the sides whose quorum is about to fail;
    `rebooking` and `absence`: what followed its end."""

    session: Session
    recording: RecordingView
    policy: Policy
    now: Instant
    at_risk: frozenset[Side] = frozenset()
    rebooking: Rebooking | None = None
    absence: Absence | None = None
    observers: tuple[UserId, ...] = ()
    """The persons who look on without being counted."""


def moment_of(live: SessionRunner, now: Instant) -> SessionMoment:
    """Return what is known of a session at this moment."""
    return SessionMoment(
        live.session,
        live.recording,
        live.policy,
        now,
        live.at_risk,
        live.rebooking,
        live.absence,
        observers_of(live.viewers),
    )


def crossed_ms(moment: SessionMoment) -> int | None:
    """Milliseconds since the first packet crossed; they stand still when the session is over."""
    session, now = moment.session, moment.now
    if session.gate.crossed is None:
        return None
    passed = now.mono - session.gate.crossed
    if session.end is not None:
        passed -= (now.wall - session.end.at) / timedelta(seconds=1)
    return max(0, round(passed * 1000))


def remaining_ms(moment: SessionMoment) -> int | None:
    """Milliseconds until the visit stops by itself; None before the first crossing and after the end."""
    stop = _stop(moment)
    return None if stop is None else max(0, round((stop - moment.now.mono) * 1000))


def stops_at(moment: SessionMoment) -> datetime | None:
    """The moment at which the visit stops by itself, to the second; None before the first crossing and after the
    end."""
    stop = _stop(moment)
    if stop is None:
        return None
    return (moment.now.wall + timedelta(seconds=stop - moment.now.mono)).replace(microsecond=0)


def _stop(moment: SessionMoment) -> float | None:
    session = moment.session
    return None if session.gate.crossed is None or session.end is not None else session.gate.stop_at
