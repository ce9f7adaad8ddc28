"""Recordings that were made with a wrong clock: none falls due before six months after it could have been made."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from broker.kernel.clock import Discipline, Instant, boot_id
from broker.kernel.database import engine_for, writing
from recorder.archive.catalog import columns
from recorder.archive.finalize import Moment, finalise
from recorder.archive.tables import RECORDINGS
from recorder.evidence.chain_facts import ChainFacts, Dated
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import lines_of_site
from recorder.evidence.verify import verify
from recorder.recovery import Recovery
from recorder.retention import clock_trust, dating
from recorder.retention.clock_trust import Marks, believe, mark_clock
from recorder.retention.dating import Redated, date_recordings, is_right, redated
from recorder.retention.holds import Chains, Holds
from recorder.retention.plan import Plan, Scope, plan_of
from recorder.retention.rules import CLOCK_SLACK, clock_doubt, due_at
from tests.support.recording.archives import REASON, make_work, signer
from tests.support.recording.feed import WALL
from tests.support.recording.purging import SECOND, PurgeSetup

RIGHT, WRONG = Discipline(True, 0.0, 0.01), Discipline(False, 0.0, 16.0)
DAY = timedelta(days=1)
NEVER_SET = [
    datetime.fromisoformat(text)
    for text in ("1970-01-01T00:00:09+00:00", "2020-01-01T08:00:00+08:00", "2015-07-01T00:00:00+00:00")
]


class DatingSetup(PurgeSetup):
    """An archive on a machine whose clocks the test moves. `mono`: the monotonic clock of this run."""

    mono = 5000.0

    def now(self) -> Instant:
        return Instant(self.wall, self.mono)

    @property
    def chains(self) -> Chains:
        key = signer(self.root)
        return Chains(self.root, key, Keys([key.public]))

    async def made(self, session: str, clock: datetime, site: str = "prison-site", doubt: str = "") -> datetime | None:
        """Archive a recording while the machine's clock says `clock`; return its date in the catalog."""
        work = make_work(self.root, session, clock, site=site)
        moment = Moment(clock, self.mono, boot_id(), doubt)
        done = finalise(work, self.root, REASON, clock, signer(self.root), False, None, moment)
        row = {"session": session, "site": done["site"], "announced": True, "created_at": clock}
        await self.catalog.put(row | columns(done))
        return datetime.fromisoformat(done["due_at"]) if done["due_at"] else None

    async def date(self, wall: datetime, kept: Discipline | None = RIGHT, passed: timedelta = timedelta()) -> list[str]:
        """Look at the archive when time has `passed` and the clock says `wall`; return the sessions that were dated."""
        self.wall, self.mono = wall, self.mono + passed.total_seconds()
        return [found.session for found in await date_recordings(self.engine, self.chains, self.now(), kept)]

    async def planned(self, wall: datetime) -> Plan:
        self.wall = wall
        facts = await Holds(self.engine, self.chains).facts()
        return await plan_of(self.engine, Scope(wall, None, {}, None, facts))

    async def deleted_at(self, wall: datetime) -> int:
        plan = await self.planned(wall)
        if plan.recordings == 0:
            return 0
        return (await self.order(await self.approval(await self.code(plan)), plan.scope)).deleted


