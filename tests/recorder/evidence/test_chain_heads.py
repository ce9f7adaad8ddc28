"""Chain heads in the database: what was cut off a chain is missed, even when more lines are written behind the cut."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from broker.kernel.database import engine_for
from recorder.archive.disk_space import Rules
from recorder.evidence.chain_heads import ChainHeads, merged_heads, read_heads
from recorder.evidence.verify import verify
from tests.support.ipc import FactLog
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import BEGIN, WALL, instant
from tests.support.recording.purging import DUE, PurgeSetup
from tests.support.recording.service import recorder_parts

SITE = "prison-site"


@pytest.fixture
async def purging(tmp_path: Path, database: str) -> AsyncIterator[PurgeSetup]:
    engine = engine_for(database)
    yield PurgeSetup(engine, tmp_path / "archive")
    await engine.dispose()


def cut(root: Path) -> None:
    """Remove the last line of the site's chain."""
    path = root / SITE / "chain.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


class TestTheHead:
    async def test_goes_on_with_the_chain(self, purging: PurgeSetup) -> None:
        heads = ChainHeads(purging.engine)
        for number, session in enumerate(("session_one", "session_two"), 1):
            done = archived(make_work(purging.root, session, WALL + timedelta(hours=number)), purging.root)
            assert await heads.advance(purging.root, SITE, WALL)
            assert (await heads.all())[SITE] == done["head"] == verify(None, purging.root).heads[SITE]
            assert done["head"].startswith(f"{number}:")

    async def test_is_not_replaced_by_one_of_a_chain_that_was_cut_and_goes_on(self, purging: PurgeSetup) -> None:
        heads = ChainHeads(purging.engine)
        for session in ("session_one", "session_two"):
            archived(make_work(purging.root, session), purging.root)
        assert await heads.advance(purging.root, SITE, WALL)
        kept = await heads.all()
        cut(purging.root)
        archived(make_work(purging.root, "session_three", WALL + timedelta(hours=3)), purging.root)
        assert not await heads.advance(purging.root, SITE, WALL) and await heads.all() == kept
        report = verify(None, purging.root, heads={site: [head] for site, head in kept.items()})
        assert "cut" in {one.kind for one in report.damages}

    async def test_of_a_chain_that_is_gone_or_broken_is_missed_at_the_start(self, purging: PurgeSetup) -> None:
        heads = ChainHeads(purging.engine)
        archived(make_work(purging.root, "session_one"), purging.root)
        archived(make_work(purging.root, "session_two", site="other-site"), purging.root)
        assert await heads.advance_all(purging.root, WALL) == []
        (purging.root / SITE / "chain.jsonl").unlink()
        (purging.root / "other-site" / "chain.jsonl").write_bytes(b"{}\n")
        assert await heads.advance_all(purging.root, WALL) == ["other-site", SITE]

    async def test_goes_on_with_every_deletion_too(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        await purging.apply()
        head = (await ChainHeads(purging.engine).all())[SITE]
        assert verify(None, purging.root).heads == {SITE: head} and purging.wall == DUE
        assert purging.tombstones.written[0][2]["head"] == head

    async def test_that_was_cut_is_reported_by_the_next_purge_of_the_site(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        await purging.recording("session_two", WALL + timedelta(days=1))
        await ChainHeads(purging.engine).advance(purging.root, SITE, WALL)
        cut(purging.root)
        outcome = await purging.apply()
        assert [site for site, _ in outcome.failed] == [SITE]


class TestPrintedHeads:
    def test_are_read_from_what_verify_printed(self) -> None:
        hash = "ab" * 32
        text = (
            f"WHOLE 3 recordings\nCHAIN a-site 12:{hash}\n\n  b 0:{hash}\nCHAIN a-site 13:{hash}\nCHAIN ../x 1:{hash}\n"
        )
        assert read_heads(text) == {"a-site": [f"12:{hash}", f"13:{hash}"], "b": [f"0:{hash}"]}
        assert merged_heads([read_heads(text), {"b": ["1:x"]}])["b"] == {f"0:{hash}", "1:x"}


class Still:
    now = staticmethod(lambda: instant(BEGIN))


class TestTheRecorder:
    async def test_keeps_the_head_of_each_visit_and_says_aloud_when_the_chain_was_cut(
        self, purging: PurgeSetup
    ) -> None:
        log = FactLog()
        parts = recorder_parts(purging.root, Rules(0, 0), purging.catalog, Still(), log.received)
        sessions = parts.sessions
        for session in ("session_one", "session_two", "session_three"):
            make_work(purging.root, session)
            await sessions.catalog.intend(session, SITE, 1, "x", "yunnan 1", WALL)
            sessions.adopt(session)
            sessions.end(session, {"code": "completed"})
            await asyncio.gather(*(visit.closing for visit in sessions.active.values() if visit.closing))
            if session == "session_two":
                (kept,) = (await ChainHeads(purging.engine).all()).values()
                assert (await sessions.catalog.row(session) or {})["head"] == kept
                cut(purging.root)
        assert [facts["head"].split(":")[0] for fact, facts in log.facts if fact == "recording_archived"] == [
            "1",
            "2",
            "2",
        ]
        assert ("archive_alarm", {"kind": "chain_cut", "site": SITE, "seconds": None}) in log.facts
        log.facts.clear()
        parts.alarms.announce([], log.received)
        assert ("archive_alarm", {"kind": "chain_cut", "site": SITE, "seconds": None}) in log.facts
        await sessions.drain()
