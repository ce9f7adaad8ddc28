"""State machine of a room's terminal: OFFLINE, CONNECTED, SELF_TEST, WAITING, PUBLISHING, LIVE or HELD, ENDED, and
WAITING again. `step` takes a fact and a moment (seconds of any monotonic clock) and returns the new state and its
effects; `wakes_at` is the next moment to call `step` without a fact. Two invariants hold under any order of facts:
media is published only into an open session of the terminal's own room, one publication at a time; and there is always
something under way or planned."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from config.check_in import Manner
from kiosk_agent.state.effects import due_effects, offline_end, unknown_end, wakes_at, with_phase
from kiosk_agent.state.events import (
    Effects,
    Fact,
    MediaClosed,
    MediaConnected,
    MediaKind,
    MediaLost,
    MediaSilent,
    MediaStatus,
    Phase,
    RulesConfirmed,
    SelfTested,
    SessionSeen,
    SessionsSeen,
    SocketLost,
    SocketOpened,
    StopRequested,
    TestRequested,
    TimePassed,
    Visit,
    WarningConfirmed,
    Welcomed,
)
from kiosk_agent.state.state import (
    LONGEST_RETRY,
    REFUSED_RETRY,
    SILENCE,
    STEADY,
    VISIT_MEDIA_RETRY,
    VISIT_SOCKET_RETRY,
    RulesConfirmation,
    Terminal,
    backoff,
)

__all__ = ["TRANSITIONS", "Terminal", "step", "wakes_at"]

_NOT_YOU = frozenset({4001, 4003, 4009, 4013})


def step(terminal: Terminal, fact: Fact, now: float) -> tuple[Terminal, Effects]:
    """Return the next state and the effects of `fact`. A fact that the phase does not list is ignored."""
    handler = TRANSITIONS[terminal.phase].get(type(fact))
    if handler is not None:
        terminal = handler(terminal, fact, now)
    terminal, effects = due_effects(terminal, now)
    return with_phase(terminal, now), effects


def _opened(terminal: Terminal, _: SocketOpened, now: float) -> Terminal:
    return replace(terminal, phase=Phase.CONNECTED, socket_at=None, online_at=now)


def _socket_lost(terminal: Terminal, fact: SocketLost, now: float) -> Terminal:
    was_online = terminal.phase is not Phase.OFFLINE
    tries = 0 if was_online and now - terminal.online_at >= STEADY else terminal.socket_tries
    longest = VISIT_SOCKET_RETRY if terminal.meeting else LONGEST_RETRY
    wait = REFUSED_RETRY * (0.5 + fact.jitter / 2) if fact.code in _NOT_YOU else backoff(tries, fact.jitter, longest)
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
    """Replace all known sessions: one that the server no longer lists is over."""
    visits = tuple(sorted((visit for visit in fact.visits if visit.open), key=_by_start))
    return _seen(replace(_tried_now(terminal, now), synced=True), visits, now)


def _tried_now(terminal: Terminal, now: float) -> Terminal:
    """Have media that waits for another attempt wait no longer: the line is back."""
    for kind in MediaKind:
        media = terminal.media(kind)
        if media.status is MediaStatus.IDLE and media.retry_at > now:
            terminal = terminal.with_media(kind, replace(media, retry_at=now))
    return terminal


def _session(terminal: Terminal, fact: SessionSeen, now: float) -> Terminal:
    others = (visit for visit in terminal.visits if visit.id != fact.visit.id)
    visits = (*others, fact.visit) if fact.visit.open else tuple(others)
    return _seen(terminal, tuple(sorted(visits, key=_by_start)), now)


def _seen(terminal: Terminal, visits: tuple[Visit, ...], now: float) -> Terminal:
    before = terminal.visit
    terminal = _with_news_of_media(_told(_listed(replace(terminal, visits=visits))), now)
    after = terminal.visit
    if before is not None and after is not None and after.relay_lost and not before.relay_lost:
        terminal = _made_anew(terminal)
    if before is not None and (after is None or after.id != before.id):
        return replace(terminal, ended_at=now, ended=before.id, sent_at=None)
    return terminal


def _with_news_of_media(terminal: Terminal, now: float) -> Terminal:
    """Note from when on the server knows nothing of the publication, or of the subscription."""
    visit = terminal.visit
    arrives, receives = visit is None or visit.media, visit is None or visit.receiving
    return replace(
        terminal,
        unarrived_at=None if arrives else _first(terminal.unarrived_at, now),
        unreceived_at=None if receives else _first(terminal.unreceived_at, now),
    )


def _first(before: float | None, now: float) -> float:
    return now if before is None else before


def _made_anew(terminal: Terminal) -> Terminal:
    """Give up every connection that stands: the relay that knew it is gone."""
    for kind in MediaKind:
        media = terminal.media(kind)
        if media.status is MediaStatus.UP:
            terminal = terminal.with_media(kind, replace(media, session=None))
    return terminal


def _listed(terminal: Terminal) -> Terminal:
    """Forget the confirmations that the server has received; confirm the open warnings in a room without a screen."""
    listed = terminal.visit.warnings if terminal.visit is not None else ()
    kept = tuple((warning, sent_at) for warning, sent_at in terminal.confirmed if warning in listed)
    terminal = replace(terminal, confirmed=kept)
    if not terminal.confirms:
        return terminal
    return replace(terminal, confirmed=kept + tuple((warning, None) for warning in terminal.unread))


def _confirmed(terminal: Terminal, fact: WarningConfirmed, _: float) -> Terminal:
    if fact.warning not in terminal.unread:
        return terminal
    return replace(terminal, confirmed=(*terminal.confirmed, (fact.warning, None)))


def _told(terminal: Terminal) -> Terminal:
    """Forget what was confirmed for another visit, or what the server has received; confirm the rules where there are
    no people who could."""
    visit, confirmation = terminal.visit, terminal.rules
    if confirmation is not None and (visit is None or confirmation.session != visit.id or not visit.to_tell):
        terminal = replace(terminal, rules=None)
    if terminal.acknowledges or (visit is not None and visit.drill):
        return _rules_confirmed(terminal, RulesConfirmed("zh", Manner.UNATTENDED), 0.0)
    return terminal


def _rules_confirmed(terminal: Terminal, fact: RulesConfirmed, _: float) -> Terminal:
    """Note that the room has confirmed the rules of its visit. The first time counts."""
    if terminal.visit is None or not terminal.to_tell:
        return terminal
    return replace(terminal, rules=RulesConfirmation(terminal.visit.id, fact.language, fact.manner))


def _by_start(visit: Visit) -> tuple[float, str]:
    return visit.starts, visit.id


def _tested(terminal: Terminal, fact: SelfTested, now: float) -> Terminal:
    return replace(terminal, testing=False, tested_at=now, passed=fact.passed, test=fact.test, sent_at=None)


def _test_requested(terminal: Terminal, fact: TestRequested, _: float) -> Terminal:
    return replace(terminal, requested=fact.cause)


def _media_connected(terminal: Terminal, fact: MediaConnected, now: float) -> Terminal:
    media = terminal.media(fact.kind)
    if fact.attempt != media.attempt or media.status is not MediaStatus.OPENING:
        return terminal
    return terminal.with_media(fact.kind, replace(media, status=MediaStatus.UP, up_at=now))


def _media_lost(terminal: Terminal, fact: MediaLost, now: float) -> Terminal:
    media = terminal.media(fact.kind)
    if fact.attempt != media.attempt or not media.busy:
        return terminal
    good = media.status is MediaStatus.UP and now - media.up_at >= STEADY
    tries = 0 if good else media.tries
    again = now + backoff(tries, fact.jitter, VISIT_MEDIA_RETRY if terminal.meeting else LONGEST_RETRY)
    return terminal.with_media(fact.kind, replace(media, status=MediaStatus.IDLE, tries=tries + 1, retry_at=again))


def _media_closed(terminal: Terminal, fact: MediaClosed, now: float) -> Terminal:
    media = terminal.media(fact.kind)
    if fact.attempt != media.attempt or media.status is not MediaStatus.CLOSING:
        return terminal
    return terminal.with_media(fact.kind, replace(media, status=MediaStatus.IDLE, retry_at=now))


def _media_silent(terminal: Terminal, fact: MediaSilent, now: float) -> Terminal:
    """Give up a subscription without packets while LIVE; belonging to no session, it is closed and made anew."""
    media = terminal.media(fact.kind)
    quiet = min(fact.seconds, now - terminal.live_at, now - media.up_at)
    if fact.attempt != media.attempt or media.status is not MediaStatus.UP or quiet < SILENCE:
        return terminal
    return terminal.with_media(fact.kind, replace(media, session=None))


def _without_news(terminal: Terminal, _: TimePassed, now: float) -> Terminal:
    """Forget all sessions once the server has been away for the grace."""
    return replace(terminal, visits=()) if now >= offline_end(terminal) else terminal


def _not_arriving(terminal: Terminal, _: TimePassed, now: float) -> Terminal:
    """Give up a publication or subscription that is connected here, but of which the server knows nothing."""
    for kind in (MediaKind.PUBLICATION, MediaKind.SUBSCRIPTION):
        due = unknown_end(terminal, kind)
        if due is not None and now >= due:
            terminal = terminal.with_media(kind, replace(terminal.media(kind), session=None))
    return terminal


def _stop(terminal: Terminal, _: StopRequested, now: float) -> Terminal:
    return replace(terminal, stopping=True, socket_at=None)


# Each handler takes the fact type that it is listed for, which the type of a dictionary cannot express.
Handler = Callable[[Terminal, Any, float], Terminal]

_ALWAYS: dict[type, Handler] = {
    SocketLost: _socket_lost,
    SelfTested: _tested,
    TestRequested: _test_requested,
    MediaConnected: _media_connected,
    MediaLost: _media_lost,
    MediaClosed: _media_closed,
    StopRequested: _stop,
    WarningConfirmed: _confirmed,
    RulesConfirmed: _rules_confirmed,
}
_KNOWN: dict[type, Handler] = {**_ALWAYS, SessionsSeen: _sessions, SessionSeen: _session}

TRANSITIONS: dict[Phase, dict[type, Handler]] = {
    Phase.OFFLINE: {**_ALWAYS, SocketOpened: _opened, TimePassed: _without_news},
    Phase.CONNECTED: {**_ALWAYS, Welcomed: _welcomed},
    Phase.SELF_TEST: _KNOWN,
    Phase.WAITING: _KNOWN,
    Phase.PUBLISHING: {**_KNOWN, TimePassed: _not_arriving},
    Phase.LIVE: {**_KNOWN, TimePassed: _not_arriving, MediaSilent: _media_silent},
    Phase.HELD: {**_KNOWN, TimePassed: _not_arriving},
    Phase.ENDED: _KNOWN,
}
"""Facts that each phase handles. The visit then decides the phase, and the state decides the effects (`effects.py`)."""