@pytest.fixture
async def setup(tmp_path: Path, database: str) -> AsyncIterator[DatingSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    yield DatingSetup(engine, tmp_path / "archive")
    await engine.dispose()


class TestAClockThatWasNeverSet:
    """The battery of the machine's clock is dead, and nothing was ever written before."""

    @pytest.mark.parametrize("clock", NEVER_SET, ids=str)
    async def test_keeps_the_recording_until_a_right_one_has_dated_it(
        self, setup: DatingSetup, clock: datetime
    ) -> None:
        await setup.made("session_one", clock)
        for wall in (WALL, WALL + 3000 * DAY):
            assert (await setup.planned(wall)).recordings == 0
        assert (await setup.planned(WALL + 3000 * DAY)).kept == {"undated": 1}
        assert await setup.date(WALL, WRONG) == []
        assert await setup.date(WALL, None) == []
        assert await setup.date(WALL) == ["session_one"]
        assert await setup.deleted_at(due_at(WALL, 6) - SECOND) == 0
        assert await setup.deleted_at(due_at(WALL, 6)) == 1
        assert verify(None, setup.root).damages == []

    async def test_is_said_in_manifest_and_chain(self, setup: DatingSetup) -> None:
        await setup.made("session_one", NEVER_SET[1])
        (line,) = lines_of_site(setup.root, "prison-site")
        assert b'"doubted":"before_first_recording"' in line
        assert b'"doubted": "before_first_recording"' in next(setup.root.rglob("manifest.json")).read_bytes()

    async def test_is_dated_by_an_officer_where_no_time_source_is(self, setup: DatingSetup) -> None:
        setup.wall = NEVER_SET[1]
        await mark_clock(setup.engine, setup)
        await setup.made("session_one", NEVER_SET[1])
        setup.wall = WALL
        await believe(setup.engine, setup, "shen")
        assert await setup.date(WALL, WRONG) == ["session_one"]

    async def test_is_dated_once(self, setup: DatingSetup) -> None:
        await setup.made("session_one", NEVER_SET[0])
        assert await setup.date(WALL) == ["session_one"]
        assert await setup.date(WALL + DAY, passed=DAY) == [] and len(lines_of_site(setup.root, "prison-site")) == 2


class TestAClockThatIsBehind:
    @pytest.mark.parametrize("behind", [timedelta(hours=1), timedelta(days=7), timedelta(days=3000)])
    async def test_an_earlier_record_of_the_site_it_is_dated_by_the_next_right_one(
        self, setup: DatingSetup, behind: timedelta
    ) -> None:
        """The machine was off for a month: the last record is no more than the earliest possible moment."""
        await setup.made("session_one", WALL)
        await setup.made("session_two", WALL - behind)
        found = WALL + 30 * DAY
        assert await setup.date(found, passed=30 * DAY) == ["session_two"]
        for wall in (due_at(WALL, 6), due_at(found, 6) - SECOND):
            assert "session_two" not in await self.deletable(setup, wall)
        assert await setup.deleted_at(due_at(found, 6)) == 2

    async def test_a_record_of_another_site_too_although_the_database_is_lost(self, setup: DatingSetup) -> None:
        await setup.made("session_one", WALL, site="other-site")
        async with writing(setup.engine) as db:
            await db.execute(delete(RECORDINGS))
        assert await setup.made("session_two", WALL - 7 * DAY) == due_at(WALL, 6)
        assert await setup.date(WALL + DAY, passed=DAY) == ["session_two"]

    async def test_a_note_of_an_earlier_run_of_the_machine(
        self, setup: DatingSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock_trust, "boot_id", lambda: "before")
        setup.wall = WALL
        await mark_clock(setup.engine, setup)
        monkeypatch.setattr(clock_trust, "boot_id", boot_id)
        noted = await clock_trust.marks(setup.engine, Instant(WALL - 7 * DAY, 60.0))
        assert noted.before is None and noted.latest == WALL
        assert clock_doubt(WALL - 7 * DAY, WALL) == "behind"

    async def test_is_never_dated_by_a_clock_that_is_behind_itself(self, setup: DatingSetup) -> None:
        await setup.made("session_one", WALL)
        await setup.made("session_two", NEVER_SET[1])
        assert await setup.date(WALL - DAY) == [] and await setup.date(NEVER_SET[2]) == []

    async def test_leaves_the_dates_of_others_alone(self, setup: DatingSetup) -> None:
        await setup.made("session_one", WALL)
        await setup.made("session_two", WALL - 7 * DAY)
        await setup.date(WALL + 30 * DAY, passed=30 * DAY)
        row = await setup.catalog.row("session_one") or {}
        assert row["due_at"] == due_at(WALL, 6)

    async def deletable(self, setup: DatingSetup, wall: datetime) -> set[str]:
        plan = await setup.planned(wall)
        return {"session_one", "session_two"} if plan.recordings == 2 else {"session_one"} if plan.recordings else set()


class TestAStepOfTheClock:
    """The clock is set right while the machine runs: what was recorded before ended later than it says."""

    async def test_dates_the_recordings_of_this_run_by_the_monotonic_clock(self, setup: DatingSetup) -> None:
        await setup.made("session_one", WALL - 7 * DAY)  # the clock was a week behind, and nothing showed it
        setup.mono += 3600.0
        right = WALL + timedelta(hours=1)
        assert await setup.date(right) == ["session_one"]
        row = await setup.catalog.row("session_one") or {}
        assert row["due_at"] == due_at(WALL, 6)
        assert await setup.deleted_at(due_at(WALL, 6) - SECOND) == 0

    async def test_of_little_or_back_dates_nothing(self, setup: DatingSetup) -> None:
        await setup.made("session_one", WALL)
        for step in (CLOCK_SLACK / 2, -7 * DAY):
            assert await setup.date(WALL + max(step, timedelta())) == []

    async def test_in_another_run_says_nothing_of_this_one(
        self, setup: DatingSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await setup.made("session_one", WALL - 7 * DAY)
        monkeypatch.setattr(dating, "boot_id", lambda: "another")
        assert await setup.date(WALL) == []


class TestALostDatabase:
    async def test_leaves_the_date_in_the_chain(self, setup: DatingSetup) -> None:
        await setup.made("session_one", NEVER_SET[1])
        await setup.date(WALL)
        async with writing(setup.engine) as db:
            await db.execute(delete(RECORDINGS))
        await Recovery(setup.root, setup.catalog, setup, Alarms()).review()  # type: ignore[arg-type]
        assert await setup.state("session_one") == "archived"
        assert (await setup.planned(due_at(WALL, 6))).kept == {"undated": 1}
        assert await setup.date(WALL) == []  # it is dated already, and the catalog gets the date back
        assert await setup.deleted_at(due_at(WALL, 6) - SECOND) == 0
        assert await setup.deleted_at(due_at(WALL, 6)) == 1

    async def test_also_a_purge_that_does_not_know_the_chains_keeps_it(self, setup: DatingSetup) -> None:
        await setup.made("session_one", NEVER_SET[1])
        setup.wall = WALL
        assert (await setup.plan()).kept == {"undated": 1}
        await setup.catalog.set("session_one", due_at=NEVER_SET[1])
        assert (await setup.apply()).kept == [("session_one", "wrong_clock")]
        assert await setup.date(WALL) == ["session_one"]
        await setup.catalog.set("session_one", due_at=NEVER_SET[1])
        assert (await setup.apply()).kept == [("session_one", "not_due")]


class Alarms:
    """Takes the differences that a recovery reports."""

    def differ(self, _difference: Any) -> None:
        """Take a difference and forget it."""


class TestARightClock:
    NOW = Instant(WALL, 5000.0)
    BELIEVED = Marks((WALL - timedelta(seconds=5000), 0.0), True, None)

    @pytest.mark.parametrize(
        ("now", "noted", "kept", "latest", "right"),
        [
            (NOW, Marks(None, False, None), RIGHT, None, True),
            (NOW, Marks(None, False, None), RIGHT, WALL, True),
            (NOW, Marks(None, False, None), RIGHT, WALL + DAY, False),
            (NOW, Marks(None, False, None), WRONG, None, False),
            (NOW, Marks(None, False, None), None, None, False),
            (NOW, BELIEVED, None, None, True),
            (Instant(WALL + DAY, 5000.0), BELIEVED, None, None, False),  # it was moved after the officer's look
            (Instant(NEVER_SET[1], 5000.0), Marks(None, False, None), RIGHT, None, False),
        ],
    )
    def test_is_disciplined_or_compared_and_not_behind(
        self, now: Instant, noted: Marks, kept: Discipline | None, latest: datetime | None, right: bool
    ) -> None:
        assert is_right(now, noted, kept, latest) is right


@dataclass
class World:
    """A machine with a true time and clocks that may be wrong, and the recordings that it made, as lines of a chain."""

    true: datetime = WALL
    offset: timedelta = timedelta()
    mono: float = 0.0
    boot: int = 0
    latest: datetime = WALL

    def __post_init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.ends: dict[str, datetime] = {}
        self.dues: dict[str, datetime] = {}

    @property
    def wall(self) -> datetime:
        return self.true + self.offset

    def passes(self, hours: float) -> None:
        self.true += timedelta(hours=hours)
        self.mono += 3600 * hours

    def restart(self, off: float, offset: timedelta) -> None:
        self.passes(off)
        self.boot, self.mono, self.offset = self.boot + 1, 0.0, offset

    def record(self) -> None:
        session = f"ses_{len(self.lines)}"
        doubt = clock_doubt(self.wall, max(self.latest, self.wall))
        self.latest = max(self.latest, self.wall)
        self.ends[session], self.dues[session] = self.true, due_at(self.latest if doubt else self.wall, 6)
        line = {"session": session, "wall": self.wall.isoformat(), "mono": self.mono, "boot": self.boot}
        self.lines.append(line | ({"doubted": doubt} if doubt else {}))

    def look(self, facts: ChainFacts) -> None:
        """Date what can be dated, with a clock that is right now."""
        now = Instant(self.true, self.mono)
        facts.doubted |= {line["session"]: line["doubted"] for line in self.lines if "doubted" in line}
        for found in list(redated(facts, [line for line in self.lines if line["boot"] == self.boot], now)):
            facts.dated[found.session] = Dated(found.since, due_at(found.since, 6))
        self.latest = max(self.latest, self.true)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.floats(0, 2000)),
        st.tuples(st.just("restart"), st.floats(0, 2000), st.integers(-20_000, 0)),
        st.tuples(st.just("record")),
        st.tuples(st.just("right")),
    ),
    max_size=30,
)


