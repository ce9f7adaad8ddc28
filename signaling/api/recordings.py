"""The catalog of recordings, for auditors. To have looked is journaled: access has an author too."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import Side
from recorder.archive.catalog import ARCHIVED
from recorder.archive.manifest import stored_coverage
from recorder.viewcopy.queue import READY
from recorder.viewcopy.worker import view_path
from signaling.api import bodies
from signaling.api.playback import FILM_TYPE, play
from signaling.auth.scope import Role, author, scope
from signaling.server.errors import PreconditionFailed
from signaling.server.ranges import RangeNotSatisfiable
from signaling.server.routes import Ask, Table, Verb
from signaling.views.days import bounds

table = Table()
AUDITOR = (Role.AUDITOR,)
REFUSED = "RecordingRefused"


def _film(path: str, zh: str, en: str) -> Callable[[Verb], Verb]:
    """Declare an address that plays a film by range."""
    return table.add(
        "GET",
        path,
        who=AUDITOR,
        zh=zh,
        en=en,
        gives=FILM_TYPE,
        headers=("ETag", "Accept-Ranges", "Content-Range"),
        problems=(RangeNotSatisfiable, PreconditionFailed),
        noted=REFUSED,
        or_status=304,
        also=(206,),
    )


@table.add("GET", "/api/v1/recordings", who=AUDITOR, zh="某日录像", en="Recordings of a day", noted=REFUSED)
async def get_recordings(ask: Ask, query: bodies.DayQuery) -> bodies.RecordingList:
    """Those of the auditor's site, of all sites for the province's auditors."""
    since, until = bounds(query.day, ask.house.now())
    rows = await ask.house.recordings.listed(since, until, scope(ask.user))
    data = {"since": since.isoformat(), "found": len(rows)}
    ask.house.journal.note("RecordingsListed", None, author(ask.user), data)
    return bodies.RecordingList(recordings=[view(row) for row in rows])


@table.add(
    "GET",
    "/api/v1/recordings/{session}",
    who=AUDITOR,
    zh="录像详情",
    en="One recording",
    noted=REFUSED,
)
async def get_recording(ask: Ask) -> bodies.RecordingRow:
    """Where it is, its hash, its gaps."""
    session = ask.id("session")
    row = await ask.house.recordings.one(session, scope(ask.user))
    if row is None:
        raise NotFound()
    ask.house.journal.note("RecordingSeen", session, author(ask.user), {})
    return view(row)


@_film("/api/v1/recordings/{session}/film", zh="播放录像原件", en="The film itself, by range")
async def get_film(ask: Ask) -> web.StreamResponse:
    """The evidence as it lies in the archive: five tracks, nothing added."""
    session = ask.id("session")
    row = await _archived(ask, session)
    return await play(ask, session, ask.house.settings.archive_dir / row["path"], row["sha256"], "film")


@_film(
    "/api/v1/recordings/{session}/sides/{side}", zh="播放一方画面与声音", en="One side's picture and sound, by range"
)
async def get_side(ask: Ask) -> web.StreamResponse:
    """The samples of the evidence, unchanged, under an index of their own that comes first."""
    session = ask.id("session")
    row = await _archived(ask, session)
    side, path = _side(ask), ask.house.settings.archive_dir / row["path"]
    return await play(ask, session, path, f"{row['sha256']}-{side}-1", side, side)


@_film("/api/v1/recordings/{session}/view", zh="播放合成副本", en="The view copy, by range")
async def get_view(ask: Ask) -> web.StreamResponse:
    """Both pictures side by side, with clock and mixed sound; 404 until it is made, see `copy`."""
    session = ask.id("session")
    await _archived(ask, session)
    row = await ask.house.views.row(session)
    if row is None or row["state"] != READY:
        raise NotFound("The view copy is not ready.", "合成副本尚未生成。")
    return await play(ask, session, view_path(ask.house.settings.archive_dir, session), row["sha256"], "view")


@table.add("GET", "/api/v1/recordings/{session}/copy", who=AUDITOR, zh="副本状态", en="How far the view copy is")
async def get_copy(ask: Ask) -> bodies.CopyView:
    """Progress of the view copy."""
    session = ask.id("session")
    await _archived(ask, session)
    row = await ask.house.views.row(session) or {"state": "none", "progress": 0.0}
    return bodies.CopyView.model_validate({k: v for k, v in row.items() if k in bodies.CopyView.model_fields})


@table.add(
    "POST",
    "/api/v1/recordings/{session}/copy",
    who=AUDITOR,
    zh="重新生成副本",
    en="Make the view copy again",
    status=202,
    problems=(Conflict,),
    noted=REFUSED,
)
async def post_copy(ask: Ask) -> bodies.Done:
    """Queue it, also where one was made before or failed."""
    session = ask.id("session")
    await _archived(ask, session)
    await ask.house.views.want(session, ask.house.now().wall)
    ask.house.journal.note("ViewCopyOrdered", session, author(ask.user), {})
    return bodies.Done()


@table.add(
    "GET",
    "/api/v1/recordings/{session}/coverage",
    who=AUDITOR,
    zh="监督在岗情况",
    en="Who watched when",
    noted=REFUSED,
)
async def get_coverage(ask: Ask) -> bodies.CoverageView:
    """For each officer the seconds in which they counted, for each side those in which too few did."""
    session = ask.id("session")
    row = await _archived(ask, session)
    try:
        found = await asyncio.to_thread(stored_coverage, ask.house.settings.archive_dir / row["path"])
    except FileNotFoundError:
        raise NotFound() from None
    ask.house.journal.note("CoverageSeen", session, author(ask.user), {})
    return bodies.CoverageView.model_validate({"session": session, **found})


async def _archived(ask: Ask, session: str) -> Mapping[str, Any]:
    """The row of a recording that has a film. Raises NotFound."""
    row = await ask.house.recordings.one(session, scope(ask.user))
    if row is None or row["state"] != ARCHIVED or not row["path"] or not row["sha256"]:
        raise NotFound()
    return row


def _side(ask: Ask) -> Side:
    try:
        return Side(ask.request.match_info["side"])
    except ValueError:
        raise NotFound() from None


def view(row: Mapping[str, Any]) -> bodies.RecordingRow:
    """A row of the catalog as JSON."""
    names = bodies.RecordingRow.model_fields
    return bodies.RecordingRow.model_validate({k: v for k, v in row.items() if k in names})
