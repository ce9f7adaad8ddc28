"""Interventions and approvals as viewers see them: warnings, mutes, talkback, longer visits, and notes. Rooms (`room`
is their side) see what concerns them, without author and article; officers (`room` None) see everything."""

from datetime import datetime

from broker.kernel.ids import Side, UserId
from broker.session.parts.interventions import Muted, Noted, Warned
from broker.session.state import Session
from signaling.api.messages.session_view import (
    ExtensionRequestView,
    ExtensionView,
    MuteView,
    Officer,
    SpeechView,
    WarningView,
)
from signaling.api.messages.sessions import NoteView
from signaling.views.names import Names


async def warnings_view(session: Session, names: Names, room: Side | None) -> list[WarningView]:
    """All warnings, in the order of time; a room sees only those addressed to it, each as if meant for it alone."""
    return [
        await _warning(warning, names, room)
        for warning in session.interventions.warnings
        if room is None or room in warning.sides
    ]


async def _warning(warning: Warned, names: Names, room: Side | None) -> WarningView:
    sides = warning.sides if room is None else (room,)
    return WarningView(
        id=warning.id,
        at=warning.at,
        sides=list(sides),
        article=warning.article if room is None else "",
        zh=warning.zh,
        en=warning.en,
        by=await _author(warning, names) if room is None else None,
        acknowledged=[side for side in sides if side in warning.acknowledged],
    )


async def mutes_view(session: Session, names: Names, room: Side | None) -> list[MuteView]:
    """The sides that the far room does not hear; only officers learn by whose order."""
    return [
        MuteView(
            side=side,
            article=muted.article if room is None else "",
            site=muted.site if room is None else None,
            by=await _author(muted, names) if room is None else None,
        )
        for side, muted in sorted(session.interventions.muted.items())
    ]


async def talkback_view(session: Session, names: Names, room: Side | None) -> SpeechView | None:
    """The officer who speaks and the rooms spoken to; a room learns only that it is spoken to."""
    talkback = session.talkback
    if talkback is None or (room is not None and room not in talkback.sides):
        return None
    if room is not None:
        return SpeechView(sides=[room])
    return SpeechView(sides=sorted(talkback.sides), by=await names.officer(talkback.by))


async def extensions_view(session: Session, names: Names, room: Side | None) -> list[ExtensionView]:
    """The approvals that took effect, in the order of time."""
    return [
        ExtensionView(
            id=extension.id if room is None else "",
            at=extension.at,
            seconds=round(extension.added.total_seconds()),
            article=extension.article if room is None else "",
            by=await names.officer(extension.by) if room is None else None,
            reason=extension.reason if room is None else "",
        )
        for extension in session.extensions
    ]


async def extension_request_view(
    session: Session, names: Names, room: Side | None, stops: datetime | None
) -> ExtensionRequestView | None:
    """The latest request for a longer visit, for officers. `stops`: when the visit stops by itself."""
    if room is not None or not session.extension_requests:
        return None
    request = session.extension_requests[-1]
    return ExtensionRequestView(
        id=request.id,
        at=request.at,
        seconds=round(request.added.total_seconds()),
        article=request.article,
        reason=request.reason,
        by=await names.officer(request.by),
        site=request.site,
        state=request.state,
        decided_by=await names.officer(UserId(request.decided_by)) if request.decided_by else None,
        note=request.note,
        until=stops + request.added if stops is not None and request.state == "open" else None,
    )


async def notes_view(session: Session, names: Names) -> list[NoteView]:
    """All notes in the order of time, for officers only."""
    return [
        NoteView(
            at=note.at,
            since_ms=None if note.since is None else round(note.since * 1000),
            site=note.site,
            by=await _author(note, names),
            text=note.text,
        )
        for note in session.interventions.notes
    ]


async def _author(act: Warned | Muted | Noted, names: Names) -> Officer:
    return await names.officer(act.by)