@given(STEPS)
def test_no_recording_with_a_clock_that_is_known_to_be_wrong_is_due_before_six_months_are_over(
    steps: list[tuple[Any, ...]],
) -> None:
    world, facts = World(), ChainFacts()
    for name, *values in steps:
        if name == "restart":
            world.restart(values[0], timedelta(days=values[1]))
        elif name == "right":
            world.offset = timedelta()  # a time source has set the clock, as the machine runs
            world.look(facts)
        else:
            getattr(world, name)(*values)
    for line in world.lines:
        session = line["session"]
        if "doubted" in line and session not in facts.dated:
            continue  # it stays
        due = max(world.dues[session], facts.dated[session].due) if session in facts.dated else world.dues[session]
        behind = world.ends[session] - datetime.fromisoformat(line["wall"])
        if "doubted" in line or session in facts.dated or behind <= CLOCK_SLACK:
            assert due >= due_at(world.ends[session], 6) - DAY  # CLOCK_SLACK may lie on both sides of midnight


def test_what_was_dated_is_dated_again_only_by_a_later_step() -> None:
    visit = {"session": "ses_a", "wall": (WALL - 7 * DAY).isoformat(), "mono": 100.0}
    facts = ChainFacts()
    assert [found.since for found in redated(facts, [visit], Instant(WALL, 100.0))] == [WALL]
    facts.dated["ses_a"] = Dated(WALL, due_at(WALL, 6))
    assert list(redated(facts, [visit], Instant(WALL + DAY, 86500.0))) == []
    again = list(redated(facts, [visit], Instant(WALL + DAY, 100.0)))
    assert again == [Redated("ses_a", WALL + DAY, "clock_stepped")]
