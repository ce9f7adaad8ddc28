"""The comparison of intents, files and catalog at every start: each difference is reported, and what can be finished
is finished. No file is deleted here, and no difference is passed over.

`Recovery.recover` looks at what was being recorded, before anything new begins: it takes as long as there are
unfinished sessions. `Recovery.review` looks at the whole archive while recordings already run, page by page, and reads
only manifests that the catalog does not know."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from broker.kernel import atomic_files
from broker.kernel.clock import Clock
from recorder.alarms import Alarms, Difference
from recorder.archive import parts, paths
from recorder.archive.catalog import ARCHIVED, FAILED, NO_FILES, NO_PLAN, PURGED, RECORDING, Catalog, columns
from recorder.archive.finalize import begun, found
from recorder.archive.manifest import file_facts
from recorder.archive.manifest_check import malformed_member
from recorder.archive.paths import FILM, MANIFEST, PLAN
from recorder.retention.removal import folder_of

log = structlog.get_logger()
GRACE = 30.0
"""Seconds in which the control process may continue a session that was being recorded when the recorder died."""
PAGE = 500
UNKNOWN_SITE = "unknown"
Row = dict[str, Any]


class Recovery:
    """Compares one archive with its catalog. Differences go to `alarms`."""

    def __init__(self, archive_dir: Path, catalog: Catalog, clock: Clock, alarms: Alarms) -> None:
        self._archive_dir, self._catalog, self._clock, self._alarms = archive_dir, catalog, clock, alarms

    async def recover(self, adopt: Callable[[str], None]) -> list[Difference]:
        """Reconcile what was being recorded. `adopt` gets each session that can go on. Raises StorageUnavailable."""
        differences = [await self._unfinished(row, adopt) for row in await self._catalog.unfinished()]
        for folder in paths.work_folders(self._archive_dir):
            if await self._catalog.row(folder.name) is None:
                differences.append(await self._unknown_work(folder, adopt))
        return self._report(differences)

    async def review(self) -> list[Difference]:
        """Compare the whole archive with the catalog; files without a row get one. Raises StorageUnavailable."""
        differences: list[Difference] = []
        folders = paths.recordings(self._archive_dir)
        while page := await asyncio.to_thread(_page, folders):
            rows = await self._catalog.rows([folder.name for folder in page])
            compared = [await self._folder(folder, rows.get(folder.name)) for folder in page]
            differences += [difference for difference in compared if difference is not None]
        async for row in self._catalog.archived():
            kind = await asyncio.to_thread(_row_differs, self._archive_dir, row)
            if kind is not None and await self._still_archived(row):
                differences.append(Difference(kind, row["session"]))
            elif row["manifest_sha256"] is None and kind is None:
                await self._date(row)
        return self._report(differences)

    def _report(self, differences: list[Difference]) -> list[Difference]:
        for difference in differences:
            self._alarms.differ(difference)
        return differences

    async def _unfinished(self, row: Row, adopt: Callable[[str], None]) -> Difference:
        """Bring a row that is neither archived nor failed into agreement with its files."""
        session = str(row["session"])
        work = paths.work_folder(self._archive_dir, session)
        settled = await asyncio.to_thread(paths.find, self._archive_dir, session)
        if settled is not None:
            return await self._settled(session, settled)
        kind = "unfinished"
        if not await asyncio.to_thread(_planned, work):
            if not await asyncio.to_thread(parts.films, work):
                await self._catalog.set(session, state=FAILED, reason=NO_FILES)
                return Difference("intent_without_files", session)
            await asyncio.to_thread(atomic_files.write_json, work / PLAN, _plan_of_row(row))
            kind = "plan_lost"
        adopt(session)
        return Difference(kind, session)

    async def _settled(self, session: str, folder: Path) -> Difference:
        """Enter a recording that lies in the archive already: the process ended before the catalog was written."""
        facts = await asyncio.to_thread(_facts, self._archive_dir, folder)
        if facts is not None:
            await self._catalog.set(session, **columns(facts))
            return Difference("archived_without_notice", session)
        path = str(folder.relative_to(self._archive_dir))
        await self._catalog.set(session, state=FAILED, reason="manifest_unreadable", path=path)
        return Difference("manifest_unreadable", session)

    async def _unknown_work(self, folder: Path, adopt: Callable[[str], None]) -> Difference:
        """Give a row to a work folder that has none."""
        plan = await asyncio.to_thread(_planned, folder)
        if plan is not None:
            await self._catalog.put(self._row(folder.name, plan["site"]))
            adopt(folder.name)
            return Difference("work_without_row", folder.name)
        films = await asyncio.to_thread(parts.films, folder)
        lost = {"state": FAILED, "reason": NO_PLAN if films else NO_FILES}
        path = str(folder.relative_to(self._archive_dir))
        await self._catalog.put(self._row(folder.name, UNKNOWN_SITE) | lost | {"path": path})
        return Difference("work_without_plan", folder.name)

    async def _folder(self, folder: Path, row: Row | None) -> Difference | None:
        """Compare a recording's folder with its row, and write the row where there is none."""
        session = folder.name
        if row is not None and row["state"] == PURGED:
            gone = not await asyncio.to_thread(folder.exists)  # it was deleted during this review
            return None if gone else Difference("purged_with_files", session)
        lost = row is not None and (row["state"], row["reason"]) == (FAILED, NO_FILES)
        if row is not None and not lost:
            return None
        facts = await asyncio.to_thread(_facts, self._archive_dir, folder)
        if facts is None:
            return Difference("manifest_unreadable", session)
        if row is None:
            await self._catalog.put(self._row(session, facts["site"]) | columns(facts))
        else:
            await self._catalog.set(session, **columns(facts))
        return Difference("file_without_row", session)

    async def _still_archived(self, row: Row) -> bool:
        """Whether a row is still archived: a lawful deletion may have changed it while its files were looked at."""
        now = await self._catalog.row(row["session"])
        return now is not None and now["state"] == ARCHIVED

    async def _date(self, row: Row) -> None:
        """Add due date and manifest hash to a row of a version that had no such columns."""
        folder = self._archive_dir / folder_of(str(row["path"]), row["session"])
        facts = await asyncio.to_thread(_facts, self._archive_dir, folder)
        if facts is not None:
            dated = {name: columns(facts)[name] for name in ("due_at", "manifest_sha256")}
            await self._catalog.set(row["session"], **dated)

    def _row(self, session: str, site: str) -> Row:
        created = self._clock.now().wall
        return {"session": session, "site": site, "state": RECORDING, "announced": False, "created_at": created}


