"""Derives phase, effects and next wake-up from the state of a terminal, whatever facts led to it. Effects follow from
the state and not from facts, so that "one publication, own room, open session" holds under any order of facts."""

from dataclasses import replace

from config.articles.equipment import Cause
from kiosk_agent.state.events import (
    PREPARING,
    CloseSocket,
    Effect,
    Effects,
    MediaKind,
    MediaStatus,
    OpenSocket,
    Phase,
    RunSelfTest,
    SendAcknowledgement,
    SendRulesAcknowledgement,
    SendSelfTest,
    StartMedia,
    StopMedia,
)
from kiosk_agent.state.state import (
    CUT,
    ENDED_SCREEN,
    NOT_ARRIVING,
    NOT_RECEIVING,
    OFFLINE_GRACE,
    RESEND,
    TEST_AGAIN,
    TEST_FRESH,
    Terminal,
)

_PHASE_OF = {"check_in": Phase.PUBLISHING, "ready": Phase.PUBLISHING, "live": Phase.LIVE, "held": Phase.HELD}


def wakes_at(terminal: Terminal) -> float | None:
    """Return the next moment at which TimePassed changes something; None when only another fact can."""
    if terminal.stopping:
        return None
    moments = [terminal.socket_at]
    if terminal.phase is Phase.OFFLINE and any(terminal.media(kind).busy for kind in MediaKind):
        moments.append(offline_end(terminal))
    if terminal.phase is Phase.ENDED and terminal.ended_at is not None:
        moments.append(terminal.ended_at + ENDED_SCREEN)
    if terminal.welcome:
        moments += [_test_due(terminal), _report_due(terminal), *_media_moments(terminal)]
        moments += [_acknowledgement_due(terminal, *sent) for sent in terminal.confirmed]
        moments.append(_rules_due(terminal))
    return min((moment for moment in moments if moment is not None), default=None)


def offline_end(terminal: Terminal) -> float:
    """Return when media stops without a server: after the grace, and never later than the visit's own limit."""
    end = terminal.offline_at + OFFLINE_GRACE
    until = terminal.visit.until if terminal.visit is not None else None
    return end if until is None else min(end, until)


def unknown_end(terminal: Terminal, kind: MediaKind) -> float | None:
    """Return when a publication or subscription that is connected here, but of which the server knows nothing, is given
    up; None for any other."""
    publishes = kind is MediaKind.PUBLICATION
    since = terminal.unarrived_at if publishes else terminal.unreceived_at
    media = terminal.media(kind)
    if since is None or media.status is not MediaStatus.UP or terminal.visit is None:
        return None
    patience = NOT_ARRIVING if publishes else NOT_RECEIVING
    return max(media.up_at, since) + (CUT if terminal.meeting else patience)


def with_phase(terminal: Terminal, now: float) -> Terminal:
    """Return the terminal in the phase that its visit requires, once the server has welcomed it."""
    if not terminal.welcome:
        return terminal
    if terminal.ended_at is not None and now >= terminal.ended_at + ENDED_SCREEN:
        terminal = replace(terminal, ended_at=None)
    phase = _phase(terminal)
    begins_live = phase is Phase.LIVE and terminal.phase is not Phase.LIVE
    return replace(terminal, phase=phase, live_at=now if begins_live else terminal.live_at)


def _phase(terminal: Terminal) -> Phase:
    busy = terminal.publication.busy or terminal.subscription.busy
    if terminal.tested_at is None or (terminal.testing and not busy):
        return Phase.SELF_TEST
    if terminal.visit is not None:
        return _PHASE_OF[terminal.visit.state]
    return Phase.WAITING if terminal.ended_at is None else Phase.ENDED


