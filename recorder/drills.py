"""Recordings of drills (演练): made, sealed and verified as those of visits are, in a folder of their own. Nothing of a
drill is in the catalog, in the archive of visits or in the chains of its sites: no count, purge or review meets it. A
drill that this process did not finish has failed, and its files are removed at the next start.
"""

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from broker.ipc.recorder_messages import ArchivingFailed
from broker.kernel.clock import Clock
from broker.kernel.ids import SessionId
from recorder.archive import paths
from recorder.archive.finalize import finalise
from recorder.evidence.signing import Signer
from recorder.recording import ReportFact

log = structlog.get_logger()
FOLDER = "drills"
"""Name of the folder of drills beside the archive of visits."""


class NoCatalog:
    """The catalog of drills: it knows of none, and nothing is written into it."""

    async def intend(self, session: str, site: str, part: int, path: str, policy: str, at: datetime) -> None:
        """Write down nothing: an unfinished drill is not continued."""

    async def parts(self, session: str) -> int:
        """Return 0: the parts of a drill are those in its folder."""
        return 0

    async def row(self, session: str) -> dict[str, Any] | None:
        """Return None: a drill has no row."""
        return None

    async def set(self, session: str, **values: Any) -> None:
        """Change nothing: a drill has no row."""


class DrillArchiver:
    """Seals the recordings of drills, once. What fails is a finding of the drill, and is not tried again."""

    def __init__(self, root: Path, clock: Clock, signer: Signer, report_fact: ReportFact, sm3: bool = False) -> None:
        self._root, self._clock, self._signer, self._sm3 = root, clock, signer, sm3
        self._report_fact = report_fact

    async def archive(self, session: str, folder: Path, reason: dict[str, Any]) -> dict[str, Any] | None:
        """Seal the work folder of a drill; return what `finalise` returns, None where it failed."""
        now = self._clock.now().wall
        try:
            return await asyncio.to_thread(finalise, folder, self._root, reason, now, self._signer, self._sm3)
        except Exception as error:
            log.exception("the recording of a drill was not sealed", session=session)
            self._report_fact(ArchivingFailed(session=SessionId(session), reason=type(error).__name__))
            return None

    def close(self) -> None:
        """Do nothing: no step is repeated."""


def remove_unfinished(root: Path) -> None:
    """Remove the work folders of drills that an earlier process did not finish. Blocks."""
    for folder in paths.work_folders(root):
        shutil.rmtree(folder)


def remove_old(root: Path, now: datetime, days: int) -> int:
    """Remove the recordings and results of drills that began more than `days` ago; return how many. Blocks."""
    oldest, removed = (now - timedelta(days=days)).timestamp(), 0
    for folder in list(paths.recordings(root)):
        if folder.stat().st_mtime < oldest:
            folder.chmod(0o755)
            shutil.rmtree(folder)
            removed += 1
    for result in root.glob("results/*.json"):
        if result.stat().st_mtime < oldest:
            result.unlink()
    return removed
