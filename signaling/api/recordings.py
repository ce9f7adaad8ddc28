"""The catalog of recordings, for auditors. Each access is journaled with its author."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import Side
from broker.media.tap_format import TALKBACK, TRACK_TITLES
from recorder.archive.catalog import ARCHIVED
from recorder.archive.manifest import stored_coverage
from recorder.viewcopy.queue import READY
from recorder.viewcopy.worker import view_path
from signaling.api.inspections.check import check_inspects
from signaling.api.messages.recordings import CopyView, CoverageView, RecordingList, RecordingRow
from signaling.api.messages.sign_in import DayQuery, Done
from signaling.api.playback import FILM_TYPE, play
from signaling.auth.scope import Role, author, scope
from signaling.budgets.allowance import LIST
from signaling.server.errors import PreconditionFailed
from signaling.server.ranges import RangeNotSatisfiable
from signaling.server.routes import Call, Table, Verb

table = Table("recordings")
AUDITOR = (Role.AUDITOR,)
READS = (Role.AUDITOR, Role.PROCURATOR)
"""The roles that may see and play recordings; a procurator those that an inspection has opened."""
REFUSED = "RecordingRefused"
"""Journal kind of a refusal."""


def _film(path: str, zh: str, en: str) -> Callable[[Verb], Verb]:
    """Declare an address that plays a film by range."""
    return table.add(
        "GET",
        path,
        roles=READS,
        zh=zh,
        en=en,
        gives=FILM_TYPE,
        headers=("ETag", "Accept-Ranges", "Content-Range"),
        problems=(RangeNotSatisfiable, PreconditionFailed),
        refused=REFUSED,
        or_status=304,
        also=(206,),
    )


@table.add(
    "GET", "/api/v1/recordings", cost=LIST, roles=READS, zh="某日录像", en="Recordings of a day", refused=REFUSED
)
async def get_recordings(call: Call, query: DayQuery) -> RecordingList:
    """The recordings of the auditor's site; of all sites for auditors of the province."""
    since, until = call.context.day_bounds(query.day)
    rows = await call.context.recordings.listed(since, until, scope(call.user))
    data = {"since": since.isoformat(), "found": len(rows)}
    call.context.journal.note_access("RecordingsListed", None, author(call.user), data)
    return RecordingList(recordings=[view(row) for row in rows])


@table.add(
    "GET",
    "/api/v1/recordings/{session}",
    roles=READS,
    zh="录像详情",
    en="One recording",
    refused=REFUSED,
)
async def get_recording(call: Call) -> RecordingRow:
    """One recording: its path, its hash, its gaps."""
    session = call.id("session")
    row = await call.context.recordings.one(session, scope(call.user))
    if row is None:
        raise NotFound()
    await check_inspects(call.context, call.caller, session)
    call.context.journal.note_access("RecordingSeen", session, author(call.user), {})
    return view(row)


@_film("/api/v1/recordings/{session}/film", zh="播放录像原件", en="The film itself, by range")
async def get_film(call: Call) -> web.StreamResponse:
    """The evidence as it lies in the archive: five tracks and nothing else."""
    session = call.id("session")
    row = await _archived(call, session)
    return await play(call, session, call.context.settings.archive_dir / row["path"], row["sha256"], "film")


@_film(
    "/api/v1/recordings/{session}/sides/{side}", zh="播放一方画面与声音", en="One side's picture and sound, by range"
)
async def get_side(call: Call) -> web.StreamResponse:
    """The samples of the evidence, unchanged, under an index of their own that comes first. Beside `prison` and
    `visitor`, `supervisors` are the voices of officers who spoke in: sound alone."""
    session = call.id("session")
    row = await _archived(call, session)
    side, path = _film_name(call), call.context.settings.archive_dir / row["path"]
    return await play(call, session, path, f"{row['sha256']}-{side}-1", side, side)


@_film("/api/v1/recordings/{session}/view", zh="播放合成副本", en="The view copy, by range")
async def get_view(call: Call) -> web.StreamResponse:
    """Both pictures side by side, with clock and mixed sound; 404 until it is made, see `copy`."""
    session = call.id("session")
    await _archived(call, session)
    row = await call.context.views.row(session)
    if row is None or row["state"] != READY:
        raise NotFound("The view copy is not ready.", "合成副本尚未生成。")
    return await play(call, session, view_path(call.context.settings.archive_dir, session), row["sha256"], "view")


@table.add(
    "GET",
    "/api/v1/recordings/{session}/copy",
    roles=READS,
    zh="副本状态",
    en="How far the view copy is",
)
async def get_copy(call: Call) -> CopyView:
    """State and progress of the view copy."""
    session = call.id("session")
    await _archived(call, session)
    row = await call.context.views.row(session) or {"state": "none", "progress": 0.0}
    return CopyView.model_validate({k: v for k, v in row.items() if k in CopyView.model_fields})


@table.add(
    "POST",
    "/api/v1/recordings/{session}/copy",
    roles=AUDITOR,
    zh="重新生成副本",
    en="Make the view copy again",
    status=202,
    problems=(Conflict,),
    refused=REFUSED,
)
async def post_copy(call: Call) -> Done:
    """Queue a view copy, also where one was made before or failed."""
    session = call.id("session")
    await _archived(call, session)
    await call.context.views.want(session, call.context.now().wall)
    call.context.journal.note("ViewCopyOrdered", session, author(call.user), {})
    return Done()


@table.add(
    "GET",
    "/api/v1/recordings/{session}/coverage",
    roles=READS,
    zh="监督在岗情况",
    en="Who watched when",
    refused=REFUSED,
)
async def get_coverage(call: Call) -> CoverageView:
    """Each officer with the seconds in which they counted, and each side with those in which too few did."""
    session = call.id("session")
    row = await _archived(call, session)
    try:
        coverage = await asyncio.to_thread(stored_coverage, call.context.settings.archive_dir / row["path"])
    except FileNotFoundError:
        raise NotFound() from None
    call.context.journal.note_access("CoverageSeen", session, author(call.user), {})
    return CoverageView.model_validate({"session": session, **coverage})


async def _archived(call: Call, session: str) -> Mapping[str, Any]:
    """Return the row of a recording that has a film. Raises NotFound, or Forbidden for a procurator without an
    inspection."""
    row = await call.context.recordings.one(session, scope(call.user))
    if row is None or row["state"] != ARCHIVED or not row["path"] or not row["sha256"]:
        raise NotFound()
    await check_inspects(call.context, call.caller, session)
    return row


def _film_name(call: Call) -> str:
    """Return whose film is asked for. Raises NotFound."""
    name = call.request.match_info["side"]
    if name not in (*Side, TRACK_TITLES[TALKBACK]):
        raise NotFound()
    return name


def view(row: Mapping[str, Any]) -> RecordingRow:
    """Return a row of the catalog as auditors see it."""
    names = RecordingRow.model_fields
    return RecordingRow.model_validate({k: v for k, v in row.items() if k in names})
