"""One visit in full for auditors: people, officers with their presence, timeline, marks, ratings and holds."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from broker.booking.slot import Slot
from broker.history.visit import part_of
from broker.kernel.errors import NotFound, VisitError
from config.policy import Policy
from recorder.viewcopy import activity
from recorder.viewcopy.poster import poster_path
from signaling.api.audit.access import visit_of
from signaling.api.audit.marks import mark_views
from signaling.api.audit.messages import PackName, VisitDetail, VisitOfficer, VisitPerson
from signaling.api.audit.relisten import rating_views
from signaling.api.audit.rows import beside, members, side_of
from signaling.api.audit.timeline import Shown, timeline_view
from signaling.api.audit.verification import VERIFIERS, last_verification
from signaling.api.audit.visits import REFUSED, VISIT
from signaling.api.holds import hold_view
from signaling.api.inspections.messages import inspection_view
from signaling.auth.scope import Role, author
from signaling.history.sources import HAS_FILM
from signaling.history.story import Story, story_of_film, story_of_journal
from signaling.server.context import Context
from signaling.server.encoded import Encoded
from signaling.server.routes import Call, Table

table = Table("visit")
READS = (Role.AUDITOR, Role.PROCURATOR)


@table.add("GET", VISIT, roles=READS, zh="会见详情（审计）", en="One visit of the history", refused=REFUSED)
async def get_visit(call: Call) -> VisitDetail:
    """One visit in full, whatever became of it. Where there is no film, the timeline is that of the journal."""
    slot, row = await visit_of(call)
    call.context.journal.note_access("VisitSeen", slot.session, author(call.user), {})
    read = await beside(call.context, [row])
    story = await _story(call.context, slot, read.recordings.get(slot.session))
    common = await members(row, read, call.context.names)
    named, names = common["named"], call.context.names
    speech = await asyncio.to_thread(activity.read, call.context.settings.archive_dir, slot.session)
    shown = Shown(names, await _policy(call.context, slot), named, speech)
    verifies = call.user.role in VERIFIERS
    return VisitDetail(
        **common,
        zero_at=story.zero,
        film_seconds=story.film,
        people=[
            VisitPerson(
                id=person.id,
                name=person.name,
                relation=person.relation,
                side=person.side,
                part=str(part_of(person)),
            )
            for person in (slot.people if named else ())
        ],
        supervisors=await _officers(call.context, slot, row, story),
        approved_by=slot.approved_by,
        article=slot.article,
        pack=_pack(story.pack),
        lanes=await timeline_view(story, shown),
        marks=await mark_views(call.context, slot.session),
        ratings=await rating_views(call.context, slot.session),
        verification=await last_verification(call.context, read.recordings.get(slot.session) if verifies else None),
        holds=[await hold_view(call.context, hold) for hold in await call.context.recordings.holds(slot.session)],
        inspections=[
            await inspection_view(names, inspection)
            for inspection in await call.context.store.inspections_of(slot.session)
        ],
    )


async def _story(context: Context, slot: Slot, recording: Mapping[str, Any] | None) -> Story:
    if recording is not None and recording["state"] in HAS_FILM and recording["path"]:
        story = await story_of_film(context.settings.archive_dir / recording["path"], slot)
        if story is not None:
            return story
    return story_of_journal(await context.history.entries(slot.session), slot, context.now().wall)


async def _policy(context: Context, slot: Slot) -> Policy | None:
    """Return the rules of a visit for the titles of its grounds; None where they cannot be read any more."""
    try:
        return await context.broker.rules_of(slot)
    except (VisitError, ValueError, OSError):
        return None


async def _officers(context: Context, slot: Slot, row: Any, story: Story) -> list[VisitOfficer]:
    """Return all officers of a visit: those who counted with their stretches, and those who only gave orders."""
    counted = {officer["user"]: officer for officer in (story.coverage or {}).get("officers", ())}
    return [
        VisitOfficer(
            id=user,
            name=await context.names.user(user),
            side=side_of(slot, str(counted.get(user, {}).get("site", ""))),
            present=[list(map(float, span)) for span in counted.get(user, {}).get("spans", ())],
            seconds=float(counted.get(user, {}).get("seconds", 0.0)),
        )
        for user in sorted({*row.officers, *counted})
    ]


def _pack(facts: Mapping[str, Any] | None) -> PackName | None:
    if facts is None or not facts.get("sha256"):
        return None
    named = {name: str(facts.get(name) or "") for name in ("name", "version", "sha256")}
    return PackName(**named)


@table.add(
    "GET",
    f"{VISIT}/poster",
    roles=READS,
    zh="会见缩略图",
    en="A small still of both sides",
    gives="image/jpeg",
    or_status=304,
    refused=REFUSED,
)
async def get_poster(call: Call) -> web.Response:
    """The still is made with the view copy; 404 while there is none."""
    slot, _ = await visit_of(call)
    recording = await call.context.recordings.one(slot.session, None)
    path = poster_path(call.context.settings.archive_dir, slot.session)
    if recording is None or recording["state"] not in HAS_FILM:
        raise NotFound("There is no picture of this visit.", "该会见没有缩略图。")
    try:
        picture = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise NotFound("There is no picture of this visit.", "该会见没有缩略图。") from None
    call.context.journal.note_request("PosterSeen", slot.session, author(call.user), {})
    return Encoded(picture, "image/jpeg").answer(call.request)
