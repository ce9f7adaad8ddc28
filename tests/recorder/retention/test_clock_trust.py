"""A clock that is set back or forward, with or without a restart: it makes no recording due early."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.kernel import atomic_files
from broker.kernel.clock import Discipline, Instant
from broker.kernel.database import engine_for
from recorder.archive.disk_space import Rules
from recorder.archive.finalize import finalise
from recorder.evidence.verify import verify
from recorder.retention import clock_trust
from recorder.retention.clock_trust import Doubt, believe, doubt, mark_clock, marks
from recorder.retention.rules import due_at
from tests.support.ipc import FactLog
from tests.support.recording.archives import REASON, archived, make_work, signer
from tests.support.recording.feed import BEGIN, WALL, instant
from tests.support.recording.purging import DUE, SECOND, PurgeSetup
from tests.support.recording.service import recorder_parts

BACK = WALL - timedelta(days=400)
SHORT = timedelta(seconds=3)


@pytest.fixture
async def purging(tmp_path: Path, database: str) -> AsyncIterator[PurgeSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    yield PurgeSetup(engine, tmp_path / "archive")
    await engine.dispose()


def due_of(done: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(done["due_at"])


class TestSetBack:
    """A visit that seems to end before an earlier record."""

    async def test_by_the_chain_of_the_site_it_is_kept_from_that_moment_on(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one", WALL)
        folder = await purging.recording("session_two", BACK)
        row = await purging.catalog.row("session_two") or {}
        assert row["due_at"] == DUE and row["ended_at"] < WALL
        written = atomic_files.read_json(folder / "manifest.json") or {}
        assert written["clock"]["behind"] == pytest.approx(400 * 86400, abs=5)
        assert verify(None, purging.root).ok
        purging.wall = DUE - SECOND
        assert (await purging.plan()).recordings == 0

    async def test_also_a_third_visit_and_one_after_a_purge_know_the_latest_moment(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one", WALL)
        purging.wall = DUE + timedelta(days=30)
        await purging.apply()  # its line is now the latest moment
        for session in ("session_two", "session_three"):
            done = archived(make_work(purging.root, session, BACK), purging.root, BACK)
            assert due_of(done) == due_at(purging.wall, 6)

    async def test_by_the_catalog_of_another_site(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one", WALL, site="other-site")
        work, key = make_work(purging.root, "session_two", BACK), signer(purging.root)
        done = finalise(work, purging.root, REASON, BACK, key, witnessed=WALL + SHORT)
        assert due_of(done) == DUE

    async def test_and_put_right_in_the_middle_of_the_visit_by_the_timeline(self, purging: PurgeSetup) -> None:
        work = make_work(purging.root, "session_one", BACK)
        atomic_files.append_lines(work / "timeline.jsonl", [{"at": WALL.isoformat(), "event": {"kind": "state"}}])
        assert due_of(archived(work, purging.root, WALL)) == DUE

    async def test_by_less_than_a_correction_changes_nothing(self, purging: PurgeSetup) -> None:
        midnight = datetime.fromisoformat("2026-11-22T00:00:30+08:00")  # a visit that ends first, archived second
        done = []
        for session, started in (("session_one", midnight), ("session_two", midnight - timedelta(minutes=1))):
            done.append(archived(make_work(purging.root, session, started), purging.root, started))
        assert [due_of(one).isoformat() for one in done] == ["2027-05-23T00:00:00+08:00", "2027-05-22T00:00:00+08:00"]
        assert (
            "behind"
            not in (atomic_files.read_json(next(purging.root.rglob("session_two/manifest.json"))) or {})["clock"]
        )

    async def test_is_an_alarm_until_the_clock_is_right(self, purging: PurgeSetup) -> None:
        log = FactLog()
        await purging.recording("session_one", WALL)
        clock = Clock(BACK)
        parts = recorder_parts(purging.root, Rules(0, 0), purging.catalog, clock, log.received)
        sessions = parts.sessions
        make_work(purging.root, "session_two", BACK)
        await sessions.catalog.intend("session_two", "other-site", 1, "x", "yunnan 1", BACK)
        sessions.adopt("session_two")
        sessions.end("session_two", REASON)
        closing = sessions.active["session_two"].closing
        assert closing is not None
        await closing
        assert ("archive_alarm", {"kind": "clock_behind", "site": "", "seconds": 400 * 86400 + 3}) in log.facts
        assert (await sessions.catalog.row("session_two") or {})["due_at"] == DUE
        clock.wall = WALL + SHORT
        await parts.alarms.check_clock()
        assert parts.alarms.active == {}
        await sessions.drain()


class Clock:
    def __init__(self, wall: datetime) -> None:
        self.wall = wall

    def now(self) -> Any:
        return instant(BEGIN).after(self.wall - WALL)


class TestSetForward:
    """Across a restart only records from before it show the change."""

    HOUR, DAY = timedelta(hours=1), timedelta(days=1)
    RIGHT, WRONG = Discipline(True, 0.0, 0.01), Discipline(False, 0.0, 16.0)

    @pytest.fixture
    def boot(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """Return a function that restarts the machine."""
        return lambda name: monkeypatch.setattr(clock_trust, "boot_id", lambda: name)

    async def doubt(
        self, purging: PurgeSetup, wall: datetime, mono: float, kept: Discipline | None, before: datetime | None = None
    ) -> Doubt | None:
        now = Instant(wall, mono)
        await mark_clock(purging.engine, Standing(now))
        return doubt(await marks(purging.engine, now), before, now, kept)

    async def test_while_the_machine_runs_it_is_noticed(self, purging: PurgeSetup, boot: Callable[[str], None]) -> None:
        boot("one")
        assert await self.doubt(purging, WALL, 100.0, self.RIGHT) is None
        assert await self.doubt(purging, WALL + self.HOUR, 3700.0, self.WRONG) is None
        found = await self.doubt(purging, WALL + self.DAY, 3700.0, self.RIGHT)
        assert found == Doubt(self.DAY - self.HOUR, restarted=False)

    async def test_the_very_first_run_has_nothing_to_compare_with(
        self, purging: PurgeSetup, boot: Callable[[str], None]
    ) -> None:
        boot("one")
        assert await self.doubt(purging, WALL, 100.0, None, before=BACK) is None

    @pytest.mark.parametrize(
        ("pause", "kept", "believed"),
        [
            (timedelta(minutes=2), WRONG, True),  # a restart
            (HOUR, RIGHT, True),
            (HOUR, WRONG, False),
            (HOUR, None, False),
            (DAY * 6, RIGHT, True),
            (DAY * 8, RIGHT, False),  # also with a disciplined clock
            (DAY * 365, RIGHT, False),
        ],
    )
    async def test_across_a_restart_a_pause_is_accepted_with_a_disciplined_clock(
        self,
        purging: PurgeSetup,
        boot: Callable[[str], None],
        pause: timedelta,
        kept: Discipline | None,
        believed: bool,
    ) -> None:
        boot("one")
        await self.doubt(purging, WALL, 100.0, kept)
        boot("two")
        found = await self.doubt(purging, WALL + pause + timedelta(seconds=50), 50.0, kept)
        assert found == (None if believed else Doubt(pause, restarted=True))

    async def test_across_a_restart_the_last_note_of_any_writer_counts(
        self, purging: PurgeSetup, boot: Callable[[str], None]
    ) -> None:
        boot("one")
        await self.doubt(purging, WALL, 100.0, self.WRONG)
        await self.doubt(purging, WALL + self.HOUR, 3700.0, self.WRONG)  # the recorder notes that the clock goes on
        boot("two")
        assert await self.doubt(purging, WALL + self.HOUR + timedelta(seconds=60), 60.0, self.WRONG) is None
        boot("three")
        later, mono = WALL + self.DAY, 60.0
        assert await self.doubt(purging, later, mono, self.WRONG) is not None
        assert await self.doubt(purging, later, mono, self.WRONG, before=later - timedelta(seconds=90)) is None

    async def test_a_clock_that_an_officer_compared_is_trusted_until_it_is_moved_again(
        self, purging: PurgeSetup, boot: Callable[[str], None]
    ) -> None:
        boot("one")
        await self.doubt(purging, WALL, 100.0, self.WRONG)
        boot("two")
        year = WALL + self.DAY * 365
        assert await self.doubt(purging, year, 50.0, self.WRONG) is not None
        await believe(purging.engine, Standing(Instant(year, 60.0)), "shen")
        assert await self.doubt(purging, year + self.HOUR, 3660.0, self.WRONG) is None
        assert await self.doubt(purging, year + self.DAY, 3660.0, self.WRONG) is not None
        boot("three")
        assert await self.doubt(purging, year + self.DAY * 30, 50.0, self.RIGHT) is not None


class Standing:
    def __init__(self, instant: Instant) -> None:
        self.instant = instant

    def now(self) -> Instant:
        return self.instant
