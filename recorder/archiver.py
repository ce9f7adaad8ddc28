"""The way from finished parts to the archive: one film with a signed manifest, a row in the catalog, the end of the
site's chain in the database. Each step is repeated until it succeeds or the process ends; the next start then repeats
it."""

import asyncio
from contextlib import suppress
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import structlog
from msgspec import ValidationError, convert

from broker.ipc.recorder_messages import ArchivingFailed, Gap, RecordingArchived
from broker.kernel.clock import Clock, boot_id
from broker.kernel.errors import StorageUnavailable
from broker.kernel.ids import SessionId
from recorder.alarms import Alarms
from recorder.archive.catalog import FAILED, FINALIZING, Catalog, columns
from recorder.archive.finalize import Moment, finalise
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import Signer
from recorder.evidence.site_chain import BrokenSiteChain
from recorder.recording import ReportFact

log = structlog.get_logger()
RETRY_ARCHIVE, RETRY_CATALOG = 20.0, 2.0  # seconds until a failed step is tried again
MOST_GAPS = 100
"""Gaps in a message. A bad line makes thousands: the manifest lists all of them, and a message has a limit."""


class Archiver:
    """Archives sessions whose parts are finished. `sm3` adds the national hash to the manifest."""

    def __init__(
        self,
        archive_dir: Path,
        catalog: Catalog,
        clock: Clock,
        signer: Signer,
        alarms: Alarms,
        report_fact: ReportFact,
        sm3: bool = False,
    ) -> None:
        self._archive_dir, self._catalog, self._clock = archive_dir, catalog, clock
        self._signer, self._alarms, self._report_fact, self._sm3 = signer, alarms, report_fact, sm3
        self._closing = asyncio.Event()

    async def archive(self, session: str, folder: Path, reason: dict[str, Any]) -> dict[str, Any] | None:
        """Archive the session in work folder `folder` and return what `finalise` returns; None after `close`."""
        with suppress(StorageUnavailable):
            await self._catalog.set(session, state=FINALIZING)
        done = await self._finalise(session, folder, reason)
        if done is None or not await self._catalogue(done):
            return None
        await self._keep_head(done["site"])
        return done

    async def announce(self, report_fact: ReportFact) -> None:
        """Send the finished recordings that the control process has not acknowledged. Raises StorageUnavailable."""
        for row in await self._catalog.unannounced():
            report_fact(end_fact(row))

    async def keep_heads(self) -> None:
        """Compare the chains of all sites with the ends that the database keeps; a chain that was cut is an alarm."""
        try:
            for site in await ChainHeads(self._catalog.engine).advance_all(self._archive_dir, self._clock.now().wall):
                self._alarms.report("chain_cut", site)
        except StorageUnavailable as error:
            log.error("chain heads not compared", why=error)

    def close(self) -> None:
        """Stop repeating failed steps: the process ends."""
        self._closing.set()

    async def _finalise(self, session: str, folder: Path, reason: dict[str, Any]) -> dict[str, Any] | None:
        while True:
            now, witnessed = self._clock.now(), await self._alarms.check_clock()
            moment = Moment(now.wall, now.mono, boot_id(), await self._alarms.clock_doubt())
            try:
                return await asyncio.to_thread(
                    finalise, folder, self._archive_dir, reason, now.wall, self._signer, self._sm3, witnessed, moment
                )
            except Exception as error:
                log.exception("archiving failed", session=session)
                self._report_fact(ArchivingFailed(session=SessionId(session), reason=type(error).__name__))
            if await self._closes_within(RETRY_ARCHIVE):
                return None

    async def _catalogue(self, done: dict[str, Any]) -> bool:
        """Write the row, as soon as the database answers; whether it was written before `close`."""
        while True:
            try:
                await self._catalog.set(done["session"], **columns(done))
                return True
            except StorageUnavailable as error:
                log.error("catalog does not answer", session=done["session"], why=error)
            if await self._closes_within(RETRY_CATALOG):
                return False

    async def _keep_head(self, site: str) -> None:
        """Store where the site's chain ends now. The next start repeats what fails here."""
        try:
            if not await ChainHeads(self._catalog.engine).advance(self._archive_dir, site, self._clock.now().wall):
                self._alarms.report("chain_cut", site)
        except (StorageUnavailable, BrokenSiteChain, OSError) as error:
            log.error("chain head not kept", site=site, why=type(error).__name__)

    async def _closes_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return self._closing.is_set()


def end_fact(row: dict[str, Any]) -> RecordingArchived | ArchivingFailed:
    """Return the fact that a recording is archived, or that it failed. `row`: of the catalog, or from `finalise`."""
    if row["state"] == FAILED:
        return ArchivingFailed(session=row["session"], reason=row["reason"], path=row["path"])
    gaps = [gap for gap in map(_gap, row["gaps"] or ()) if gap is not None]
    longest = sorted(gaps, key=lambda gap: -gap.seconds)[:MOST_GAPS]
    return RecordingArchived(
        **{name: row[name] for name in ("session", "path", "sha256", "bytes")},
        seconds=_lengths(row["seconds"]),
        packets=_count(row["packets"]),
        lost=_count(row["lost"]),
        gaps=tuple(sorted(longest, key=lambda gap: (gap.start, gap.track))),
        gaps_in_all=len(row["gaps"] or ()),
        manifest_sha256=row.get("manifest_sha256"),
        head=row.get("head"),
        started_at=_iso(row["started_at"]),
        ended_at=_iso(row["ended_at"]),
    )


# A row that recovery has made comes from a manifest that another program may have written: what does not fit is left
# out, because a fact that control refuses would keep it from every other recording as well.


def _gap(value: Any) -> Gap | None:
    members = {name: value.get(name) for name in Gap.__struct_fields__} if isinstance(value, dict) else value
    gap: Gap | None = _fitting(members, Gap)
    return gap


def _lengths(value: Any) -> tuple[float, ...] | None:
    lengths: tuple[float, ...] | None = _fitting(value, tuple[float, ...])
    return lengths if lengths is not None and all(map(isfinite, lengths)) else None


def _count(value: Any) -> int | None:
    count: int | None = _fitting(value, int)
    return count


def _fitting(value: Any, kind: Any) -> Any:
    try:
        return convert(value, kind)
    except ValidationError:
        return None


def _iso(moment: str | datetime) -> str:
    return moment if isinstance(moment, str) else moment.isoformat()
