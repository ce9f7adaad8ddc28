"""At every start: compare intents, files and catalog, say each difference aloud, and finish what can be finished.
Nothing is deleted here, and nothing is passed over in silence.

`recover` looks at what was being recorded, before anything new is: it takes as long as there are unfinished visits.
`review` looks at the whole archive while recordings already run, page by page, and reads only what nobody knows."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from broker.kernel import atomic_files
from recorder import start_order
from recorder.archive import parts, paths
from recorder.archive.catalog import ARCHIVED, FAILED, NO_FILES, NO_PLAN, PURGED, RECORDING
from recorder.archive.catalog_rows import columns
from recorder.archive.differences import Difference
from recorder.archive.finalize import begun, found
from recorder.archive.manifest import file_facts
from recorder.archive.manifest_check import misshapen
from recorder.archive.paths import FILM, MANIFEST, PLAN
from recorder.retention.removal import folder_of
from recorder.sessions import DROPPED_BY_RESTART, RecordingSessions

log = structlog.get_logger()
GRACE = 30.0
"""Seconds in which the control process may continue a session that was being recorded when the recorder died."""
PAGE = 500
UNKNOWN_SITE = "unknown"
Row = dict[str, Any]


async def recover(desk: RecordingSessions) -> list[Difference]:
    """Reconcile what is unfinished, and hand it to the desk. Raises StorageUnavailable."""
    differences = [await _unfinished(desk, row) for row in await desk.catalog.unfinished()]
    for folder in paths.work_folders(desk.archive_dir):
        if await desk.catalog.row(folder.name) is None:
            differences.append(await _unknown_work(desk, folder))
    for difference in differences:
        desk.differ(difference)
    return differences


async def review(desk: RecordingSessions) -> list[Difference]:
    """Compare the whole archive with the catalog; files without a row get one. Raises StorageUnavailable."""
    differences: list[Difference] = []
    folders = paths.recordings(desk.archive_dir)
    while page := await asyncio.to_thread(_page, folders):
        rows = await desk.catalog.rows([folder.name for folder in page])
        told = [await _folder(desk, folder, rows.get(folder.name)) for folder in page]
        differences += [one for one in told if one is not None]
    async for row in desk.catalog.archived():
        kind = await asyncio.to_thread(_row_differs, desk.archive_dir, row)
        if kind is not None and await _still(desk, row):
            differences.append(Difference(kind, row["session"]))
        elif row["manifest_sha256"] is None and kind is None:
            await _date(desk, row)
    for difference in differences:
        desk.differ(difference)
    return differences


async def finish_orphans(desk: RecordingSessions, sessions: list[str], grace: float = GRACE) -> None:
    """After `grace` seconds archive what nobody continued."""
    await asyncio.sleep(grace)
    for session in sessions:
        visit = desk.visits.get(session)
        if visit is not None and visit.recording is None and visit.closing is None:
            desk.end(session, DROPPED_BY_RESTART)


# --- what was being recorded --------------------------------------------------------------------------------------


async def _unfinished(desk: RecordingSessions, row: Row) -> Difference:
    session = str(row["session"])
    work = paths.work_folder(desk.archive_dir, session)
    settled = await asyncio.to_thread(paths.find, desk.archive_dir, session)
    if settled is not None:
        facts = await asyncio.to_thread(_facts, desk.archive_dir, settled)
        if facts is not None:
            await desk.catalog.set(session, **columns(facts))
            return Difference("archived_without_notice", session)
        path = str(settled.relative_to(desk.archive_dir))
        await desk.catalog.set(session, state=FAILED, reason="manifest_unreadable", path=path)
        return Difference("manifest_unreadable", session)
    kind = "unfinished"
    if not await asyncio.to_thread(_planned, work):
        if not await asyncio.to_thread(parts.films, work):
            await desk.catalog.set(session, state=FAILED, reason=NO_FILES)
            return Difference("intent_without_files", session)
        await asyncio.to_thread(atomic_files.write_json, work / PLAN, start_order.of_row(row))
        kind = "plan_lost"
    desk.adopt(session)
    return Difference(kind, session)


async def _unknown_work(desk: RecordingSessions, folder: Path) -> Difference:
    """A visit that was being recorded and that no row speaks of: it gets one."""
    plan = await asyncio.to_thread(_planned, folder)
    if plan is not None:
        await desk.catalog.put(_row(folder.name, plan["site"], desk))
        desk.adopt(folder.name)
        return Difference("work_without_row", folder.name)
    films = await asyncio.to_thread(parts.films, folder)
    lost = {"state": FAILED, "reason": NO_PLAN if films else NO_FILES}
    path = str(folder.relative_to(desk.archive_dir))
    await desk.catalog.put(_row(folder.name, UNKNOWN_SITE, desk) | lost | {"path": path})
    return Difference("work_without_plan", folder.name)


def _planned(folder: Path) -> dict[str, Any] | None:
    """The plan of a work folder, or the manifest that was written from it; None where neither can be read."""
    known = (
        atomic_files.read_json(folder / PLAN) or atomic_files.read_json(folder / MANIFEST) if begun(folder) else None
    )
    return known if known is not None and isinstance(known.get("site"), str) else None


def _row(session: str, site: str, desk: RecordingSessions) -> Row:
    created = desk.clock.now().wall
    return {"session": session, "site": site, "state": RECORDING, "announced": False, "created_at": created}


# --- what is archived ---------------------------------------------------------------------------------------------


def _page(folders: Iterator[Path]) -> list[Path]:
    return list(islice(folders, PAGE))


async def _folder(desk: RecordingSessions, folder: Path, row: Row | None) -> Difference | None:
    """What a recording's folder and its row do not agree on."""
    session = folder.name
    if row is not None and row["state"] == PURGED:
        gone = not await asyncio.to_thread(folder.exists)  # it was deleted while we looked
        return None if gone else Difference("purged_with_files", session)
    lost = row is not None and (row["state"], row["reason"]) == (FAILED, NO_FILES)
    if row is not None and not lost:
        return None
    facts = await asyncio.to_thread(_facts, desk.archive_dir, folder)
    if facts is None:
        return Difference("manifest_unreadable", session)
    if row is None:
        await desk.catalog.put(_row(session, facts["site"], desk) | columns(facts))
    else:
        await desk.catalog.set(session, **columns(facts))
    return Difference("file_without_row", session)


