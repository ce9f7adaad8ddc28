"""At every start: compare intents, files and catalog, say each difference aloud, and finish what can be finished.
Nothing is deleted here, and nothing is passed over in silence."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from recorder import archive, papers
from recorder.archive import MANIFEST
from recorder.catalog import FAILED, NO_FILES, RECORDING
from recorder.desk import DROPPED_BY_RESTART, Desk
from recorder.finalise import PLAN, begun, found
from recorder.rows import columns

log = structlog.get_logger()
GRACE = 30.0
"""Seconds in which the control process may continue a session that was being recorded when the recorder died."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that intents, files and catalog do not agree on."""

    kind: str
    session: str


async def recover(desk: Desk) -> list[Difference]:
    """Reconcile, and hand unfinished sessions to the desk. Raises StorageUnavailable."""
    differences: list[Difference] = []
    settled = await asyncio.to_thread(_settled, desk.archive_dir)
    for row in await desk.catalog.unfinished():
        session = str(row["session"])
        if session in settled:
            await desk.catalog.set(session, **columns(settled[session]))
            differences.append(Difference("archived_without_notice", session))
        elif begun(archive.work_folder(desk.archive_dir, session)):
            desk.adopt(session)
            differences.append(Difference("unfinished", session))
        else:
            await desk.catalog.set(session, state=FAILED, reason=NO_FILES)
            differences.append(Difference("intent_without_files", session))
    differences += await _unknown(desk, settled)
    differences += await _changed(desk, settled)
    for difference in differences:
        log.error("recordings differ", kind=difference.kind, session=difference.session)
    return differences


async def finish_orphans(desk: Desk, sessions: list[str], grace: float = GRACE) -> None:
    """After `grace` seconds archive what nobody continued."""
    await asyncio.sleep(grace)
    for session in sessions:
        visit = desk.visits.get(session)
        if visit is not None and visit.recording is None and visit.closing is None:
            desk.end(session, DROPPED_BY_RESTART)


async def _unknown(desk: Desk, settled: dict[str, dict[str, Any]]) -> list[Difference]:
    """Files that no row speaks of: they get one."""
    known = await desk.catalog.sessions()
    differences = []
    for session, facts in settled.items():
        if session not in known:
            await desk.catalog.put(_row(facts, facts["site"], desk) | columns(facts))
            differences.append(Difference("file_without_row", session))
    for folder in archive.work_folders(desk.archive_dir):
        if folder.name in known:
            continue
        plan = await asyncio.to_thread(_plan, folder)
        differences.append(Difference("work_without_row", folder.name))
        if plan is not None:
            await desk.catalog.put(_row({"session": folder.name}, plan["site"], desk))
            desk.adopt(folder.name)
    return differences


async def _changed(desk: Desk, settled: dict[str, dict[str, Any]]) -> list[Difference]:
    """Archived rows without their files, or with another manifest than the one catalogued; undated ones get dates."""
    differences: list[Difference] = []
    async for row in desk.catalog.archived():
        facts = settled.get(str(row["session"]))
        if facts is None:
            differences.append(Difference("row_without_files", row["session"]))
        elif row["manifest_sha256"] is None:
            dated = {name: columns(facts)[name] for name in ("due_at", "manifest_sha256")}
            await desk.catalog.set(row["session"], **dated)
        elif row["manifest_sha256"] != facts["manifest_sha256"]:
            differences.append(Difference("manifest_changed", row["session"]))
    return differences


def _plan(folder: Path) -> dict[str, Any] | None:
    return papers.read_json(folder / PLAN) or papers.read_json(folder / MANIFEST)


def _row(facts: dict[str, Any], site: str, desk: Desk) -> dict[str, Any]:
    created = desk.clock.now().wall
    return {"session": facts["session"], "site": site, "state": RECORDING, "announced": False, "created_at": created}


def _settled(root: Path) -> dict[str, dict[str, Any]]:
    """What lies in the archive, by session, as its manifests say."""
    settled: dict[str, dict[str, Any]] = {}
    for folder in archive.recordings(root):
        written = papers.read_json(folder / MANIFEST)
        if written is None:
            log.error("a recording has no readable manifest", session=folder.name)
            continue
        settled[folder.name] = found(folder, root, written)
    return settled
