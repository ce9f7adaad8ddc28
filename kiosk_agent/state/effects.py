"""What follows from a terminal's state, whatever led to it: its phase, what its hands must do now, and when to look
again. Deriving orders from the state instead of from events is what keeps "one publication, own room, open session"
true under any order of news."""

from dataclasses import replace

from kiosk_agent.state.events import (
    PREPARING,
    CloseSocket,
    Effect,
    Effects,
    LegKind,
    LegStatus,
    OpenSocket,
    Phase,
    RunSelfTest,
    SendAcknowledgement,
    SendSelfTest,
    StartLeg,
    StopLeg,
)
from kiosk_agent.state.state import OFFLINE_GRACE, RESEND, SLATE, TEST_AGAIN, TEST_FRESH, UNHEARD, Terminal

_PHASE_OF = {"check_in": Phase.PUBLISHING, "ready": Phase.PUBLISHING, "live": Phase.LIVE, "held": Phase.HELD}


def wakes_at(terminal: Terminal) -> float | None:
    """The next moment at which TimePassed changes something; None when only news can."""
    if terminal.stopping:
        return None
    moments = [terminal.socket_at]
    if terminal.phase is Phase.OFFLINE and any(terminal.leg(kind).busy for kind in LegKind):
        moments.append(offline_end(terminal))
    if terminal.phase is Phase.ENDED and terminal.ended_at is not None:
        moments.append(terminal.ended_at + SLATE)
    if terminal.welcome:
        moments += [_test_due(terminal), _report_due(terminal), *_leg_moments(terminal)]
        moments += [_acknowledgement_due(terminal, *one) for one in terminal.confirmed]
    return min((moment for moment in moments if moment is not None), default=None)


def offline_end(terminal: Terminal) -> float:
    """When media stops for want of news: after the grace, and never later than the visit's own limit."""
    end = terminal.offline_at + OFFLINE_GRACE
    until = terminal.visit.until if terminal.visit is not None else None
    return end if until is None else min(end, until)


def phased(terminal: Terminal, now: float) -> Terminal:
    """The terminal in the phase that its visit asks for, once it is welcome."""
    if not terminal.welcome:
        return terminal
    if terminal.ended_at is not None and now >= terminal.ended_at + SLATE:
        terminal = replace(terminal, ended_at=None)
    phase = _phase(terminal)
    begins_live = phase is Phase.LIVE and terminal.phase is not Phase.LIVE
    return replace(terminal, phase=phase, live_at=now if begins_live else terminal.live_at)


def _phase(terminal: Terminal) -> Phase:
    busy = terminal.send.busy or terminal.watch.busy
    if terminal.tested_at is None or (terminal.testing and not busy):
        return Phase.SELF_TEST
    if terminal.visit is not None:
        return _PHASE_OF[terminal.visit.state]
    return Phase.WAITING if terminal.ended_at is None else Phase.ENDED


