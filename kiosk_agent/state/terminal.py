"""The life of a room's terminal, pure: OFFLINE, CONNECTED, SELF_TEST, WAITING, PUBLISHING, LIVE or HELD, ENDED, and
WAITING again. `step` takes a fact and a moment (seconds, any monotonic zero) and gives the new state and the orders;
`wakes_at` says when to come back without news. Two promises hold whatever happens: media is published only into an
open session of the terminal's own room, one publication at a time; and something is always under way or planned."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk_agent.state.effects import offline_end, orders, phased, wakes_at
from kiosk_agent.state.events import (
    Effects,
    Fact,
    LegClosed,
    LegLost,
    LegSilent,
    LegStatus,
    LegUp,
    Phase,
    SelfTested,
    SessionSeen,
    SessionsSeen,
    SocketLost,
    SocketOpened,
    StopRequested,
    TimePassed,
    Visit,
    WarningConfirmed,
    Welcomed,
)
from kiosk_agent.state.state import REFUSED_RETRY, SILENCE, STEADY, UNHEARD, Terminal, backoff

__all__ = ["TRANSITIONS", "Terminal", "step", "wakes_at"]

_NOT_YOU = frozenset({4001, 4003, 4009})


def step(terminal: Terminal, fact: Fact, now: float) -> tuple[Terminal, Effects]:
    """What becomes of the terminal, and what its hands must do. Facts that mean nothing in this phase are ignored."""
    handler = TRANSITIONS[terminal.phase].get(type(fact))
    if handler is not None:
        terminal = handler(terminal, fact, now)
    terminal, effects = orders(terminal, now)
    return phased(terminal, now), effects


def _opened(terminal: Terminal, _: SocketOpened, now: float) -> Terminal:
    return replace(terminal, phase=Phase.CONNECTED, socket_at=None, online_at=now)


def _socket_lost(terminal: Terminal, fact: SocketLost, now: float) -> Terminal:
    was_online = terminal.phase is not Phase.OFFLINE
    tries = 0 if was_online and now - terminal.online_at >= STEADY else terminal.socket_tries
    wait = REFUSED_RETRY * (0.5 + fact.jitter / 2) if fact.code in _NOT_YOU else backoff(tries, fact.jitter)
    return replace(
        terminal,
        phase=Phase.OFFLINE,
        synced=False,
        socket_at=now + wait,
        socket_tries=tries + 1,
        offline_at=now if was_online else terminal.offline_at,
    )


def _welcomed(terminal: Terminal, fact: Welcomed, _: float) -> Terminal:
    return replace(terminal, phase=Phase.WAITING, room=fact.room)


def _sessions(terminal: Terminal, fact: SessionsSeen, now: float) -> Terminal:
    """The whole truth: what is not in it is over."""
    visits = tuple(sorted((visit for visit in fact.visits if visit.open), key=_by_start))
    return _seen(replace(terminal, synced=True), visits, now)


def _session(terminal: Terminal, fact: SessionSeen, now: float) -> Terminal:
    others = (visit for visit in terminal.visits if visit.id != fact.visit.id)
    visits = (*others, fact.visit) if fact.visit.open else tuple(others)
    return _seen(terminal, tuple(sorted(visits, key=_by_start)), now)


def _seen(terminal: Terminal, visits: tuple[Visit, ...], now: float) -> Terminal:
    before = terminal.visit
    terminal = _listed(replace(terminal, visits=visits))
    after = terminal.visit
    if before is not None and (after is None or after.id != before.id):
        return replace(terminal, ended_at=now, ended=before.id, sent_at=None)
    return terminal


def _listed(terminal: Terminal) -> Terminal:
    """Forget the confirmed warnings that the server knows of; confirm the others where nobody else will."""
    listed = terminal.visit.warnings if terminal.visit is not None else ()
    kept = tuple(one for one in terminal.confirmed if one[0] in listed)
    terminal = replace(terminal, confirmed=kept)
    if not terminal.confirms:
        return terminal
    return replace(terminal, confirmed=kept + tuple((warning, None) for warning in terminal.unread))


def _confirmed(terminal: Terminal, fact: WarningConfirmed, _: float) -> Terminal:
    if fact.warning not in terminal.unread:
        return terminal
    return replace(terminal, confirmed=(*terminal.confirmed, (fact.warning, None)))


def _by_start(visit: Visit) -> tuple[float, str]:
    return visit.starts, visit.id


def _tested(terminal: Terminal, fact: SelfTested, now: float) -> Terminal:
    return replace(terminal, testing=False, tested_at=now, passed=fact.passed, sent_at=None)


def _leg_up(terminal: Terminal, fact: LegUp, now: float) -> Terminal:
    leg = terminal.leg(fact.leg)
    if fact.turn != leg.turn or leg.status is not LegStatus.OPENING:
        return terminal
    return terminal.with_leg(fact.leg, replace(leg, status=LegStatus.UP, up_at=now))


def _leg_lost(terminal: Terminal, fact: LegLost, now: float) -> Terminal:
    leg = terminal.leg(fact.leg)
    if fact.turn != leg.turn or not leg.busy:
        return terminal
    good = leg.status is LegStatus.UP and now - leg.up_at >= STEADY
    tries = 0 if good else leg.tries
    again = now + backoff(tries, fact.jitter)
    return terminal.with_leg(fact.leg, replace(leg, status=LegStatus.IDLE, tries=tries + 1, retry_at=again))


def _leg_closed(terminal: Terminal, fact: LegClosed, now: float) -> Terminal:
    leg = terminal.leg(fact.leg)
    if fact.turn != leg.turn or leg.status is not LegStatus.CLOSING:
        return terminal
    return terminal.with_leg(fact.leg, replace(leg, status=LegStatus.IDLE, retry_at=now))


def _silent(terminal: Terminal, fact: LegSilent, now: float) -> Terminal:
    """While LIVE the far room's packets must come; a leg without them is given up (it belongs to no session then)."""
    leg = terminal.leg(fact.leg)
    quiet = min(fact.seconds, now - terminal.live_at, now - leg.up_at)
    if fact.turn != leg.turn or leg.status is not LegStatus.UP or quiet < SILENCE:
        return terminal
    return terminal.with_leg(fact.leg, replace(leg, session=None))