def _row_differs(root: Path, row: Row) -> str | None:
    """What is wrong with the files of an archived row."""
    try:
        folder = root / folder_of(str(row["path"]), row["session"])
    except ValueError:
        return "row_without_files"
    if not (folder / MANIFEST).exists():
        return "row_without_files"
    if row["sha256"] is not None and not (folder / FILM).exists():
        return "film_missing"
    if row["manifest_sha256"] is None:
        return None
    return None if file_facts(folder / MANIFEST)["sha256"] == row["manifest_sha256"] else "manifest_changed"


async def _still(desk: RecordingSessions, row: Row) -> bool:
    """Whether a row is what it was when its files were looked at: somebody may have deleted it lawfully meanwhile."""
    now = await desk.catalog.row(row["session"])
    return now is not None and now["state"] == ARCHIVED


async def _date(desk: RecordingSessions, row: Row) -> None:
    """A row from before dates were kept."""
    folder = desk.archive_dir / folder_of(str(row["path"]), row["session"])
    facts = await asyncio.to_thread(_facts, desk.archive_dir, folder)
    if facts is not None:
        dated = {name: columns(facts)[name] for name in ("due_at", "manifest_sha256")}
        await desk.catalog.set(row["session"], **dated)


def _facts(root: Path, folder: Path) -> dict[str, Any] | None:
    """What a manifest says; None where there is none that can be read, or it has not the shape of one."""
    written = atomic_files.read_json(folder / MANIFEST)
    return None if written is None or misshapen(written) else found(folder, root, written)
