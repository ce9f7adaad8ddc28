"""What the room's screen shows, as one value: derived from the terminal's state and the server's view of the visit by
`screen`, which is pure. The page draws it and decides nothing; what it sends back are facts. Names of persons are on no
screen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from kiosk_agent.room import words
from kiosk_agent.room.words import Words
from kiosk_agent.state.events import PREPARING, Phase
from kiosk_agent.state.state import Terminal
from signaling.api.messages.session_view import SessionView, SideView, WarningView

SHANGHAI = ZoneInfo("Asia/Shanghai")
COUNTDOWN = 5 * 60.0
"""Seconds before the limit from which the time that is left is shown."""
OFFLINE_SHOWN = 10.0
"""Seconds without the server after which a room without a visit says that it is out of service."""


class Name(StrEnum):
    """Name of a screen; the page has a module for each."""

    IDLE = "idle"
    CHECK_IN = "check_in"
    SEAT = "seat"
    WAITING = "waiting"
    LIVE = "live"
    HELD = "held"
    ENDED = "ended"
    DRILL = "drill"
    OUT_OF_SERVICE = "out_of_service"


class NextVisit(msgspec.Struct, frozen=True):
    """The next visit of this room: when it begins, by the clock in Shanghai, and its slot."""

    time: str
    slot: str


class Rules(msgspec.Struct, frozen=True):
    """The rules of the visit, point by point, in the regulation's own words; `audio` are the languages that have a
    recording."""

    title: Words
    lead: Words
    points: tuple[Words, ...]
    audio: tuple[str, ...] = ()


class RoomWarning(msgspec.Struct, frozen=True):
    """Warning that waits for confirmation; `more` is the number of further ones that wait."""

    id: str
    zh: str
    en: str
    more: int = 0


class Farewell(msgspec.Struct, frozen=True):
    """Button "会见完毕" of a visit that goes on (Guangdong 31(2)): `on` is what it says when pressed, None where it has
    nothing to say any more; `text` tells what both sides have said."""

    on: bool | None
    text: Words | None = None


class Signed(msgspec.Struct, frozen=True):
    """What a visit in sign language needs of the line: pictures of `frames` a second, which take `kbits` (1000 bit/s),
    before any sound."""

    frames: int
    kbits: int


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """Content of the room's screen.

    `place` is the site and the room; `reason` says why a visit is on hold or over, `lines` what to do; `talkback` tells
    whether an officer speaks to this room; `until` is the moment of the limit, on the loop's
    clock, once the time that is left is shown; `camera` tells whether the page needs camera and microphone; `signed`
    what a visit in sign language needs, in which light takes the place of sounds."""

    name: Name
    title: Words
    place: str = ""
    reason: Words | None = None
    lines: tuple[Words, ...] = ()
    session: str | None = None
    next: NextVisit | None = None
    rules: Rules | None = None
    until: float | None = None
    warning: RoomWarning | None = None
    talkback: bool = False
    banners: tuple[Words, ...] = ()
    farewell: Farewell | None = None
    camera: bool = False
    signed: Signed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the screen is made from besides the terminal's state: the view of the visit (of the one that is over, while
    its end is shown) with the loop time of its arrival, views of later visits, the rules that the room has still to
    acknowledge, what failed in the last test, and whether this start has ever been welcomed."""

    view: SessionView | None = None
    received_at: float = 0.0
    later: tuple[SessionView, ...] = ()
    rules: Rules | None = None
    failed: tuple[Words, ...] = ()
    was_online: bool = False


def screen(terminal: Terminal, facts: Known, now: float) -> Screen:
    """Return what the screen shows at the moment `now` of the loop's clock."""
    if terminal.visit is not None and facts.view is not None:
        return _drill(facts.view) if facts.view.drill else _visit(terminal, facts, facts.view, now)
    if terminal.phase is Phase.ENDED and facts.view is not None:
        return _drill(facts.view) if facts.view.drill else _ended(facts.view)
    if not terminal.welcome:
        return _offline(terminal, facts, now)
    if terminal.phase is Phase.SELF_TEST:
        return Screen(name=Name.OUT_OF_SERVICE, title=words.PREPARING, lines=(words.TESTING,), camera=True)
    if not terminal.room:
        return Screen(name=Name.OUT_OF_SERVICE, title=words.SPARE, lines=(words.SPARE_WAITS,))
    if not terminal.passed:
        lines = (words.FAILED_TEST, *facts.failed, words.ASK_STAFF)
        return Screen(name=Name.OUT_OF_SERVICE, title=words.OUT_OF_SERVICE, lines=lines, place=_place_of(facts))
    return _idle(facts)


def _offline(terminal: Terminal, facts: Known, now: float) -> Screen:
    if not facts.was_online or now - terminal.offline_at < OFFLINE_SHOWN:
        return Screen(name=Name.OUT_OF_SERVICE, title=words.PREPARING, lines=(words.CONNECTING,))
    return Screen(name=Name.OUT_OF_SERVICE, title=words.OUT_OF_SERVICE, lines=(words.NO_SERVER, words.ASK_STAFF))


def _idle(facts: Known) -> Screen:
    coming = min(facts.later, key=lambda view: view.starts_at, default=None)
    following = NextVisit(_clock(coming.starts_at), slot_number(coming.slot)) if coming is not None else None
    return Screen(name=Name.IDLE, title=words.IDLE, place=_place_of(facts), next=following)