def _alone(terminal: Terminal, _: TimePassed, now: float) -> Terminal:
    """Without news, nothing is known to be open any more after the grace."""
    return replace(terminal, visits=()) if now >= offline_end(terminal) else terminal


def _unheard(terminal: Terminal, _: TimePassed, now: float) -> Terminal:
    """A publication that looks well here and does not arrive there is given up."""
    send, visit = terminal.send, terminal.visit
    if visit is None or visit.media or send.status is not LegStatus.UP or now - send.up_at < UNHEARD:
        return terminal
    return replace(terminal, send=replace(send, session=None))


def _stop(terminal: Terminal, _: StopRequested, now: float) -> Terminal:
    return replace(terminal, stopping=True, socket_at=None)


# The handlers take the one fact they are listed for; a dictionary cannot say that in types.
Handler = Callable[[Terminal, Any, float], Terminal]

_ALWAYS: dict[type, Handler] = {
    SocketLost: _socket_lost,
    SelfTested: _tested,
    LegUp: _leg_up,
    LegLost: _leg_lost,
    LegClosed: _leg_closed,
    StopRequested: _stop,
    WarningConfirmed: _confirmed,
}
_KNOWN: dict[type, Handler] = {**_ALWAYS, SessionsSeen: _sessions, SessionSeen: _session}

TRANSITIONS: dict[Phase, dict[type, Handler]] = {
    Phase.OFFLINE: {**_ALWAYS, SocketOpened: _opened, TimePassed: _alone},
    Phase.CONNECTED: {**_ALWAYS, Welcomed: _welcomed},
    Phase.SELF_TEST: _KNOWN,
    Phase.WAITING: _KNOWN,
    Phase.PUBLISHING: {**_KNOWN, TimePassed: _unheard},
    Phase.LIVE: {**_KNOWN, TimePassed: _unheard, LegSilent: _silent},
    Phase.HELD: {**_KNOWN, TimePassed: _unheard},
    Phase.ENDED: _KNOWN,
}
"""What each phase listens to. The visit then decides the phase and the state the orders (`orders.py`)."""
