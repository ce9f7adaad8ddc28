"""The rows of the history as auditors see them: what the index has, joined for one page with slots, recordings, holds,
view copies, marks and ratings."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from broker.booking.slot import Place, Slot
from broker.control.store.history.ratings import NEEDED
from broker.kernel.ids import SessionId, Side
from recorder.archive.catalog import PURGED
from recorder.viewcopy.poster import poster_path
from signaling.api.audit.messages import (
    EndingView,
    InterventionCount,
    RelistenView,
    SideLevels,
    SideShares,
    VisitPlace,
    VisitRecording,
    VisitRow,
)
from signaling.server.context import Context
from signaling.views.names import Names
from signaling.views.texts import CAUSES, REASONS, text_of

INMATE = "inmate"


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the index about the visits of one page."""

    slots: Mapping[SessionId, Slot]
    people: Mapping[int, Sequence[tuple[str, str]]]
    recordings: Mapping[str, Mapping[str, Any]]
    copies: Mapping[str, str]
    held: frozenset[str]
    posters: frozenset[str]
    marks: Mapping[str, int]
    rated: Mapping[str, int]
    now: datetime


async def beside(context: Context, rows: Sequence[Any]) -> Beside:
    """Read what belongs to some rows of the history. Raises StorageUnavailable."""
    sessions, store, recordings = [row.session for row in rows], context.store, context.recordings
    catalog = await recordings.of(sessions)
    archive = context.settings.archive_dir
    return Beside(
        slots=await store.slots_of(sessions),
        people=await store.people_of([row.id for row in rows]),
        recordings=catalog,
        copies=await recordings.copies(sessions),
        held=frozenset(await recordings.held(sessions)),
        posters=await asyncio.to_thread(_posters, archive, list(catalog)),
        marks=await store.marks_standing(sessions),
        rated=await store.rated(sessions),
        now=context.now().wall,
    )


def _posters(archive: Path, sessions: Sequence[str]) -> frozenset[str]:
    return frozenset(session for session in sessions if poster_path(archive, session).is_file())


async def rows_of(context: Context, rows: Sequence[Any]) -> list[VisitRow]:
    """Return rows of the history as auditors see them, in their order. Raises StorageUnavailable."""
    read = await beside(context, rows)
    return [VisitRow(**await members(row, read, context.names), marks=read.marks.get(row.session, 0)) for row in rows]


async def members(row: Any, read: Beside, names: Names) -> dict[str, Any]:
    """Return what list and detail of a visit have in common, by member."""
    slot, recording = read.slots[row.session], read.recordings.get(row.session)
    named = row.named and not _purged(recording)
    people = read.people.get(row.id, ()) if named else ()
    return {
        "session": row.session,
        "slot": slot.id,
        "external_id": slot.external_id or None,
        "state": row.state,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "began_at": row.began_at,
        "ended_at": row.ended_at,
        "seconds": row.seconds,
        "prison": await _place(slot.prison, names),
        "visitor": await _place(slot.visitor, names),
        "named": named,
        "inmate": next((name for part, name in people if part == INMATE), None),
        "visitors": _visitors(people),
        "language": slot.language,
        "ending": ending_view(row, slot.between_inmates),
        "interventions": [
            InterventionCount(kind=kind, article=article or None, count=count)
            for kind, article, count in row.interventions
        ],
        "alerts": row.alerts,
        "coverage": _shares(row),
        "quality": _levels(row),
        "recording": _recording(row, recording, read),
        "relisten": relisten_view(row.relisten_due, read.rated.get(row.session, 0), read.now, _purged(recording)),
    }


def _visitors(people: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names of all but the first inmate: where both sides hold inmates, the second one is met."""
    inmates = [name for part, name in people if part == INMATE]
    return [*inmates[1:], *(name for part, name in people if part == "visitor")]


async def _place(place: Place, names: Names) -> VisitPlace:
    return VisitPlace(
        site=place.site,
        site_name=await names.site(place.site),
        room=place.room,
        room_name=await names.room(place.room),
    )


def ending_view(row: Any, between_inmates: bool = False) -> EndingView | None:
    """Return how a visit ended in words, None while it has not."""
    if row.ending is None:
        return None
    side = f"_{row.ending_side}" if row.ending_side else ""
    text = text_of(REASONS, f"{row.ending}{side}", between_inmates)
    cause = {**REASONS, **CAUSES}.get(row.cause or "")
    zh, en = (f"{text.zh}：{cause.zh}", f"{text.en}: {cause.en}") if cause else (text.zh, text.en)
    return EndingView(code=row.ending, article=row.article, zh=zh, en=en)


def _shares(row: Any) -> SideShares | None:
    if row.coverage_prison is None or row.coverage_visitor is None:
        return None
    return SideShares(prison=row.coverage_prison, visitor=row.coverage_visitor)


def _levels(row: Any) -> SideLevels | None:
    if row.quality_prison is None and row.quality_visitor is None:
        return None
    return SideLevels(prison=row.quality_prison, visitor=row.quality_visitor)


def _recording(row: Any, recording: Mapping[str, Any] | None, read: Beside) -> VisitRecording | None:
    if recording is None:
        return None
    lengths = [float(seconds) for seconds in recording["seconds"] or ()]
    return VisitRecording(
        state=recording["state"],
        seconds=max(lengths, default=None),
        due_at=recording["due_at"],
        held=row.session in read.held,
        poster=row.session in read.posters,
        view=read.copies.get(row.session, "none"),
    )


def relisten_view(due_at: datetime | None, rated: int, now: datetime, purged: bool = False) -> RelistenView:
    """Return where the duty to hear a recording again stands; what is deleted cannot be heard any more."""
    if due_at is None or (purged and rated < NEEDED):
        return RelistenView(state="none", due_at=None, rated=rated)
    if rated >= NEEDED:
        return RelistenView(state="done", due_at=due_at, rated=rated)
    return RelistenView(state="overdue" if due_at < now else "due", due_at=due_at, rated=rated)


def _purged(recording: Mapping[str, Any] | None) -> bool:
    return recording is not None and recording["state"] == PURGED


def side_of(slot: Slot, site: str) -> Side | None:
    """Return the side that a site supervises, None for others."""
    return next((side for side in Side if slot.place(side).site == site), None)
