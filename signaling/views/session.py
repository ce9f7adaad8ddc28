"""The SessionView of one session for one kind of viewer. Rooms learn what they must show and nothing of their
supervisors: no officer's name, and of the far side's people the family name only."""

from broker.kernel.ids import Side
from broker.presence.quorum import of_side
from broker.session.effects import HoldReason
from broker.session.parts import check_in
from broker.session.readiness import hold_reasons, missing, self_test_fresh
from broker.session.state import State
from signaling.api.messages.session_view import (
    MissingView,
    QuorumSide,
    QuorumView,
    ReasonView,
    RecordingView,
    SessionView,
    Sides,
    SideView,
)
from signaling.views.alerts import open_view
from signaling.views.check_in import equipment_view, language_view, missing_views, person_view
from signaling.views.interventions import extensions_view, mutes_view, talkback_view, warnings_view
from signaling.views.moment import SessionMoment, crossed_ms, remaining_ms, stops_at
from signaling.views.names import Names
from signaling.views.texts import REASONS, text_of


async def session_view(moment: SessionMoment, names: Names, room: Side | None) -> SessionView:
    """Return the view for the terminal of side `room`, or in full for officers (`room` None)."""
    session, slot = moment.session, moment.session.slot
    return SessionView(
        id=session.id,
        slot=slot.id,
        state=session.state.value,
        reason=reason_view(moment),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        minutes=slot.minutes,
        sides=Sides(
            prison=await _side(moment, names, Side.PRISON, room),
            visitor=await _side(moment, names, Side.VISITOR, room),
        ),
        quorum=QuorumView(
            prison=await _quorum(moment, names, Side.PRISON, room),
            visitor=await _quorum(moment, names, Side.VISITOR, room),
        ),
        gate="open" if session.gate_open else "shut",
        crossed_ms=crossed_ms(moment),
        remaining_ms=remaining_ms(moment),
        missing=_missing(moment, room),
        recording=_recording(moment, room),
        my_side=room,
        warnings=await warnings_view(session, names, room),
        muted=await mutes_view(session, names, room),
        notes=len(session.interventions.notes) if room is None else 0,
        language=language_view(moment, room),
        check_in_until=check_in.deadline(slot, moment.policy),
        speech=await talkback_view(session, names, room),
        alerts=await open_view(session, names, room),
        count_heads=moment.policy.alerts.count_heads,
        extensions=await extensions_view(session, names, room),
        stops_at=stops_at(moment),
    )


def reason_view(moment: SessionMoment) -> ReasonView | None:
    """Return why the session is held or over, in words."""
    session = moment.session
    if session.end is not None:
        side = f"_{session.end.side}" if session.end.side else ""
        lost = f"_{session.end.lost}" if session.end.lost else ""
        return _reason(session.end.reason, f"{session.end.reason}{side}{lost}", session.end.article)
    if session.state is not State.HELD:
        return None
    held = hold_reasons(session, moment.policy)
    if not held:
        return None
    by_officer = held[0] is HoldReason.SUPERVISOR and session.hold is not None
    return _reason(held[0], held[0], session.hold.article if by_officer and session.hold else "")


def _reason(code: str, words: str, article: str) -> ReasonView:
    text = text_of(REASONS, str(words))
    return ReasonView(code=str(code), zh=text.zh, en=text.en, article=article or None)


def _missing(moment: SessionMoment, room: Side | None) -> list[MissingView]:
    state = moment.session.state
    if state in (State.LIVE, State.ENDED):
        return []
    if state is State.HELD:
        return [_hold_reason(code) for code in hold_reasons(moment.session, moment.policy)]
    return missing_views(moment, missing(moment.session, moment.now, moment.policy), room)


def _hold_reason(code: HoldReason) -> MissingView:
    text = text_of(REASONS, str(code))
    return MissingView(code=str(code), zh=text.zh, en=text.en)


async def _side(moment: SessionMoment, names: Names, side: Side, room: Side | None) -> SideView:
    session = moment.session
    place = session.slot.place(side)
    far = room is not None and room is not side
    return SideView(
        site=place.site,
        site_name=await names.site(place.site),
        room=place.room,
        room_name=await names.room(place.room),
        people=[
            person_view(moment, person, family_name(person.name) if far else person.name, room)
            for person in session.slot.people_of(side)
        ],
        self_test=self_test_fresh(session, side, moment.now, moment.policy),
        media=side in session.processes.media,
        seat=side in session.check_in.seats,
        equipment=equipment_view(moment, side, room),
    )


def family_name(name: str) -> str:
    """Return a name as the far room shows it: its first character, the rest hidden."""
    return name[:1] + "*" * min(2, max(1, len(name) - 1))


async def _quorum(moment: SessionMoment, names: Names, side: Side, room: Side | None) -> QuorumSide:
    need = moment.policy.min_supervisors
    if room is not None:
        return QuorumSide(need=need, have=[])
    present = sorted(of_side(moment.session.processes.watchers, moment.session.slot, side))
    have = [await names.officer(watcher.user) for watcher in present]
    return QuorumSide(need=need, have=have, at_risk=side in moment.at_risk)


def _recording(moment: SessionMoment, room: Side | None) -> RecordingView:
    recording = moment.recording
    inside = room is None  # rooms do not learn where the archive lies
    return RecordingView(
        state=str(recording.state),  # type: ignore[arg-type]
        seconds=recording.seconds,
        path=recording.path if inside else None,
        sha256=recording.sha256 if inside else None,
    )
