"""What is wrong with the archive and has to be looked into: too little room on the disk, a clock that is behind the
recordings, a site chain that was cut, and differences between intents, files and catalog. Each is reported to the
control process when it is found, and again to every control process that connects while it lasts."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count, islice
from pathlib import Path

import structlog

from broker.ipc.recorder_messages import ArchiveAlarm, DifferencesFound, DiskReport, FoundDifference
from broker.kernel.clock import Clock
from broker.kernel.errors import StorageUnavailable
from recorder.archive import paths
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import Claim, Rules
from recorder.recording import ReportFact
from recorder.retention.clock_trust import marks
from recorder.retention.plan import newest
from recorder.retention.rules import clock_doubt, clock_went_back

log = structlog.get_logger()
AT_ONCE = 200  # differences in one message


@dataclass(frozen=True, slots=True)
class Difference:
    """A session on which intents, files and catalog do not agree.

    `kind`: archived_without_notice, unfinished, plan_lost, intent_without_files, work_without_row,
    work_without_plan, file_without_row, row_without_files, film_missing, manifest_changed, manifest_unreadable,
    purged_with_files, or of a hold (`recorder.retention.hold_repair`) hold_row_missing, hold_lifted_by_hand,
    hold_not_in_chain or hold_lift_unfinished.
    """

    kind: str
    session: str


class Differences:
    """The differences that the control process has not journaled yet, numbered in the order of their discovery."""

    def __init__(self, found: Iterable[Difference] = ()) -> None:
        self._numbers = count(1)
        self._waiting = {next(self._numbers): difference for difference in found}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, difference: Difference) -> None:
        """Append a difference under the next number."""
        self._waiting[next(self._numbers)] = difference

    def first(self) -> tuple[FoundDifference, ...]:
        """Return the oldest AT_ONCE differences."""
        oldest = islice(self._waiting.items(), AT_ONCE)
        return tuple(FoundDifference(number=number, kind=found.kind, session=found.session) for number, found in oldest)

    def noted(self, up_to: int) -> None:
        """Remove the differences up to a number: the control process has journaled them."""
        for number in [number for number in self._waiting if number <= up_to]:
            del self._waiting[number]


class Alarms:
    """The present alarms of one recorder process. `report_fact` sends a fact to every connected control process."""

    def __init__(
        self, archive_dir: Path, space: Rules, catalog: Catalog, clock: Clock, report_fact: ReportFact
    ) -> None:
        self.low = False  # whether another visit of the usual length would find no room
        self.differences = Differences()
        self.active: dict[tuple[str, str], ArchiveAlarm] = {}  # by kind and site
        self.wrong_clock = False  # whether a recording of this run may have a wrong date
        self.report_fact = report_fact
        self._archive_dir, self._space, self._catalog, self._clock = archive_dir, space, catalog, clock

    def report(self, kind: str, site: str = "", seconds: int | None = None) -> None:
        """Log an alarm, send it, and keep it for the control processes that connect later."""
        log.error("archive alarm", kind=kind, site=site, seconds=seconds)
        alarm = self.active[kind, site] = ArchiveAlarm(kind=kind, site=site, seconds=seconds)
        self.report_fact(alarm)

    def differ(self, difference: Difference) -> None:
        """Keep a difference until it is journaled; the first one of a run sends the fact DifferencesFound."""
        log.error("recordings differ", kind=difference.kind, session=difference.session)
        if not self.differences:
            self.report_fact(DifferencesFound())
        self.differences.add(difference)

    async def check_clock(self) -> datetime | None:
        """Return the latest end of a recording, and report an alarm while this machine's clock is before it.

        None where there is no recording, or where the database does not answer.
        """
        try:
            witnessed = await newest(self._catalog.engine)
        except StorageUnavailable:
            return None
        now = self._clock.now().wall
        if not clock_went_back(now, witnessed):
            self.active.pop(("clock_behind", ""), None)
        elif witnessed is not None:
            self.wrong_clock = True
            self.report("clock_behind", seconds=round((witnessed - now).total_seconds()))
        return witnessed

    async def clock_doubt(self) -> str:
        """Return why this machine's clock is known to be wrong, empty where nothing speaks against it or the database
        does not answer."""
        now = self._clock.now()
        try:
            noted = await marks(self._catalog.engine, now)
        except StorageUnavailable:
            return clock_doubt(now.wall, now.wall)
        why = clock_doubt(now.wall, max(now.wall, noted.latest or now.wall))
        self.wrong_clock = self.wrong_clock or bool(why)
        return why

    def check_disk(self, claims: Iterable[Claim], report_fact: ReportFact | None = None) -> None:
        """Send a DiskReport when room becomes short or is enough again; with `report_fact`, always, and only there."""
        free, claims = paths.free_bytes(self._archive_dir), list(claims)
        low = self._space.missing(free, claims) > 0
        if low != self.low or report_fact is not None:
            claimed = self._space.claimed(claims)
            fact = DiskReport(low=low, free=free, reserve=self._space.reserve, claimed=claimed)
            (report_fact or self.report_fact)(fact)
        if low != self.low:
            log.log(logging.ERROR if low else logging.INFO, "disk", low=low, free=free)
        self.low = low

    def announce(self, claims: Iterable[Claim], report_fact: ReportFact) -> None:
        """Send everything that holds at present to a control process that has just connected."""
        if self.differences:
            report_fact(DifferencesFound())
        self.check_disk(claims, report_fact)
        for alarm in self.active.values():
            report_fact(alarm)
