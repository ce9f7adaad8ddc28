"""The SessionView of one session for one kind of viewer. Rooms learn what they must show and nothing of who watches
them: no officer's name, and the far side's people with the family name only."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.presence.quorum import of_side
from broker.session.events import HoldReason
from broker.session.parts import check_in
from broker.session.readiness import hold_reasons, missing, self_test_fresh
from broker.session.state import Session, State
from config.policy import Policy
from signaling.api import messages as msg
from signaling.api.acting import mutes_view, warnings_view
from signaling.views import check_in as check_in_module
from signaling.views.alerts import open_view
from signaling.views.extensions import extensions_view, stops_at
from signaling.views.names import Names
from signaling.views.texts import REASONS, text_of


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment of one session, with everything a view is made from. `recording` has state, seconds, path, sha256."""

    session: Session
    recording: Any
    policy: Policy
    now: Instant
    at_risk: frozenset[Side] = frozenset()


async def session_view(scene: Scene, names: Names, room: Side | None) -> msg.SessionView:
    """For the terminal of side `room`, or in full for officers (`room` None)."""
    session, slot = scene.session, scene.session.slot
    return msg.SessionView(
        id=session.id,
        slot=slot.id,
        state=session.state.value,
        reason=reason_view(scene),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        minutes=slot.minutes,
        sides=msg.Sides(
            prison=await _side(scene, names, Side.PRISON, room),
            visitor=await _side(scene, names, Side.VISITOR, room),
        ),
        quorum=msg.QuorumView(
            prison=await _quorum(scene, names, Side.PRISON, room),
            visitor=await _quorum(scene, names, Side.VISITOR, room),
        ),
        gate="open" if session.gate_open else "shut",
        crossed_ms=crossed_ms(scene),
        remaining_ms=remaining_ms(scene),
        missing=_missing(scene, room),
        recording=_recording(scene, room),
        my_side=room,
        warnings=await warnings_view(session, names, room),
        muted=await mutes_view(session, names, room),
        notes=len(session.interventions.notes) if room is None else 0,
        language=check_in_module.language_view(scene, room),
        check_in_until=check_in.deadline(slot, scene.policy),
        speech=await _speech(scene, names, room),
        alerts=await open_view(session, names, room),
        count_heads=scene.policy.alerts.count_heads,
        extensions=await extensions_view(scene, names, room),
        stops_at=stops_at(scene),
    )


async def _speech(scene: Scene, names: Names, room: Side | None) -> msg.SpeechView | None:
    """Who speaks to which rooms; to a room only that it is spoken to."""
    speech = scene.session.talkback
    if speech is None or (room is not None and room not in speech.sides):
        return None
    if room is not None:
        return msg.SpeechView(sides=[room])
    by = msg.Officer(id=speech.by, name=await names.user(speech.by))
    return msg.SpeechView(sides=sorted(speech.sides), by=by)


def reason_view(scene: Scene) -> msg.ReasonView | None:
    """Why it is held or over, in words."""
    session = scene.session
    if session.end is not None:
        side = f"_{session.end.side}" if session.end.side else ""
        lost = f"_{session.end.lost}" if session.end.lost else ""
        return _reason(session.end.reason, f"{session.end.reason}{side}{lost}", session.end.article)
    if session.state is not State.HELD:
        return None
    held = hold_reasons(session, scene.policy)
    if not held:
        return None
    by_officer = held[0] is HoldReason.SUPERVISOR and session.hold is not None
    return _reason(held[0], held[0], session.hold.article if by_officer and session.hold else "")


def _reason(code: str, words: str, article: str) -> msg.ReasonView:
    text = text_of(REASONS, str(words))
    return msg.ReasonView(code=str(code), zh=text.zh, en=text.en, article=article or None)


def crossed_ms(scene: Scene) -> int | None:
    """Milliseconds since media first crossed both ways; it stands still when the session is over."""
    session, now = scene.session, scene.now
    if session.gate.crossed is None:
        return None
    passed = now.mono - session.gate.crossed
    if session.end is not None:
        passed -= (now.wall - session.end.at) / timedelta(seconds=1)
    return max(0, round(passed * 1000))


def remaining_ms(scene: Scene) -> int | None:
    """Milliseconds until everything stops; None before the first crossing and after the end."""
    session = scene.session
    stop = session.gate.stop_at
    if session.gate.crossed is None or session.end is not None or stop is None:
        return None
    return max(0, round((stop - scene.now.mono) * 1000))


def _missing(scene: Scene, room: Side | None) -> list[msg.MissingView]:
    state = scene.session.state
    if state in (State.LIVE, State.ENDED):
        return []
    if state is State.HELD:
        return [_words(REASONS, code) for code in hold_reasons(scene.session, scene.policy)]
    return check_in_module.missing_views(scene, missing(scene.session, scene.now, scene.policy), room)


def _words(table: dict[str, Any], code: str) -> msg.MissingView:
    text = text_of(table, str(code))
    return msg.MissingView(code=str(code), zh=text.zh, en=text.en)


async def _side(scene: Scene, names: Names, side: Side, room: Side | None) -> msg.SideView:
    session = scene.session
    place = session.slot.place(side)
    far = room is not None and room is not side
    return msg.SideView(
        site=place.site,
        site_name=await names.site(place.site),
        room=place.room,
        room_name=await names.room(place.room),
        people=[
            check_in_module.person_view(scene, person, family_name(person.name) if far else person.name, room)
            for person in session.slot.people_of(side)
        ],
        self_test=self_test_fresh(session, side, scene.now, scene.policy),
        media=side in session.processes.media,
        seat=side in session.check_in.seats,
        equipment=check_in_module.equipment_view(scene, side, room),
    )


def family_name(name: str) -> str:
    """A name as the far room shows it: its first character, the rest hidden."""
    return name[:1] + "*" * min(2, max(1, len(name) - 1))


async def _quorum(scene: Scene, names: Names, side: Side, room: Side | None) -> msg.QuorumSide:
    need = scene.policy.min_supervisors
    if room is not None:
        return msg.QuorumSide(need=need, have=[])
    there = sorted(of_side(scene.session.processes.watchers, scene.session.slot, side))
    have = [msg.Officer(id=one.user, name=await names.user(one.user)) for one in there]
    return msg.QuorumSide(need=need, have=have, at_risk=side in scene.at_risk)


def _recording(scene: Scene, room: Side | None) -> msg.RecordingView:
    known = scene.recording
    inside = room is None  # where the archive lies is nothing for a room's screen
    return msg.RecordingView(
        state=str(known.state),  # type: ignore[arg-type]
        seconds=known.seconds,
        path=known.path if inside else None,
        sha256=known.sha256 if inside else None,
    )
