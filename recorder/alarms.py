"""What is wrong with the archive and has to be looked into: too little room on the disk, a clock that is behind the
recordings, a site chain that was cut, and differences between intents, files and catalog. Each is reported to the
control process when it is found, and again to every control process that connects while it lasts."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from broker.kernel.clock import Clock
from broker.kernel.errors import StorageUnavailable
from recorder.archive import paths
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import Claim, Rules
from recorder.recording import Tell
from recorder.retention.plan import newest
from recorder.retention.rules import clock_went_back

log = structlog.get_logger()
AT_ONCE = 200  # differences in one message


@dataclass(frozen=True, slots=True)
class Difference:
    """A session on which intents, files and catalog do not agree.

    `kind`: archived_without_notice, unfinished, plan_lost, intent_without_files, work_without_row,
    work_without_plan, file_without_row, row_without_files, film_missing, manifest_changed, manifest_unreadable or
    purged_with_files.
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

    def first(self) -> list[dict[str, Any]]:
        """Return the oldest AT_ONCE differences as the control process receives them."""
        oldest = list(self._waiting.items())[:AT_ONCE]
        return [{"number": number, "kind": found.kind, "session": found.session} for number, found in oldest]

    def noted(self, up_to: int) -> None:
        """Remove the differences up to a number: the control process has journaled them."""
        for number in [number for number in self._waiting if number <= up_to]:
            del self._waiting[number]


class Alarms:
    """The present alarms of one recorder process. `tell` sends a fact to every connected control process."""

    def __init__(self, archive_dir: Path, space: Rules, catalog: Catalog, clock: Clock, tell: Tell) -> None:
        self.low = False  # whether another visit of the usual length would find no room
        self.differences = Differences()
        self.active: dict[tuple[str, str], dict[str, Any]] = {}  # facts of each alarm, by kind and site
        self.tell = tell
        self._archive_dir, self._space, self._catalog, self._clock = archive_dir, space, catalog, clock

    def report(self, kind: str, site: str = "", **facts: Any) -> None:
        """Log an alarm, send it, and keep it for the control processes that connect later."""
        log.error("archive alarm", kind=kind, site=site, **facts)
        self.active[kind, site] = {"site": site, **facts}
        self.tell("alarm", kind=kind, site=site, **facts)

    def differ(self, difference: Difference) -> None:
        """Keep a difference until it is journaled; the first one of a run sends the fact `differ`."""
        log.error("recordings differ", kind=difference.kind, session=difference.session)
        if not self.differences:
            self.tell("differ")
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
            self.report("clock_behind", seconds=round((witnessed - now).total_seconds()))
        return witnessed

    def check_disk(self, claims: Iterable[Claim], tell: Tell | None = None) -> None:
        """Send the fact `disk` when room becomes short or is enough again; with `tell`, always, and only there."""
        free, claims = paths.free_bytes(self._archive_dir), list(claims)
        low = self._space.missing(free, claims) > 0
        if low != self.low or tell is not None:
            claimed = self._space.claimed(claims)
            (tell or self.tell)("disk", low=low, free=free, reserve=self._space.reserve, claimed=claimed)
        if low != self.low:
            log.log(logging.ERROR if low else logging.INFO, "disk", low=low, free=free)
        self.low = low

    def announce(self, claims: Iterable[Claim], tell: Tell) -> None:
        """Send everything that holds at present to a control process that has just connected."""
        if self.differences:
            tell("differ")
        self.check_disk(claims, tell)
        for (kind, _), facts in self.active.items():
            tell("alarm", kind=kind, **facts)