def _plan_of_row(row: Row) -> dict[str, Any]:
    """Return a plan made from a row of the catalog, where the plan itself is lost. It has the film's place and dates,
    without which the film could not be archived."""
    begun = row["started_at"] or row["created_at"]
    name, _, version = str(row["policy"] or "").partition(" ")
    return {
        "session": row["session"],
        "site": row["site"],
        "slot": {},
        "policy": {"name": name, "version": version},
        "sides": {},
        "starts_at": begun.isoformat(),
        "started_at": begun.isoformat(),
    }


def _planned(folder: Path) -> dict[str, Any] | None:
    """Return the plan of a work folder, or the manifest that was written from it; None where neither is readable."""
    if not begun(folder):
        return None
    plan = atomic_files.read_json(folder / PLAN) or atomic_files.read_json(folder / MANIFEST)
    return plan if plan is not None and isinstance(plan.get("site"), str) else None


def _page(folders: Iterator[Path]) -> list[Path]:
    return list(islice(folders, PAGE))


def _row_differs(root: Path, row: Row) -> str | None:
    """Return what is wrong with the files of an archived row, None where nothing is."""
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


def _facts(root: Path, folder: Path) -> dict[str, Any] | None:
    """Return what the catalog keeps of a recording; None where its manifest is missing, unreadable or misshapen."""
    written = atomic_files.read_json(folder / MANIFEST)
    return None if written is None or malformed_member(written) else found(folder, root, written)