def orders(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """What to do now, and the state in which it has been ordered."""
    effects: list[Effect] = []
    if not terminal.stopping:  # a test comes before the media that it is about
        terminal, order = _running(terminal, now)
        effects += order
        terminal, order = _acknowledging(terminal, now)
        effects += order
    for kind in LegKind:
        terminal, order = _leg_order(terminal, kind, now)
        effects += order
    if terminal.stopping:
        terminal, order = _closing(terminal)
        effects += order
    return terminal, tuple(effects)


def _running(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """Socket, self-test and its report: each once when due."""
    effects: list[Effect] = []
    if terminal.socket_at is not None and now >= terminal.socket_at:
        terminal = replace(terminal, socket_at=None)
        effects.append(OpenSocket())
    test_due, report_due = _test_due(terminal), _report_due(terminal)
    if test_due is not None and now >= test_due:
        terminal = replace(terminal, testing=True)
        effects.append(RunSelfTest())
    elif report_due is not None and now >= report_due and (visit := terminal.visit) is not None:
        terminal = replace(terminal, sent_at=now)
        effects.append(SendSelfTest(visit.id))
    return terminal, tuple(effects)


def _acknowledging(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """What the room has confirmed is told at once, and again until the server knows it."""
    visit, told, effects = terminal.visit, [], []
    for warning, at in terminal.confirmed:
        due = _acknowledgement_due(terminal, warning, at)
        if visit is not None and due is not None and now >= due:
            effects.append(SendAcknowledgement(visit.id, warning))
            at = now
        told.append((warning, at))
    return replace(terminal, confirmed=tuple(told)), tuple(effects)


def _acknowledgement_due(terminal: Terminal, warning: str, told_at: float | None) -> float | None:
    visit = terminal.visit
    if not (terminal.welcome and terminal.synced) or visit is None or warning not in visit.warnings:
        return None
    return terminal.online_at if told_at is None else told_at + RESEND


def _closing(terminal: Terminal) -> tuple[Terminal, Effects]:
    """The socket closes last: as long as it is there, the server sees an orderly end and not a loss."""
    idle = all(terminal.leg(kind).status is LegStatus.IDLE for kind in LegKind)
    if terminal.down or not idle:
        return terminal, ()
    return replace(terminal, down=True), (CloseSocket(),)


def _leg_order(terminal: Terminal, kind: LegKind, now: float) -> tuple[Terminal, Effects]:
    """Stops what has no session any more, starts what is wanted and due."""
    leg = terminal.leg(kind)
    visit = None if terminal.stopping else terminal.visit
    if leg.busy and (visit is None or leg.session != visit.id):
        return terminal.with_leg(kind, replace(leg, status=LegStatus.CLOSING)), (StopLeg(kind, leg.turn),)
    if visit is None or leg.status is not LegStatus.IDLE or now < leg.retry_at or not _may_start(terminal):
        return terminal, ()
    begun = replace(leg, status=LegStatus.OPENING, session=visit.id, turn=leg.turn + 1)
    side = visit.side.other if kind is LegKind.WATCH else visit.side
    return terminal.with_leg(kind, begun), (StartLeg(kind, visit.id, side, begun.turn),)


def _may_start(terminal: Terminal) -> bool:
    """New media needs fresh knowledge of the session, and equipment found good (by our test, or by the staff's own,
    which the session then knows) that is not being tested right now."""
    good = terminal.passed or (terminal.visit is not None and terminal.visit.tested)
    return terminal.welcome and terminal.synced and good and not terminal.testing


def _leg_moments(terminal: Terminal) -> list[float | None]:
    if terminal.visit is None or not _may_start(terminal):
        return []
    idle = [leg.retry_at for leg in map(terminal.leg, LegKind) if leg.status is LegStatus.IDLE]
    unheard = terminal.send.status is LegStatus.UP and not terminal.visit.media
    return [*idle, terminal.send.up_at + UNHEARD if unheard else None]


def _test_due(terminal: Terminal) -> float | None:
    """When to test: at first, again after a failure, and when a session in preparation knows no fresh result. Never
    while the publication is coming or going: there would be no frames to look at."""
    changing = terminal.send.status in (LegStatus.OPENING, LegStatus.CLOSING)
    if terminal.testing or changing or not terminal.welcome:
        return None
    if terminal.tested_at is None:
        return terminal.online_at
    if _waits_for_test(terminal):
        return terminal.tested_at + (TEST_FRESH if terminal.passed else TEST_AGAIN)
    return None if terminal.passed or terminal.visit is not None else terminal.tested_at + TEST_AGAIN


def _report_due(terminal: Terminal) -> float | None:
    """When to tell the session our result: at once, then again every few seconds until it is known there."""
    tested_at = terminal.tested_at
    if tested_at is None or terminal.testing or not (terminal.welcome and terminal.synced):
        return None
    if not _waits_for_test(terminal):
        return None
    if terminal.sent_at is None:
        return tested_at
    # A failure is told once: the next test will have something new to say.
    return terminal.sent_at + RESEND if terminal.passed else None


def _waits_for_test(terminal: Terminal) -> bool:
    visit = terminal.visit
    return visit is not None and visit.state in PREPARING and not visit.tested
