"""The SessionView of one session for one kind of viewer. Rooms learn what they must show and no more of persons: no
officer, of their own people the names without ids, of the far side's people nothing, and no article but that of a
reason. Who is missing, barred or without a letter is said to officers."""

from broker.kernel.ids import Side
from broker.presence.quorum import of_side
from broker.session.effects import HoldReason, Reason
from broker.session.parts import check_in
from broker.session.readiness import Missing, hold_reasons, missing, rooms_lack, self_test_fresh
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
from signaling.views.check_in import (
    drill_failed_view,
    equipment_view,
    language_view,
    missing_views,
    person_view,
    rules_view,
    signed_view,
)
from signaling.views.film import film_texts, joined
from signaling.views.follow_ups import absence_brief, farewell_view, rebooking_brief
from signaling.views.interventions import (
    extension_request_view,
    extensions_view,
    mutes_view,
    talkback_view,
    warnings_view,
)
from signaling.views.moment import SessionMoment, crossed_ms, remaining_ms, stops_at
from signaling.views.names import Names
from signaling.views.texts import REASONS, SPEAK_TO_STAFF, Text, text_of

_OF_PEOPLE = frozenset({Missing.VISITOR_LETTER, Missing.INTERPRETER, Missing.ELIGIBILITY, Missing.SECOND_APPROVAL})
_OF_ROOMS = frozenset(Missing) - _OF_PEOPLE - {Missing.DRILL}
"""What a room may learn that a session lacks: nothing that says something of a person, or is the staff's alone."""


async def session_view(moment: SessionMoment, names: Names, room: Side | None) -> SessionView:
    """Return the view for the terminal of side `room`, or in full for officers (`room` None)."""
    session, slot = moment.session, moment.session.slot
    return SessionView(
        id=session.id,
        slot=slot.id,
        state=session.state.value,
        reason=reason_view(moment, room),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        minutes=slot.minutes,
        sides=Sides(
            prison=await _side(moment, names, Side.PRISON, room),
            visitor=await _side(moment, names, Side.VISITOR, room),
        ),
        between_inmates=slot.between_inmates,
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
        signed=signed_view(moment, room),
        check_in_until=check_in.deadline(slot, moment.policy),
        speech=await talkback_view(session, names, room),
        alerts=await open_view(session, names, room),
        count_heads=moment.policy.alerts.count_heads,
        extensions=await extensions_view(session, names, room),
        extension_request=await extension_request_view(session, names, room, stops_at(moment)),
        stops_at=stops_at(moment),
        farewell=await farewell_view(moment, names, room),
        rebooking=rebooking_brief(moment.rebooking) if moment.rebooking is not None and room is None else None,
        absence=absence_brief(moment.absence) if moment.absence is not None and room is None else None,
        drill=slot.drill,
        drill_failed=await drill_failed_view(session, names, room),
        observers=[await names.observer(session.id, user) for user in moment.observers] if room is None else [],
    )


def reason_view(moment: SessionMoment, room: Side | None = None) -> ReasonView | None:
    """Return why the session is held or over, in words for officers or for a `room`."""
    session = moment.session
    if session.end is not None:
        side = f"_{session.end.side}" if session.end.side else ""
        undecided = session.end.reason is Reason.NO_SHOW and not session.end.rebook
        ask_staff = undecided and room is not None
        return _reason(moment, session.end.reason, f"{session.end.reason}{side}", session.end.article, ask_staff)
    if session.state is not State.HELD:
        return None
    held = hold_reasons(session, moment.policy)
    if not held:
        return None
    if held[0] is HoldReason.FILM_UNUSABLE and room is None:
        words = joined(film_texts(session))
        return ReasonView(code=str(held[0]), zh=words.zh, en=words.en)
    by_officer = held[0] is HoldReason.SUPERVISOR and session.hold is not None
    return _reason(moment, held[0], held[0], session.hold.article if by_officer and session.hold else "")


def _reason(moment: SessionMoment, code: str, words: str, article: str, ask_staff: bool = False) -> ReasonView:
    text = text_of(REASONS, str(words), moment.session.slot.between_inmates)
    if ask_staff:
        text = Text(text.zh + SPEAK_TO_STAFF.zh, text.en + SPEAK_TO_STAFF.en)
    ground = moment.policy.intervention(article)
    issuer = ground.issuer if ground is not None else None
    return ReasonView(code=str(code), zh=text.zh, en=text.en, article=article or None, issuer=issuer)


def _missing(moment: SessionMoment, room: Side | None) -> list[MissingView]:
    state = moment.session.state
    if state in (State.LIVE, State.ENDED):
        return []
    if state is State.HELD:
        reasons = hold_reasons(moment.session, moment.policy)
        rooms = rooms_lack(moment.session) if HoldReason.ROOM_LOST in reasons else ()
        held = [view for code in reasons for view in _hold_reasons(moment, code, room)]
        return [*held, *missing_views(moment, rooms, room)]
    lacking = missing(moment.session, moment.now, moment.policy)
    return missing_views(
        moment, lacking if room is None else tuple(code for code in lacking if code in _OF_ROOMS), room
    )


def _hold_reasons(moment: SessionMoment, code: HoldReason, room: Side | None) -> list[MissingView]:
    """Return a reason for a hold in words: for officers one of each side whose film could not be watched."""
    texts = [text_of(REASONS, str(code))]
    if code is HoldReason.FILM_UNUSABLE and room is None:
        texts = list(film_texts(moment.session).values())
    return [MissingView(code=str(code), zh=text.zh, en=text.en) for text in texts]


async def _side(moment: SessionMoment, names: Names, side: Side, room: Side | None) -> SideView:
    session = moment.session
    place = session.slot.place(side)
    far = room is not None and room is not side
    rules = rules_view(moment, side, room)
    return SideView(
        site=place.site,
        site_name=await names.site(place.site),
        room=place.room,
        room_name=await names.room(place.room),
        people=[] if far else [person_view(moment, person, room) for person in session.slot.people_of(side)],
        self_test=self_test_fresh(session, side, moment.now, moment.policy),
        media=side in session.processes.media,
        receiving=side in session.processes.receiving,
        lost=side in session.processes.lost,
        lost_at=session.processes.stopped.get(side),
        seat=side in session.check_in.seats,
        rules=rules.acknowledged,
        rules_at=rules.at,
        rules_manner=rules.manner,
        equipment=equipment_view(moment, side, room),
        film=session.processes.unusable_films.get(side) if room is None else None,
    )


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
