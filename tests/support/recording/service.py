"""The parts of a recorder process that have no socket, put together as `recorder.process.Service` does."""

from dataclasses import dataclass
from pathlib import Path

from broker.kernel.clock import Clock
from recorder.alarms import Alarms
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import Rules
from recorder.archiver import Archiver
from recorder.recording import ReportFact
from recorder.recovery import Recovery
from recorder.sessions import RecordingSessions
from tests.support.recording.archives import signer


@dataclass
class RecorderParts:
    """Sessions, archiver, alarms and recovery of one archive."""

    sessions: RecordingSessions
    archiver: Archiver
    alarms: Alarms
    recovery: Recovery

    async def recover(self) -> list[str]:
        """Recover what was being recorded; the kinds of the differences."""
        return [difference.kind for difference in await self.recovery.recover(self.sessions.adopt)]

    async def review(self) -> list[str]:
        """Review the whole archive; the kinds of the differences."""
        return [difference.kind for difference in await self.recovery.review()]


def recorder_parts(root: Path, space: Rules, catalog: Catalog, clock: Clock, report_fact: ReportFact) -> RecorderParts:
    """Make the parts around an archive in `root`, whose signing key lies beside it."""
    alarms = Alarms(root, space, catalog, clock, report_fact)
    archiver = Archiver(root, catalog, clock, signer(root), alarms, report_fact)
    sessions = RecordingSessions(root, space, catalog, clock, report_fact, archiver)
    return RecorderParts(sessions, archiver, alarms, Recovery(root, catalog, clock, alarms))