def due_effects(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """Return the state in which all effects due now are under way, and these effects."""
    effects: list[Effect] = []
    if not terminal.stopping:  # a test comes before the media that it tests
        terminal, order = _connect_and_test(terminal, now)
        effects += order
        terminal, order = _acknowledge(terminal, now)
        effects += order
        terminal, order = _acknowledge_rules(terminal, now)
        effects += order
    for kind in MediaKind:
        terminal, order = _media_order(terminal, kind, now)
        effects += order
    if terminal.stopping:
        terminal, order = _close_socket(terminal)
        effects += order
    return terminal, tuple(effects)


def _connect_and_test(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """Open the socket, run the self-test and report its result, each once when due."""
    effects: list[Effect] = []
    if terminal.socket_at is not None and now >= terminal.socket_at:
        terminal = replace(terminal, socket_at=None)
        effects.append(OpenSocket())
    test_due, report_due = _test_due(terminal), _report_due(terminal)
    if test_due is not None and now >= test_due:
        effects.append(RunSelfTest(_cause(terminal)))
        terminal = replace(terminal, testing=True, requested=None)
    elif report_due is not None and now >= report_due and (visit := terminal.visit) is not None:
        terminal = replace(terminal, sent_at=now)
        effects.append(SendSelfTest(visit.id))
    return terminal, tuple(effects)


def _acknowledge(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """Acknowledge what the room has confirmed: at once, and again until the server lists it no longer."""
    visit, confirmed, effects = terminal.visit, [], []
    for warning, at in terminal.confirmed:
        due = _acknowledgement_due(terminal, warning, at)
        if visit is not None and due is not None and now >= due:
            effects.append(SendAcknowledgement(visit.id, warning))
            at = now
        confirmed.append((warning, at))
    return replace(terminal, confirmed=tuple(confirmed)), tuple(effects)


def _acknowledgement_due(terminal: Terminal, warning: str, sent_at: float | None) -> float | None:
    visit = terminal.visit
    if not (terminal.welcome and terminal.synced) or visit is None or warning not in visit.warnings:
        return None
    return terminal.online_at if sent_at is None else sent_at + RESEND


def _acknowledge_rules(terminal: Terminal, now: float) -> tuple[Terminal, Effects]:
    """Report what the room has confirmed of the rules: at once, and again until the server has it."""
    due, confirmation = _rules_due(terminal), terminal.rules
    if due is None or confirmation is None or now < due:
        return terminal, ()
    report = SendRulesAcknowledgement(confirmation.session, confirmation.language, confirmation.manner)
    return replace(terminal, rules=replace(confirmation, sent_at=now)), (report,)


def _rules_due(terminal: Terminal) -> float | None:
    visit, confirmation = terminal.visit, terminal.rules
    if not (terminal.welcome and terminal.synced) or visit is None or confirmation is None:
        return None
    if confirmation.session != visit.id or not visit.to_tell:
        return None
    return terminal.online_at if confirmation.sent_at is None else confirmation.sent_at + RESEND


def _close_socket(terminal: Terminal) -> tuple[Terminal, Effects]:
    """Close the socket last: while it is open, the server sees an orderly end and not a loss."""
    idle = all(terminal.media(kind).status is MediaStatus.IDLE for kind in MediaKind)
    if terminal.down or not idle:
        return terminal, ()
    return replace(terminal, down=True), (CloseSocket(),)


def _media_order(terminal: Terminal, kind: MediaKind, now: float) -> tuple[Terminal, Effects]:
    """Stop media whose session is over, start media that is wanted and due."""
    media = terminal.media(kind)
    visit = None if terminal.stopping else terminal.visit
    if media.busy and (visit is None or media.session != visit.id):
        return terminal.with_media(kind, replace(media, status=MediaStatus.CLOSING)), (StopMedia(kind, media.attempt),)
    if visit is None or media.status is not MediaStatus.IDLE or now < media.retry_at or not _may_start(terminal):
        return terminal, ()
    begun = replace(media, status=MediaStatus.OPENING, session=visit.id, attempt=media.attempt + 1)
    side = visit.side.other if kind is MediaKind.SUBSCRIPTION else visit.side
    return terminal.with_media(kind, begun), (StartMedia(kind, visit.id, side, begun.attempt, visit.drill),)


def _may_start(terminal: Terminal) -> bool:
    """Whether new media may start: the session is known over this socket, and the equipment is found good (by the
    self-test, or by the staff's own test, which the session reports) and not being tested right now."""
    good = terminal.passed or (terminal.visit is not None and terminal.visit.tested)
    return terminal.welcome and terminal.synced and good and not terminal.testing


def _media_moments(terminal: Terminal) -> list[float | None]:
    if terminal.visit is None or not _may_start(terminal):
        return []
    idle = [media.retry_at for media in map(terminal.media, MediaKind) if media.status is MediaStatus.IDLE]
    return [*idle, unknown_end(terminal, MediaKind.PUBLICATION), unknown_end(terminal, MediaKind.SUBSCRIPTION)]


def _test_due(terminal: Terminal) -> float | None:
    """Return when to test: at first, on request, again after a failure, and when a session in preparation has no fresh
    result. Never while the publication starts or ends: there would be no frames to look at. A request waits for the end
    of a visit."""
    changing = terminal.publication.status in (MediaStatus.OPENING, MediaStatus.CLOSING) or _is_over(terminal)
    if terminal.testing or changing or not terminal.welcome:
        return None
    if terminal.tested_at is None or (terminal.requested is not None and not terminal.meeting):
        return terminal.online_at
    if _waits_for_test(terminal):
        return terminal.tested_at + (TEST_FRESH if terminal.passed else TEST_AGAIN)
    return None if terminal.passed or terminal.visit is not None else terminal.tested_at + TEST_AGAIN


def _is_over(terminal: Terminal) -> bool:
    """Whether the session is over into which the room still publishes."""
    visit, publication = terminal.visit, terminal.publication
    return publication.busy and (visit is None or publication.session != visit.id)


def _cause(terminal: Terminal) -> Cause:
    """Return why the test runs that is due. The first one after a start counts as that of the opening."""
    if terminal.requested is not None:
        return terminal.requested
    return Cause.OPENING if terminal.tested_at is None else Cause.VISIT


def _report_due(terminal: Terminal) -> float | None:
    """Return when to report the result to the session: at once, then again until the session has it."""
    tested_at = terminal.tested_at
    if tested_at is None or terminal.testing or not (terminal.welcome and terminal.synced):
        return None
    if not _waits_for_test(terminal) or _is_reported(terminal):
        return None
    if terminal.sent_at is None:
        return tested_at
    # A failure is reported once: the next test will have a new result.
    return terminal.sent_at + RESEND if terminal.passed else None


def _is_reported(terminal: Terminal) -> bool:
    """Whether the server has the last test, whatever its verdict."""
    return terminal.visit is not None and terminal.test != "" and terminal.visit.test == terminal.test


def _waits_for_test(terminal: Terminal) -> bool:
    visit = terminal.visit
    return visit is not None and visit.state in PREPARING and not visit.tested
