"""A clock that is set back or forward, with or without a restart: nothing is deleted early for it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.engine import engine_for
from recorder import papers
from recorder.desk import Desk
from recorder.finalise import finalise
from recorder.retention import due_at
from recorder.space import Rules
from recorder.verify import verify
from tests.recorder.archives import REASON, archived, make_work, signer
from tests.recorder.feed import BEGIN, WALL, instant
from tests.recorder.purging import DUE, SECOND, Yard

BACK = WALL - timedelta(days=400)
SHORT = timedelta(seconds=3)


@pytest.fixture
async def yard(tmp_path: Path, database: str) -> AsyncIterator[Yard]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    yield Yard(engine, tmp_path / "archive")
    await engine.dispose()


def due_of(done: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(done["due_at"])


class TestSetBack:
    """A visit that seems to end before something that was written down before it."""

    async def test_by_the_chain_of_the_site_it_is_kept_from_that_moment_on(self, yard: Yard) -> None:
        await yard.recording("session_one", WALL)
        folder = await yard.recording("session_two", BACK)
        row = await yard.catalog.row("session_two") or {}
        assert row["due_at"] == DUE and row["ended_at"] < WALL
        written = papers.read_json(folder / "manifest.json") or {}
        assert written["clock"]["behind"] == pytest.approx(400 * 86400, abs=5)
        assert verify(None, yard.root).ok
        yard.wall = DUE - SECOND
        assert (await yard.plan()).recordings == 0

    async def test_also_a_third_visit_and_one_after_a_purge_know_the_latest_moment(self, yard: Yard) -> None:
        await yard.recording("session_one", WALL)
        yard.wall = DUE + timedelta(days=30)
        await yard.apply()  # its line is the latest moment now
        for session in ("session_two", "session_three"):
            done = archived(make_work(yard.root, session, BACK), yard.root, BACK)
            assert due_of(done) == due_at(yard.wall, 6)

    async def test_by_the_catalog_of_another_site(self, yard: Yard) -> None:
        await yard.recording("session_one", WALL, site="other-site")
        work, key = make_work(yard.root, "session_two", BACK), signer(yard.root)
        done = finalise(work, yard.root, REASON, BACK, key, witnessed=WALL + SHORT)
        assert due_of(done) == DUE

    async def test_and_put_right_in_the_middle_of_the_visit_by_the_timeline(self, yard: Yard) -> None:
        work = make_work(yard.root, "session_one", BACK)
        papers.append_lines(work / "timeline.jsonl", [{"at": WALL.isoformat(), "event": {"kind": "state"}}])
        assert due_of(archived(work, yard.root, WALL)) == DUE

    async def test_by_less_than_a_correction_changes_nothing(self, yard: Yard) -> None:
        midnight = datetime.fromisoformat("2026-11-22T00:00:30+08:00")  # a visit that ends first, archived second
        done = []
        for session, started in (("session_one", midnight), ("session_two", midnight - timedelta(minutes=1))):
            done.append(archived(make_work(yard.root, session, started), yard.root, started))
        assert [due_of(one).isoformat() for one in done] == ["2027-05-23T00:00:00+08:00", "2027-05-22T00:00:00+08:00"]
        assert "behind" not in (papers.read_json(next(yard.root.rglob("session_two/manifest.json"))) or {})["clock"]

    async def test_is_an_alarm_until_the_clock_is_right(self, yard: Yard) -> None:
        told: list[tuple[str, dict[str, Any]]] = []
        tell = lambda fact, **facts: told.append((fact, facts))  # noqa: E731
        await yard.recording("session_one", WALL)
        clock = Clock(BACK)
        desk = Desk(yard.root, Rules(0, 0), yard.catalog, clock, tell, signer(yard.root))
        make_work(yard.root, "session_two", BACK)
        await desk.catalog.intend("session_two", "other-site", 1, "x", "yunnan 1", BACK)
        desk.adopt("session_two")
        desk.end("session_two", REASON)
        closing = desk.visits["session_two"].closing
        assert closing is not None
        await closing
        assert ("alarm", {"kind": "clock_behind", "site": "", "seconds": 400 * 86400 + 3}) in told
        assert (await desk.catalog.row("session_two") or {})["due_at"] == DUE
        clock.wall = WALL + SHORT
        await desk.look_at_clock()
        assert desk.alarms == {}
        await desk.drain()


class Clock:
    def __init__(self, wall: datetime) -> None:
        self.wall = wall

    def now(self) -> Any:
        return instant(BEGIN).after(self.wall - WALL)