def _visit(terminal: Terminal, facts: Known, view: SessionView, now: float) -> Screen:
    if view.state in PREPARING:
        return _preparing(terminal, facts, view)
    base = _common(terminal, view)
    if view.state == "held":
        return msgspec.structs.replace(
            base,
            name=Name.HELD,
            title=words.HELD,
            reason=_reason(view),
            lines=(words.HELD_WAIT,),
            farewell=_farewell(view),
        )
    return msgspec.structs.replace(
        base,
        name=Name.LIVE,
        title=words.LIVE,
        until=_until(view, facts.received_at, now),
        farewell=_farewell(view),
    )


def _preparing(terminal: Terminal, facts: Known, view: SessionView) -> Screen:
    base = _common(terminal, view)
    if facts.rules is not None:
        return msgspec.structs.replace(base, name=Name.CHECK_IN, title=facts.rules.title, rules=facts.rules)
    mine = _mine(view)
    if mine is not None and not mine.seat:
        return msgspec.structs.replace(base, name=Name.SEAT, title=words.SEAT, lines=(words.SEAT_HOW,))
    if facts.failed and mine is not None and not mine.self_test:
        lines = (words.FAILED_TEST, *facts.failed, words.ASK_STAFF)
        return msgspec.structs.replace(base, name=Name.WAITING, title=words.WAITING, lines=lines)
    lines = tuple(Words(lacking.zh, lacking.en) for lacking in view.missing) or (words.WAITING_NOTHING,)
    return msgspec.structs.replace(base, name=Name.WAITING, title=words.WAITING, lines=lines)


def _common(terminal: Terminal, view: SessionView) -> Screen:
    """Return what all screens of a visit have: warnings, banners, and that camera and microphone are needed."""
    return Screen(
        name=Name.WAITING,
        title=words.WAITING,
        place=_place(_mine(view)),
        session=view.id,
        warning=_warning(terminal, view),
        talkback=view.speech is not None,
        banners=_banners(terminal, view),
        signed=None if view.signed is None else Signed(view.signed.frames, view.signed.kbits),
        camera=True,
    )


def _drill(view: SessionView) -> Screen:
    """Return what is shown during a drill: that it is one, in the place of faces. What is sent is made up, so that
    camera and microphone stay closed."""
    over = view.state == "ended"
    return Screen(
        name=Name.DRILL,
        title=words.DRILL,
        place=_place(_mine(view)),
        lines=words.DRILL_OVER if over else words.DRILL_LINES,
        session=view.id,
    )


def _ended(view: SessionView) -> Screen:
    then = words.NEXT_PRISON if view.my_side == "prison" or view.between_inmates else words.NEXT_VISITOR
    return Screen(
        name=Name.ENDED,
        title=words.ENDED,
        place=_place(_mine(view)),
        reason=_reason(view),
        lines=(words.THANKS, then),
    )


def _reason(view: SessionView) -> Words | None:
    return Words(view.reason.zh, view.reason.en) if view.reason is not None else None


def _until(view: SessionView, received_at: float, now: float) -> float | None:
    if view.remaining_ms is None:
        return None
    until = received_at + view.remaining_ms / 1000
    return until if until - now <= COUNTDOWN else None


def _warning(terminal: Terminal, view: SessionView) -> RoomWarning | None:
    """Return the newest warning that the room has not confirmed yet."""
    unread = [warning for warning in unconfirmed(view) if warning.id in terminal.unread]
    return RoomWarning(unread[-1].id, unread[-1].zh, unread[-1].en, len(unread) - 1) if unread else None


def unconfirmed(view: SessionView) -> list[WarningView]:
    """Return the warnings that this room has not confirmed yet, the newest last."""
    side = view.my_side
    return [warning for warning in view.warnings if side in warning.sides and side not in warning.acknowledged]


def _banners(terminal: Terminal, view: SessionView) -> tuple[Words, ...]:
    """Return what is said above the picture: an officer speaks, sound is off, the line is down."""
    found = [words.TALKBACK] if view.speech is not None else []
    muted = frozenset("near" if mute.side is view.my_side else "far" for mute in view.muted)
    if muted:
        found.append(words.MUTED[muted])
    if not terminal.welcome:
        found.append(words.RECONNECTING)
    return tuple(found)


def _farewell(view: SessionView) -> Farewell:
    mine = [said for said in view.farewell if said.side == view.my_side]
    if any(said.room for said in mine):
        return Farewell(False, words.FAREWELL_WAITS)
    if mine:
        return Farewell(None, words.FAREWELL_STAFF)
    return Farewell(True, words.FAREWELL_FAR if view.farewell else None)


def _mine(view: SessionView) -> SideView | None:
    if view.my_side is None:
        return None
    return view.sides.prison if view.my_side == "prison" else view.sides.visitor


def _place(side: SideView | None) -> str:
    return "" if side is None else f"{side.site_name} · {side.room_name}"


def _place_of(facts: Known) -> str:
    """Return site and room, as the views of this room's visits name them."""
    views = (*((facts.view,) if facts.view is not None else ()), *facts.later)
    return next((_place(side) for view in views if (side := _mine(view)) is not None), "")


def _clock(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime("%H:%M")


def slot_number(slot: str) -> str:
    """Return the number by which people are called: the last six characters of the slot's id, without its prefix."""
    return slot.rpartition("_")[2][-6:].upper()
